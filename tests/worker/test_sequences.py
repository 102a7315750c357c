"""Spike trains through the host: who is called, with what, and what is measured."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.plugin import Params, Task, Unsupported
from harness.protocol.requests import RunTrial
from harness.subjects import PluginLocation
from harness.tasks import find
from harness.tasks.prepare import prepare_task
from harness.worker.data import load
from harness.worker.hooks import Hooks
from harness.worker.sequences import evaluate_fit
from harness.worker.train import run_trial

CPU = torch.device("cpu")

PRESETS = """
import torch
from torch import nn
from harness.plugin import hookimpl
from harness.plugin import Evaluation, Layer, Parameter, Presets

@hookimpl
def harness_presets():
    return Presets({
        "epochs": Parameter(1, "passes", low=0),
        "batch_size": Parameter(1, "samples an update", low=1),
    })
"""

#: Learns its targets by heart in one update.
FITS = f"""
{PRESETS}
@hookimpl
def harness_build_model(task, params, device):
    model = nn.Linear(task.inputs, task.classes, bias=False).to(device)
    model.register_buffer("kept", torch.zeros(task.steps, 1, task.classes))
    model.seen = []
    return model

@hookimpl
def harness_train_sequence(model, spikes, targets):
    assert model.training
    model.seen.append((spikes, targets))
    model.kept.copy_(targets)
    return {{"loss": 0.5 ** len(model.seen)}}

@hookimpl
def harness_evaluate(model, spikes, record):
    assert record and not model.training and not torch.is_grad_enabled()
    return Evaluation(model.kept, [Layer("output", spikes, model.weight, model.kept)])
"""

CLASSIFIES = f"""
{PRESETS}
@hookimpl
def harness_build_model(task, params, device):
    model = nn.Linear(task.inputs, task.classes).to(device)
    model.seen = []
    return model

@hookimpl
def harness_encode(model, inputs, generator):
    model.seen.append("encode")
    return inputs.flatten(1)[None]

@hookimpl
def harness_train_step(model, spikes, targets):
    return {{}}

@hookimpl
def harness_evaluate(model, spikes, record):
    return Evaluation(model(spikes).sum(0))
"""


@pytest.fixture
def load_plugin(plugin_file):
    def loaded(code):
        torch.set_num_threads(1)
        return Hooks(PluginLocation("mine", file=str(plugin_file("mine", code))))

    return loaded


@pytest.fixture(scope="module")
def pattern_file(tmp_path_factory):
    return prepare_task(find("spike-pattern"), [], tmp_path_factory.mktemp("cache"), print)[0]


@pytest.fixture
def fit(load_plugin, pattern_file):
    """Builds the plugin with `code` appended, shows it the pattern, and evaluates it."""

    def evaluated(code="", train=True):
        hooks = load_plugin(FITS + code)
        data = load("spike-pattern", str(pattern_file), CPU, seed=3)
        model = hooks.build_model(data.task, Params(), CPU)
        if train:
            inputs, targets = data.train.take(slice(0, 1))
            spikes = hooks.encode(model, inputs, torch.Generator())
            hooks.train_step(model, spikes, targets)
        return evaluate_fit(hooks, model, data), data

    return evaluated


# --- which hooks a task calls ---------------------------------------------------------------------


def task(kind, steps=7, inputs=6):
    return Task("any", kind, (inputs,), classes=3, train_size=5, steps=steps)


def test_a_spike_train_is_trained_by_its_own_hook(load_plugin):
    hooks = load_plugin(FITS)
    model = hooks.build_model(task("spike-train"), Params(), CPU)
    spikes, targets = torch.zeros(7, 1, 6), torch.ones(7, 1, 3)
    assert hooks.train_step(model, spikes, targets) == {"loss": 0.5}
    assert model.seen == [(spikes, targets)]


def test_a_plugin_that_only_classifies_is_skipped_with_the_hook_that_it_lacks(load_plugin):
    hooks = load_plugin(CLASSIFIES)
    with pytest.raises(Unsupported) as error:
        hooks.build_model(task("spike-train"), Params(), CPU)
    assert str(error.value) == (
        "has no harness_train_sequence, which a task of kind spike-train needs"
    )


def test_a_plugin_that_only_fits_is_skipped_where_classes_are_wanted(load_plugin):
    hooks = load_plugin(FITS)
    with pytest.raises(Unsupported) as error:
        hooks.build_model(task("classification"), Params(), CPU)
    assert str(error.value) == (
        "has no harness_encode, harness_train_step, which a task of kind classification needs"
    )


def test_a_plugin_with_neither_is_told_the_usual_hooks(load_plugin):
    code = PRESETS + "harness_build_model = hookimpl(lambda: 0, specname='harness_build_model')\n"
    with pytest.raises(InvalidOutput) as error:
        load_plugin(code)
    assert str(error.value) == (
        "mine does not implement harness_evaluate, harness_encode, harness_train_step"
    )


def test_samples_that_are_spike_trains_are_turned_and_not_encoded(load_plugin):
    hooks = load_plugin(CLASSIFIES)
    model = hooks.build_model(task("classification"), Params(), CPU)
    inputs = torch.arange(5 * 7 * 6.0).reshape(5, 7, 6)
    spikes = hooks.encode(model, inputs, torch.Generator())
    assert model.seen == []
    assert spikes.shape == (7, 5, 6)
    assert all(torch.equal(spikes[:, sample], inputs[sample]) for sample in range(5))


def test_samples_that_are_no_spike_trains_are_encoded(load_plugin):
    hooks = load_plugin(CLASSIFIES)
    model = hooks.build_model(task("classification", steps=None), Params(), CPU)
    assert hooks.encode(model, torch.zeros(5, 6), torch.Generator()).shape == (1, 5, 6)
    assert model.seen == ["encode"]


# --- what is measured -----------------------------------------------------------------------------


def test_a_perfect_fit(fit):
    found, data = fit()
    assert found.metrics["van_rossum_loss"] == 0
    assert (found.metrics["spikes_on_time"], found.metrics["spikes_extra"]) == (1, 0)
    inputs, targets = data.test.take(slice(0, 1))
    assert found.raster["output"] == found.raster["target"]
    for name, spikes in (("target", targets[:, 0]), ("input", inputs[0])):
        times = [column.nonzero().flatten().tolist() for column in spikes.T]
        assert found.raster[name] == times
    assert len(found.raster["input"]) == 100
    assert found.metrics["spikes_per_sample"] == 50
    assert found.metrics["synops_dense"] == 500 * 100 * 10
    assert found.metrics["input_density"] == pytest.approx(inputs.mean().item())


def test_a_silent_network_fits_nothing(fit):
    found, _ = fit(train=False)
    assert found.metrics["van_rossum_loss"] == 1
    assert (found.metrics["spikes_on_time"], found.metrics["spikes_extra"]) == (0, 0)
    assert found.raster["output"] == [[]] * 10


def test_late_and_superfluous_spikes_show(fit):
    """All 2 ms late, and one neuron spikes once more."""
    code = """
