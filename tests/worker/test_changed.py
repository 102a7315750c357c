"""Evaluations under changed samples: the same draws for every row, and no change costs a trial."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file

from harness.protocol.requests import MetricPlace
from harness.subjects import PluginLocation
from harness.worker.train import run_trial

SOURCE = """
from harness.plugin import Change, MetricSpec, Unsupported, hookimpl

SEEN = []

def noise(inputs, strength, generator):
    import torch
    draws = torch.rand(inputs.shape, generator=generator)
    SEEN.append((strength, draws))
    return strength * draws

def refuse(spikes, strength, generator):
    raise Unsupported("not for it")

def fail(spikes, strength, generator):
    return 1 / 0

def shape(inputs, strength, generator):
    return inputs[:1]

def metric(name, apply, of="inputs"):
    change = Change(name, name, (0.5, 50.0), apply, of)
    return MetricSpec(f"m_{name}", name, "number", "more", "x", lambda _: 0.0, changes=(change,))

@hookimpl
def harness_metrics():
    return [
        metric("noise", noise), metric("refuse", refuse, "spikes"), metric("fail", fail, "spikes"),
        metric("shape", shape),
    ]
"""


@pytest.fixture
def changed(tmp_path, hooks, request_for, plugin_module):
    """The evidence, the event and the stages of a trial with those metrics."""

    def carry_out(code="", names=("noise", "refuse", "fail", "shape"), **options):
        path = tmp_path / "metrics_of_mine.py"
        path.write_text(SOURCE)
        place = PluginLocation("metrics_of_mine", file=str(path))
        wanted = tuple(MetricPlace(place=place, name=f"m_{name}") for name in names)
        fields = {"evidence": str(tmp_path / "evidence"), "changed": wanted}
        request = request_for(**options).model_copy(update=fields)
        stages = []
        event = run_trial(request, hooks(code), lambda progress: stages.append(progress.stage))
        return load_file(tmp_path / "evidence"), event, stages

    return carry_out


def test_each_strength_is_an_evaluation_of_the_whole_split(changed):
    arrays, _, stages = changed()
    assert arrays["scores"].shape == (300, 10)
    assert torch.equal(arrays["scores"].argmax(1), arrays["predicted"][-1])
    assert arrays["changed noise 0.5"].shape == (300,)
    assert not torch.equal(arrays["changed noise 50.0"], arrays["predicted"][-1])
    assert stages.index("save") < stages.index("changed noise 0.5")


def test_a_change_that_cannot_be_costs_itself(changed):
    arrays, event, _ = changed()
    assert sorted(name for name in arrays if name.startswith("changed")) == [
        "changed noise 0.5", "changed noise 50.0",
    ]  # fmt: skip
    assert event.unchanged["refuse"] == "not for it"
    assert event.unchanged["fail"] == "at strength 0.5: ZeroDivisionError: division by zero"
    assert "apply returned (1, 1, 8, 8), wanted a tensor (250, 1, 8, 8)" in event.unchanged["shape"]
    assert event.metrics["validation_accuracy"] >= 0


def test_draws_are_the_same_for_every_row_and_others_for_every_seed_and_strength(changed):
    import sys

    def seen(**options):
        changed(names=("noise",), **options)
        return sys.modules["harness_file_metrics_of_mine"].SEEN

    first, other_row, other_seed = seen(), seen(epochs=2), seen(seed=1)
    assert all(torch.equal(a[1], b[1]) for a, b in zip(first, other_row, strict=True))
    assert not torch.equal(first[0][1], other_seed[0][1])
    assert not torch.equal(first[0][1], first[2][1])  # two batches a strength


def test_changed_inputs_are_clipped_to_what_a_plugin_is_promised(changed):
    code = """
MOST = []

@hookimpl
def harness_encode(model, inputs, generator):
    MOST.append(float(inputs.max()))
    return inputs.flatten(1).expand(4, -1, -1)
"""
    import sys

    changed(code, names=("noise",))
    assert max(sys.modules["harness_file_mine"].MOST) == 1


def test_a_network_that_fails_under_a_change_keeps_its_trial(changed):
    code = """
from harness.plugin import Evaluation as _Evaluation

@hookimpl
def harness_encode(model, inputs, generator):
    if not model.training and (inputs == 1).float().mean() > 0.5:
        raise RuntimeError("too even")
    return inputs.flatten(1).expand(4, -1, -1)
"""
    _, event, _ = changed(code, names=("noise",))
    assert "RuntimeError: too even" in event.unchanged["noise"]
    assert event.unchanged["noise"].startswith("at strength 50: ")


def test_metrics_that_do_not_load_beside_the_plugin_cost_themselves(changed, monkeypatch):
    arrays, event, _ = changed(names=("unknown",))
    assert event.unchanged["m_unknown"].startswith("beside this plugin it cannot be imported: ")
    assert "scores" in arrays
