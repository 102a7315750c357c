"""Yin-Yang: the plugins that read spike times learn it, and methods for static inputs refuse it."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Params, Unsupported
from harness.subjects import PluginLocation
from harness.tasks import find
from harness.tasks.prepare import prepare_task
from harness.worker.data import load
from harness.worker.hooks import Hooks
from harness.worker.train import seed_everything, train

CPU = torch.device("cpu")
#: More than a network without hidden neurons reaches, which is 64 %.
LEAST = 0.7


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path, *_ = prepare_task(find("yin-yang"), [], tmp_path_factory.mktemp("cache"), lambda _: None)
    return load("yin-yang", str(path), CPU)


def built(package, module, data, **overrides):
    """A plugin's hooks, its model with the preset `quick`, and the parameters."""
    pytest.importorskip(package)
    torch.set_num_threads(1)
    hooks = Hooks(PluginLocation(module, f"{package}.{module}"))
    params = Params(**hooks.presets().resolve("quick", data.task.name, overrides))
    seed_everything(0)
    return hooks, hooks.build_model(data.task, params, CPU), params


def accuracy(package, module, data, **overrides):
    """The validation accuracy after training with seed 0."""
    hooks, model, params = built(package, module, data, **overrides)
    train(hooks, model, params, data.train, 0, lambda _: None)
    model.eval()
    inputs, targets = data.validation.take(slice(None))
    with torch.no_grad():
        scores = hooks.evaluate(model, inputs.transpose(0, 1), False).scores
    return (scores.argmax(-1) == targets).float().mean().item()


@pytest.mark.parametrize(
    ("package", "module"),
    [
        pytest.param(f"harness_{name}", module, marks=getattr(pytest.mark, name))
        for name, module in [
            ("native", "bptt"),
            ("native", "dfa"),
            ("native", "eligibility"),
            ("native", "superspike"),
            ("snntorch", "bptt"),
            ("spikingjelly", "bptt"),
        ]
    ],
)
def test_learns_it_with_the_preset_quick_in_fewer_epochs(package, module, data):
    assert accuracy(package, module, data, epochs=3) > 0.85


@pytest.mark.parametrize(
    ("package", "module"),
    [
        pytest.param(f"harness_{name}", module, marks=getattr(pytest.mark, name))
        for name, module in [
            ("native", "ann_relu"),
            ("native", "stdp"),
            ("snntorch", "conversion"),
            ("spikingjelly", "conversion"),
            ("spikingjelly", "stdp"),
            ("spikingjelly", "supervised"),
        ]
    ],
)
def test_a_method_for_static_inputs_refuses_it(package, module, data):
    with pytest.raises(Unsupported, match="needs static inputs, and those of yin-yang are spike"):
        built(package, module, data)
