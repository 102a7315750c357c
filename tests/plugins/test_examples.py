"""The plugins of docs/examples learn, and come back from their state."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Params
from harness.subjects import PluginLocation
from harness.worker.hooks import Hooks

EXAMPLES = Path(__file__).parents[2] / "docs/examples/plugins"
NEEDS = {"bindsnet_stdp": "bindsnet", "jax_lif": "jax"}
each_example = pytest.mark.parametrize(
    "name", [path.stem for path in sorted(EXAMPLES.glob("*.py"))]
)


def located(name):
    pytest.importorskip(NEEDS.get(name, "numpy"))
    return PluginLocation(name, file=str(EXAMPLES / f"{name}.py"))


@each_example
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_learns_digits(name, digits):
    location = located(name)
    assert digits(name, file=location.file, epochs=4) > 0.8


@each_example
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_model_that_is_built_anew_answers_as_the_trained_one(name):
    from harness.plugin import Task

    hooks = Hooks(located(name))
    task = Task("digits", "classification", (1, 8, 8), 10, 1257)
    params = Params(**hooks.presets().resolve("quick", "digits", {}))
    cpu = torch.device("cpu")
    trained, fresh = (hooks.build_model(task, params, cpu) for _ in range(2))
    inputs = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    spikes = hooks.encode(trained, inputs, torch.Generator().manual_seed(0))
    for _ in range(3):
        hooks.train_step(trained, spikes, torch.arange(8))
    hooks.finish_training(trained, [(inputs, torch.arange(8))], torch.Generator().manual_seed(0))
    fresh.load_state_dict(trained.state_dict())
    scores = [hooks.evaluate(model, spikes, False).scores for model in (trained, fresh)]
    assert scores[0].any()
    assert torch.equal(*scores)


def test_the_documents_show_the_examples_that_there_are():
    text = (EXAMPLES.parents[1] / "beyond-torch.md").read_text()
    named = set(re.findall(r"examples/plugins/(\w+)\.py", text))
    assert named == {path.stem for path in EXAMPLES.glob("*.py")}
