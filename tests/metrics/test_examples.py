"""The metrics of docs/examples: short, and right."""

from pathlib import Path

import numpy as np
import pytest

from harness.metrics.checks import declared
from harness.metrics.computing import compute
from harness.plugin import Evidence

EXAMPLES = Path(__file__).parents[2] / "docs/examples/metrics"
LABELS = np.array([0, 1, 2, 0])
SCORES = np.array([[3.0, 2, 1], [3, 2, 1], [3, 2, 1], [1, 2, 3]], np.float32)
EVIDENCE = Evidence(
    LABELS,
    SCORES.argmax(1),
    SCORES.argmax(1)[None],
    SCORES,
    3,
    {"spikes_per_sample": 50.0, "test_accuracy": 0.25},
    changed={"fade": {0.25: LABELS, 0.5: LABELS * 0, 0.75: LABELS * 0}},
)


def example(name):
    space = {}
    exec((EXAMPLES / f"{name}.py").read_text(), space)
    (spec,) = space["harness_metrics"]()
    return space, spec


@pytest.mark.parametrize(
    ("name", "value"), [("top_two", 0.5), ("spikes_per_right_answer", 200.0), ("contrast", 0.5)]
)
def test_an_example_is_valid_and_right(name, value):
    _, spec = example(name)
    assert declared(spec, name).name == spec.name
    assert compute(spec, EVIDENCE).value == pytest.approx(value)


def test_an_example_has_at_most_20_lines():
    files = sorted(EXAMPLES.glob("*.py"))
    assert len(files) == 3
    assert all(len(path.read_text().splitlines()) <= 20 for path in files)


def test_the_page_shows_the_first_example():
    text = (EXAMPLES / "top_two.py").read_text()
    page = (EXAMPLES.parents[1] / "metrics-of-your-own.md").read_text()
    squeezed = "".join(text.split('"""', 2)[2].split()).replace(",]", "]")
    assert squeezed in "".join(page.split())


def test_half_the_contrast_is_half_the_distance_from_grey():
    space, _ = example("contrast")
    assert space["fade"](np.array([0.0, 1.0]), 0.5, None).tolist() == [0.25, 0.75]
