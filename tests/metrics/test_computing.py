import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.metrics.computing import compute
from harness.plugin import Change, Evidence, MetricSpec, Unsupported

SAME = np.array([0, 1])
EVIDENCE = Evidence(SAME, SAME, SAME[None], np.eye(2), 2)


def spec(function):
    return MetricSpec("mine", "Mine", "number", "more", "what it means", function)


def test_a_metric_is_what_its_function_returns():
    assert compute(spec(lambda evidence: evidence.classes), EVIDENCE).value == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Unsupported("needs two classes"), "needs two classes"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (KeyError(), "KeyError: no message"),
        (ValueError("two\nlines"), r"ValueError: two\nlines"),
    ],
)
def test_a_function_that_raises_costs_the_metric_with_one_line(error, told, capsys):
    def fail(_evidence):
        raise error

    found = compute(spec(fail), EVIDENCE)
    assert found.value is None
    place = "" if isinstance(error, Unsupported) else rf" \({Path(__file__).name}:\d+\)"
    assert re.fullmatch(re.escape(told) + place, found.absent)
    assert found.failed is not isinstance(error, Unsupported)


def test_an_impossible_value_is_a_failure_of_the_metric():
    found = compute(spec(lambda _evidence: "many"), EVIDENCE)
    assert (found.value, found.failed) == (None, True)
    assert "wanted a number" in found.absent


def test_curves_ascend_from_the_unchanged_samples():
    change = Change("noise", "Noise", (0.1, 10.0), lambda samples, strength, generator: samples)
    changed = {"noise": {10.0: 1 - SAME, 0.1: SAME}}
    evidence = replace(EVIDENCE, changed=changed)
    found = compute(replace(spec(lambda evidence: 1), changes=(change,)), evidence)
    assert list(found.curves["noise"].items()) == [("0", 1.0), ("0.1", 1.0), ("10", 0.0)]
