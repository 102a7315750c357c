"""Plugins that break one rule each: the check of that rule fails, and says what to change."""

from __future__ import annotations

import re

import pytest

torch = pytest.importorskip("torch")

from click.testing import CliRunner

from harness.cli import cli
from harness.plugin.conformance import CHECKS
from harness.protocol.requests import CheckPlugin
from harness.subjects import PluginLocation
from harness.worker.conformance.suite import RUNS, carry_out

#: What is wrong, the check that must fail, and what its detail and its mend must say.
BROKEN = {
    "a hook is missing": (
        "del harness_evaluate",
        "contract",
        "does not implement harness_evaluate",
        "hookspecs",
    ),
    "another contract": ('HARNESS_CONTRACT = "2.0"', "contract", "update snn-harness", ""),
    "a hook is misspelled": (
        "@hookimpl\ndef harness_evalute(model): ...",
        "contract",
        "unknown hook harness_evalute: did you mean harness_evaluate",
        "",
    ),
    "an import that fails": ("import no_such_library", "contract", "no_such_library", "install"),
    "a default out of bounds": (
        "was = [harness_presets]\n@hookimpl\ndef harness_presets():\n"
        "    return Presets({**was[0]().parameters, 'gain': Parameter(2.0, 'a gain', high=1.0)})",
        "presets",
        "parameter gain: 2.0 is above its bound 1",
        "correct the parameter",
    ),
    "a preset of an unknown parameter": (
        "was = [harness_presets]\n@hookimpl\ndef harness_presets():\n"
        "    return Presets(was[0]().parameters, {'quick': {'digits': {'hiden': 3}}})",
        "presets",
        "preset 'quick' for 'digits': unknown parameter 'hiden'",
        "correct the parameter or the preset",
    ),
    "no quick preset": (
        "was = [harness_presets]\n@hookimpl\ndef harness_presets():\n"
        "    return Presets(was[0]().parameters, {'best': {'digits': {}}})",
        "presets",
        "no preset 'quick'",
        "offer it",
    ),
    "nothing is built": (
        "@hookimpl\ndef harness_build_model(task): ...",
        "build",
        "returned nothing, wanted nn.Module",
        "return an nn.Module",
    ),
    "a buffer on another device": (
        "was = [harness_build_model]\n@hookimpl\ndef harness_build_model(task, params, device):\n"
        "    model = was[0](task, params, device)\n"
        "    model.register_buffer('scale', torch.ones(1, device='meta'))\n    return model",
        "build",
        "scale is on meta, wanted cpu",
        "on `device`",
    ),
    "every task is refused": (
        "from harness.plugin import Unsupported\n@hookimpl\ndef harness_build_model(task):\n"
        "    raise Unsupported('not today')",
        "build",
        "digits: not today",
        'offer the preset "quick"',
    ),
    "spikes are batch-major": (
        "@hookimpl\ndef harness_encode(inputs):\n    return inputs.flatten(1).unsqueeze(1)",
        "encoding",
        "shape (32, 1, 64), wanted [T, B=32, ...]",
        "[T, B, ...]",
    ),
    "draws of its own": (
        "@hookimpl\ndef harness_encode(inputs):\n"
        "    return torch.bernoulli(inputs.flatten(1).expand(4, -1, -1))",
        "encoding",
        "equal generators give different spikes",
        "generator=generator",
    ),
    "inputs are changed": (
        "@hookimpl\ndef harness_encode(inputs):\n    return inputs.mul_(0.5).flatten(1).unsqueeze(0)",
        "encoding",
        "changes its inputs",
        "in-place",
    ),
    "a loss of NaN": (
        "@hookimpl\ndef harness_train_step(model):\n    return {'loss': float('nan')}",
        "training",
        "loss is nan",
        "finite",
    ),
    "an exception": (
        "@hookimpl\ndef harness_train_step(model):\n    raise KeyError('lost')",
        "training",
        r"KeyError: 'lost' \(\w+\.py:\d+, in harness_train_step\)",
        "",
    ),
    "a parameter that there is not": (
        "@hookimpl\ndef harness_build_model(task, params, device):\n    return params.hiden",
        "build",
        r"no attribute 'hiden': did you mean 'hidden'\? \(\w+\.py:\d+, in harness_build_model\)",
        "",
    ),
    "a keyword that there is not": (
        "@hookimpl\ndef harness_presets():\n    return Presets(parameter={})",
        "presets",
        r"keyword argument 'parameter': did you mean 'parameters'\? \(\w+\.py:\d+, in harness_presets\)",
        "",
    ),
    "a statistic of two samples": (
        "@hookimpl\ndef harness_train_step(model, targets):\n"
        "    assert len(targets) > 1\n    return {}",
        "last-batch",
        r"AssertionError: no message \(\w+\.py:\d+, in harness_train_step\)",
        "no statistics that need two samples",
    ),
    "a late refusal": (
        "from harness.plugin import Unsupported\n@hookimpl\ndef harness_train_step(model):\n"
        "    raise Unsupported('too hard')",
        "training",
        "harness_train_step raised Unsupported: too hard",
        "raise Unsupported in harness_build_model",
    ),
    "no update": (
        "@hookimpl\ndef harness_train_step(model):\n    return {}",
        "learning",
        "where chance is 10%",
        "sign of the update",
    ),
    "too many classes": (
        "@hookimpl\ndef harness_evaluate(spikes):\n"
        "    return Evaluation(torch.zeros(spikes.shape[1], 11))",
        "shapes",
        "scores have shape",
        "Evaluation(scores, layers)",
    ),
    "scores of NaN": (
        "@hookimpl\ndef harness_evaluate(model, spikes):\n"
        "    hidden = model(spikes)\n    return Evaluation(model.readout(hidden.mean(0)) / 0)",
        "finite",
        "scores: not finite",
        "division",
    ),
    "spikes of a half": (
        "@hookimpl\ndef harness_evaluate(model, spikes):\n    hidden = model(spikes)\n"
        "    return Evaluation(model.readout(hidden.mean(0)),\n"
        "        [Layer('hidden', spikes, model.hidden, hidden / 2)])",
        "spikes",
        "not binary, one is 0.5",
        "spiking=False",
    ),
    "a layer is not recorded": (
        "@hookimpl\ndef harness_evaluate(model, spikes):\n    hidden = model(spikes)\n"
        "    return Evaluation(model.readout(hidden.mean(0)),\n"
        "        [Layer('hidden', spikes, model.hidden, hidden)])",
        "operations",
        r"no recorded layer has .* of the weights that the scores depend on: readout.weight",
        "a Layer for each connection",
    ),
    "nothing is recorded": (
        "@hookimpl\ndef harness_evaluate(model, spikes):\n"
        "    return Evaluation(model.readout(model(spikes).mean(0)))",
        "operations",
        "returns no layers",
        "Layer for each connection",
    ),
    "recording changes the scores": (
        "@hookimpl\ndef harness_evaluate(model, spikes, record):\n"
        "    scores = model.readout(model(spikes).mean(0))\n"
        "    return Evaluation(scores.flip(1) if record else scores)",
        "record",
        "changes the output of 32 of 32 samples",
        "whether `record` is set or not",
    ),
    "a constant": (
        "@hookimpl\ndef harness_evaluate(model, spikes):\n"
        "    return Evaluation(torch.ones(spikes.shape[1], 10))",
        "steps",
        "depend on no step",
        "Evaluation.delay",
    ),
    "a mean over the batch": (
        "@hookimpl\ndef harness_evaluate(model, spikes):\n"
        "    scores = model.readout(model(spikes).mean(0))\n"
        "    return Evaluation(scores - scores.mean(0))",
        "batches",
        r"of 32 samples get other scores in batches of 5 and 27",
        "keep samples apart",
    ),
    "place in the batch": (
        "@hookimpl\ndef harness_evaluate(model, spikes):\n"
        "    scores = model.readout(model(spikes).mean(0))\n"
        "    return Evaluation(scores + torch.arange(len(scores)).unsqueeze(1))",
        "batches",
        "samples get other scores when the batch is in reverse order",
        "keep samples apart",
    ),
    "membrane potentials are kept": (
        "@hookimpl\ndef harness_evaluate(model, spikes):\n"
        "    scores = model.readout(model(spikes).mean(0))\n"
        "    model.last = scores + 0.5 * getattr(model, 'last', 0)\n"
        "    return Evaluation(model.last)",
        "remembered",
        "a repeated call gives other scores",
        "from rest",
    ),
    "a buffer that counts": (
        "was = [harness_build_model]\n@hookimpl\ndef harness_build_model(task, params, device):\n"
        "    model = was[0](task, params, device)\n"
        "    model.register_buffer('calls', torch.zeros(1))\n    return model\n"
        "then = [harness_evaluate]\n@hookimpl\ndef harness_evaluate(model, spikes, record):\n"
        "    model.calls += 1\n    return then[0](model, spikes, record)",
        "remembered",
        "harness_evaluate changes 'calls'",
        "write to no buffer",
    ),
    "a cache by address": (
        "seen = {}\nwas = [harness_evaluate]\n@hookimpl\n"
        "def harness_evaluate(model, spikes, record):\n"
        "    key = spikes.data_ptr()\n"
        "    if key not in seen:\n        seen[key] = spikes, was[0](model, spikes, record)\n"
        "    return seen[key][1]",
        "remembered",
        "new inputs in the same memory get old scores",
        "no cache",
    ),
    "a seed of its own": (
        "was = [harness_build_model]\n@hookimpl\ndef harness_build_model(task, params, device):\n"
        "    torch.seed()\n    return was[0](task, params, device)",
        "determinism",
        "differs after 3 steps with equal seeds",
        "seed nothing yourself",
    ),
    "squeezed": (
        "@hookimpl\ndef harness_train_step(model, spikes, targets):\n"
        "    scores = model.readout(model(spikes).mean(0)).squeeze(0)\n"
        "    return cross_entropy_step(model.optimizer, scores, targets, 0.0)",
        "last-batch",
        "in harness_train_step",
        "squeeze()",
    ),
    "a list of losses": (
        "kept = []\nwas = [harness_train_step]\n@hookimpl\n"
        "def harness_train_step(model, spikes, targets):\n"
        "    kept.append(was[0](model, spikes, targets)['loss'])\n    return {'loss': kept[-1]}",
        "memory",
        "every step leaves 1.0 tensors more",
        "detach()",
    ),
    "bytes that are kept": (
        "kept = []\nwas = [harness_train_step]\n@hookimpl\n"
        "def harness_train_step(model, spikes, targets):\n"
        "    kept.append(bytes(b'1') * 200_000)\n    return was[0](model, spikes, targets)",
        "memory",
        r"every step leaves \d+ KiB more in use",
        "delete what is done with",
    ),
    "bytes that are kept, while others are freed": (
        "kept, other = [], [bytes(b'1') * 8_000_000]\nwas = [harness_train_step]\n@hookimpl\n"
        "def harness_train_step(model, spikes, targets):\n"
        "    kept.append(bytes(b'1') * 200_000)\n    len(kept) == 25 and other.clear()\n"
        "    return was[0](model, spikes, targets)",
        "memory",
        r"every step leaves \d+ KiB more in use",
        "delete what is done with",
    ),
    "a state that is no tensor": (
        "Network.get_extra_state = lambda self: 'text'\n"
        "Network.set_extra_state = lambda self, state: None",
        "state",
        "state_dict: '_extra_state' is str, wanted a tensor",
        "parameters or buffers",
    ),
    "an optimizer that does not go on": (
        "@hookimpl\ndef harness_training_state(model):\n    return {}",
        "checkpoint",
        "differs between a training in one go and one in two parts",
        "harness_training_state",
    ),
    "a training state that is none": (
        "@hookimpl\ndef harness_training_state(model):\n    return {'optimizer': 3}",
        "checkpoint",
        "'optimizer' is int, wanted an object with state_dict()",
        "harness_training_state",
    ),
    "a crash on another shape": (
        "was = [harness_build_model]\n@hookimpl\ndef harness_build_model(task, params, device):\n"
        "    assert task.input_shape == (1, 8, 8), 'digits only'\n"
        "    return was[0](task, params, device)",
        "tasks",
        "colour images: AssertionError: digits only",
        "raise Unsupported(reason)",
    ),
    "a refusal without a reason": (
        "from harness.plugin import Unsupported\nwas = [harness_build_model]\n@hookimpl\n"
        "def harness_build_model(task, params, device):\n"
        "    if task.name != 'digits':\n        raise Unsupported\n"
        "    return was[0](task, params, device)",
        "tasks",
        "refuses colour images without a reason",
        "raise Unsupported(reason)",
    ),
}


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes the plugin of `harness new-plugin`, with code appended, and says where it lies."""
    monkeypatch.chdir(tmp_path)

    def write(code=""):
        assert CliRunner().invoke(cli, ["new-plugin", "begun"]).exit_code == 0
        path = tmp_path / "begun.py"
        # Fewer steps and epochs: quick enough for a test of each kind.
        text = path.read_text().replace("Parameter(10,", "Parameter(4,")
        path.write_text(f"{text.replace('epochs=10', 'epochs=1')}\n\n{code}\n")
        return PluginLocation("begun", file=str(path))

    return write


@pytest.fixture
def check(tmp_path):
    """Carries out one check here, in the quick way."""

    def run(location, name):
        return carry_out(CheckPlugin(plugin=location, check=name, folder=str(tmp_path), quick=True))

    return run


@pytest.mark.parametrize(("code", "name", "detail", "mend"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_fails_the_check_of_what_it_breaks(plugin, check, code, name, detail, mend):
    found = check(plugin(code), name)
    assert found.status == "failed", found
    assert detail in found.detail or re.search(detail, found.detail), found
    # Where the error says all there is to say, nothing follows.
    assert mend in found.mend and bool(mend) == bool(found.mend), found


def test_what_fails_one_check_of_the_outputs_passes_the_others(plugin, check):
    wrong, *_ = BROKEN["spikes of a half"]
    location = plugin(wrong)
    assert [check(location, name).status for name in ("shapes", "finite", "spikes")] == [
        "ok", "ok", "failed"
    ]  # fmt: skip


def test_every_check_but_reload_is_passed_by_a_new_plugin_in_this_process(plugin, check):
    location = plugin()
    found = {one.name: check(location, one.name) for one in CHECKS if not one.fresh}
    assert {name for name, one in found.items() if one.status == "failed"} == set()
    assert {name for name, one in found.items() if one.status == "skipped"} <= {"devices"}


def test_what_is_trained_and_not_in_the_state_is_missed_in_a_fresh_process(plugin, check):
    code = (
        "was = [harness_evaluate]\n@hookimpl\ndef harness_evaluate(model, spikes, record):\n"
        "    found = was[0](model, spikes, record)\n"
        "    return Evaluation(found.scores * getattr(model, 'scale', 1.0), found.layers)\n"
        "@hookimpl\ndef harness_finish_training(model):\n    model.scale = 3.0"
    )
    location = plugin(code)
    assert check(location, "state").status == "ok"
    # Another name is another probe, as in another process: it builds, and has trained nothing.
    found = check(PluginLocation("fresh", file=location.file), "reload")
    assert (found.status, found.detail) == ("failed", "32 of 32 samples get other scores")
    assert "register_buffer()" in found.mend


@pytest.mark.parametrize(
    ("kept", "status"),
    [("model.scale = scale", "failed"), ("model.register_buffer('scale', scale)", "ok")],
)
def test_what_is_drawn_at_building_belongs_to_the_state(plugin, check, kept, status):
    code = (
        "built, asked = [harness_build_model], [harness_evaluate]\n"
        "@hookimpl\ndef harness_build_model(task, params, device):\n"
        "    model, scale = built[0](task, params, device), torch.rand(task.classes)\n"
        f"    {kept}\n    return model\n"
        "@hookimpl\ndef harness_evaluate(model, spikes, record):\n"
        "    found = asked[0](model, spikes, record)\n"
        "    return Evaluation(found.scores * model.scale, found.layers)"
    )
    location = plugin(code)
    assert check(location, "state").status == "ok"
    found = check(PluginLocation(f"fresh-{status}", file=location.file), "reload")
    assert found.status == status, found


def test_without_the_hook_the_check_of_checkpoints_is_skipped(plugin, check):
    found = check(plugin("del harness_training_state"), "checkpoint")
    assert found.status == "skipped" and "begins anew" in found.detail


def test_what_cannot_be_counted_is_told_and_does_not_fail(plugin, check):
    code = (
        "class Odd(nn.Module):\n    def __init__(self, weight):\n        super().__init__()\n"
        "        self.weight = weight\n"
        "@hookimpl\ndef harness_evaluate(model, spikes):\n    hidden = model(spikes)\n"
        "    return Evaluation(model.readout(hidden.mean(0)),\n"
        "        [Layer('hidden', spikes, Odd(model.hidden.weight), hidden),\n"
        "         Layer('readout', hidden, model.readout, None)])"
    )
    found = check(plugin(code), "operations")
    assert found.status == "skipped" and "a module Odd" in found.detail
    assert "would be counted" in found.mend


def test_random_neurons_are_no_fault_of_the_batch(plugin, check):
    code = (
        "@hookimpl\ndef harness_evaluate(model, spikes):\n    hidden = model(spikes)\n"
        "    return Evaluation(model.readout(hidden.mean(0)) + torch.rand(spikes.shape[1], 10))"
    )
    location = plugin(code)
    assert check(location, "batches").status == "skipped"
    assert check(location, "remembered").status == "ok"


def test_a_plugin_of_spike_trains_alone_is_checked_on_them(plugin, check):
    code = (
        "del harness_encode, harness_train_step\n@hookimpl\n"
        "def harness_train_sequence(model, spikes, targets):\n    return {}\n"
        "@hookimpl\ndef harness_evaluate(model, spikes):\n"
        "    return Evaluation((model.readout(model(spikes)) > 1).float())"
    )
    location = plugin(code)
    assert "spike-train" in check(location, "build").detail
    assert check(location, "shapes").status == "ok"
    found = check(location, "learning")
    assert found.status == "failed" and "van Rossum loss" in found.detail


def test_every_check_that_is_listed_can_be_carried_out():
    assert RUNS.keys() == {check.name for check in CHECKS}
