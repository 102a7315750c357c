"""The hooks of a plugin that trains networks: which there must be, and who is told of an error."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.plugin import Params
from harness.subjects import PluginLocation
from harness.worker.hooks import Hooks

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        ("harness_build_model, harness_encode", "harness_build_model, harness_encode"),
        ("harness_train_step", "harness_train_step"),
        ("harness_evaluate, harness_presets", "harness_presets, harness_evaluate"),
    ],
)
def test_missing_hooks_are_named_together(hooks, lost, missing):
    with pytest.raises(InvalidOutput, match=f"mine does not implement {missing}$"):
        hooks(f"del {lost}")


def test_finishing_is_optional(hooks, data):
    assert hooks().finish_training(None, (), torch.Generator()) == {}


@pytest.fixture
def failing(hooks, data):
    """The hooks and their model, where the hook `name` raises an error once the model is built."""

    def load(name):
        code = f"@hookimpl\ndef harness_{name}():\n    raise ValueError('inside')\n"
        plugin = hooks(code)
        return plugin, plugin.build_model(data.task, Params(steps=2), CPU)

    return load


@pytest.mark.parametrize(
    ("hook", "arguments"),
    [
        ("encode", (torch.zeros(3, 1, 8, 8), torch.Generator())),
        ("train_step", (torch.zeros(2, 3, 64), torch.zeros(3))),
        ("evaluate", (torch.zeros(2, 3, 64), False)),
        ("finish_training", ((), torch.Generator())),
    ],
)
def test_an_error_says_which_hook_it_came_from(failing, hook, arguments):
    plugin, model = failing(hook)
    with pytest.raises(ValueError, match="inside"):
        getattr(plugin, hook)(model, *arguments)
    assert plugin.current == f"harness_{hook}"


def test_a_model_that_cannot_be_built_is_told_of_its_hook(hooks, data):
    plugin = hooks("@hookimpl\ndef harness_build_model():\n    raise ValueError('inside')\n")
    with pytest.raises(ValueError, match="inside"):
        plugin.build_model(data.task, Params(steps=2), CPU)
    assert plugin.current == "harness_build_model"


def test_a_hook_names_only_the_arguments_that_it_needs(hooks, data):
    code = """
@hookimpl
def harness_encode(inputs):
    return inputs.flatten(1)[None]

@hookimpl
def harness_train_step(targets, model):
    return {"loss": float(targets.sum())}
"""
    plugin = hooks(code)
    model = plugin.build_model(data.task, Params(steps=2), CPU)
    assert plugin.encode(model, torch.ones(3, 1, 8, 8), torch.Generator()).shape == (1, 3, 64)
    assert plugin.train_step(model, torch.ones(1, 3, 64), torch.ones(3)) == {"loss": 3}


def test_a_wrapper_around_a_hook_is_called(hooks, data):
    code = """
@hookimpl(wrapper=True)
def harness_evaluate(model, spikes, record):
    return (yield)
"""
    with pytest.raises(InvalidOutput, match="returned nothing"):
        from harness.worker import checks

        plugin = hooks(code)
        model = plugin.build_model(data.task, Params(steps=2), CPU)
        checks.scores(plugin.evaluate(model, torch.ones(1, 3, 64), False), 3, 10)


def test_a_parameter_that_names_a_file_arrives_as_its_place(plugin_file, data):
    code = (
        "@hookimpl\ndef harness_build_model(params):\n"
        "    model = torch.nn.Linear(1, 1)\n    model.params = params\n    return model\n"
    )
    path = plugin_file("mine", code, base="softmax")
    files = (("net.py:make@0123", "/somewhere/net.py:make"),)
    loaded = Hooks(PluginLocation("mine", file=str(path), files=files))
    params = Params(steps=2, model="net.py:make@0123", other="x")
    model = loaded.build_model(data.task, params, CPU)
    assert vars(model.params) == {"steps": 2, "model": "/somewhere/net.py:make", "other": "x"}
    assert params.model == "net.py:make@0123"
