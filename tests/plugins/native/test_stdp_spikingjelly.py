"""native-stdp learns what spikingjelly-stdp learns, weight by weight."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
native = pytest.importorskip("harness_native.stdp")
jelly = pytest.importorskip("harness_spikingjelly.stdp")

from harness.plugin import Params, Task

pytestmark = [pytest.mark.native, pytest.mark.spikingjelly]

TASK = Task("tiny", "classification", (1, 6, 6), classes=3, train_size=40)
TOLERANCE = {"rtol": 0, "atol": 1e-6}


def build(plugin, **overrides):
    values = {"neurons": 12, "steps": 15, "threshold": 2.0, **overrides}
    params = Params(**plugin.harness_presets().resolve("quick", "any", values))
    torch.manual_seed(0)
    return plugin.harness_build_model(TASK, params, torch.device("cpu"))


def pair(**overrides):
    ours, theirs = build(native, **overrides), build(jelly, **overrides)
    ours.weight.copy_(theirs.synapse.weight)
    return ours, theirs


def samples(draws, count=8):
    return torch.rand(count, *TASK.input_shape, generator=draws)


def test_parameters_have_the_same_names_types_and_bounds():
    assert native.harness_presets().parameters == jelly.harness_presets().parameters


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"inhibition": 0.4, "norm_order": 1, "norm": 0.1, "threshold": 1.0},
        {"depression": 0.3, "tau_pre": 5.0, "tau_post": 3.0, "learning_rate": 0.1},
        {"code": "poisson", "theta_decay": 0.01, "theta_plus": 0.1, "target": 0.0, "anneal": 0.0},
        {"code": "rate", "threshold": 6.0},
    ],
    ids=["quick", "sum", "depression", "poisson", "current"],
)
def test_the_same_spikes_teach_the_same(setting):
    ours, theirs = pair(**setting)
    draws = torch.Generator().manual_seed(1)
    start = ours.weight.clone()
    for _ in range(5):
        spikes = native.harness_encode(ours, samples(draws), draws)
        told = native.harness_train_step(ours, spikes)
        expected = jelly.harness_train_step(theirs, spikes)
        torch.testing.assert_close(dict(told), dict(expected), **TOLERANCE)
        assert 0 < told["output_spikes"] < ours.params.steps
        torch.testing.assert_close(ours.weight, theirs.synapse.weight, **TOLERANCE)
        torch.testing.assert_close(ours.threshold, theirs.neurons.threshold, **TOLERANCE)
    assert (ours.weight - start).abs().max() > 0.01
    assert ours.threshold.std() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("readout", ["likelihood", "vote"])
def test_the_same_network_gives_the_same_answers(readout):
    ours, theirs = pair(readout=readout)
    draws = torch.Generator().manual_seed(1)
    native.harness_train_step(ours, native.harness_encode(ours, samples(draws), draws))
    theirs.synapse.weight.copy_(ours.weight)
    theirs.neurons.threshold.copy_(ours.threshold)
    batches = [(samples(draws), torch.randint(3, (8,), generator=draws))]
    for plugin, model in ((native, ours), (jelly, theirs)):
        plugin.harness_finish_training(model, batches, torch.Generator().manual_seed(2))
    torch.testing.assert_close(ours.readout, theirs.readout, **TOLERANCE)
    spikes = native.harness_encode(ours, samples(draws), draws)
    found = native.harness_evaluate(ours, spikes, record=True)
    expected = jelly.harness_evaluate(theirs, spikes, record=True)
    assert found.scores.abs().max() > 0
    torch.testing.assert_close(found.scores, expected.scores, rtol=0, atol=1e-5)
    assert torch.equal(found.layers[0].outputs, expected.layers[0].outputs)