@hookimpl
def harness_evaluate(model, spikes, record):
    late = model.kept.roll(2, 0)
    late[0, 0, 4] = 1
    return Evaluation(late)
"""
    found, _ = fit(code)
    assert (found.metrics["spikes_on_time"], found.metrics["spikes_extra"]) == (1, 1)
    assert 0.05 < found.metrics["van_rossum_loss"] < 0.2
    assert found.raster["output"][4][0] == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("model.kept", "harness_evaluate: returned Tensor, wanted Evaluation of a plain tensor"),
        (
            "Evaluation(model.kept[:, 0])",
            "harness_evaluate: output spikes have shape (500, 10), wanted (500, 1, 10)",
        ),
        ("Evaluation(model.kept * 0.5)", "harness_evaluate: output spikes are not all 0 or 1"),
        ("Evaluation(model.kept / 0)", "harness_evaluate: output spikes are not all 0 or 1"),
    ],
)
def test_a_wrong_answer_is_told(fit, answer, reason):
    code = f"@hookimpl\ndef harness_evaluate(model, spikes, record):\n    return {answer}\n"
    with pytest.raises(InvalidOutput) as error:
        fit(code)
    assert str(error.value).startswith(reason)


# --- a whole trial --------------------------------------------------------------------------------


@pytest.fixture
def trial(load_plugin, pattern_file, trial_of, tmp_path):
    def carried_out(seed=0, code="", epochs=1):
        request = RunTrial(
            plugin=PluginLocation("mine"),
            trial=trial_of(seed, task="spike-pattern", epochs=epochs, batch_size=1),
            data=str(pattern_file),
            state=str(tmp_path / "state.safetensors"),
            predictions=str(tmp_path / "predictions.safetensors"),
        )
        return run_trial(request, load_plugin(FITS + code), lambda _: None)

    return carried_out


def test_a_trial_has_one_update_an_epoch_and_keeps_its_raster(trial):
    found = trial(epochs=3)
    assert [epoch["loss"] for epoch in found.history] == [0.5, 0.25, 0.125]
    assert found.metrics["van_rossum_loss"] == 0
    assert found.raster["output"] == found.raster["target"]
    assert found.metrics["parameters"] == 1000
    assert found.metrics["train_seconds"] > 0
    assert not any("accuracy" in name for name in found.metrics)
    assert [layer["name"] for layer in found.layers] == ["output"]


def test_every_seed_has_a_pattern_of_its_own(trial):
    first, again, other = trial(seed=1), trial(seed=1), trial(seed=2)
    assert first.raster == again.raster
    for name in ("input", "target"):
        assert first.raster[name] != other.raster[name]


def test_an_untrained_trial_is_measured_too(trial):
    assert trial(epochs=0).metrics["van_rossum_loss"] == 1


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ("{'loss': float('nan')}", "loss is nan"),
        ("0.5", "returned float, wanted a mapping of scalars"),
        ("{'loss': spikes}", "'loss' is Tensor, wanted a float or 0-d tensor"),
    ],
)
def test_what_the_training_hook_may_not_return_is_blamed_on_that_hook(trial, returned, reason):
    """Not on harness_train_step, which such a plugin has not."""
    code = f"@hookimpl\ndef harness_train_sequence(spikes):\n    return {returned}\n"
    with pytest.raises(InvalidOutput) as error:
        trial(code=code)
    assert str(error.value) == f"harness_train_sequence: {reason}"


def test_an_error_in_training_says_which_hook_it_came_from(load_plugin):
    hooks = load_plugin(FITS + "@hookimpl\ndef harness_train_sequence():\n    raise ValueError\n")
    model = hooks.build_model(task("spike-train"), Params(), CPU)
    with pytest.raises(ValueError):
        hooks.train_step(model, torch.zeros(7, 1, 6), torch.ones(7, 1, 3))
    assert hooks.current == "harness_train_sequence"
