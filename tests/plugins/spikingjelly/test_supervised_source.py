"""The preset `source` of spikingjelly-stdp-supervised: one update, sample by sample and step by step."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
supervised = pytest.importorskip("harness_spikingjelly.supervised")

from harness.plugin import Params, Task

pytestmark = pytest.mark.spikingjelly

TASK = Task("mnist", "classification", (1, 2, 3), classes=4, train_size=400)


def build(weight=0.5, **overrides):
    params = Params(**supervised.harness_presets().resolve("source", TASK.name, overrides))
    torch.manual_seed(0)
    model = supervised.harness_build_model(TASK, params, torch.device("cpu")).double()
    model.synapses[0].weight.add_(weight)
    return model


def batch(model, samples):
    draws = torch.Generator().manual_seed(1)
    inputs = torch.rand(samples, *TASK.input_shape, generator=draws, dtype=torch.float64)
    spikes = supervised.harness_encode(model, inputs, draws)
    return spikes, torch.arange(samples) % TASK.classes


@pytest.mark.parametrize("implementation", ["learner", "products"])
def test_an_update_is_the_original_experiments(implementation):
    model = build(batch_size=5, implementation=implementation)
    spikes, targets = batch(model, 5)
    (synapse,) = model.synapses
    weight = synapse.weight.clone()

    potential = trace_post = torch.zeros(5, 4, dtype=torch.float64)
    trace_pre = torch.zeros(5, 6, dtype=torch.float64)
    emitted, updates = [], []
    for x in spikes:
        potential = potential + (-potential + x @ weight.T) / 2
        fired = (potential >= 1).double()
        potential = potential - fired
        trace_pre = trace_pre - trace_pre / 2 + x
        trace_post = trace_post - trace_post / 2 + fired
        # Of every sample, [B, out, in]: potentiation and depression count alike.
        updates.append(
            trace_pre.unsqueeze(1) * fired.unsqueeze(2) - trace_post.unsqueeze(2) * x.unsqueeze(1)
        )
        emitted.append(fired)
    emitted = torch.stack(emitted).requires_grad_()
    assert 5 < emitted.sum() < 150
    wanted = torch.nn.functional.one_hot(targets, 4).double()
    torch.nn.functional.mse_loss(emitted.sum(0) / 10, wanted).backward()
    gradient = sum(
        (derivative.unsqueeze(2) * update).sum(0)
        for derivative, update in zip(emitted.grad, updates)
    )
    supervised.harness_train_step(model, spikes, targets)
    assert gradient.abs().max() > 1e-3
    torch.testing.assert_close(synapse.weight.grad, gradient)
    step = 1e-3 * gradient / (gradient.abs() + 1e-8)
    torch.testing.assert_close(synapse.weight, (weight - step).clamp(-1, 1))


def test_a_silent_network_learns_nothing():
    model = build(weight=-1.0, batch_size=5)
    before = model.synapses[0].weight.clamp(-1, 1)
    spikes, targets = batch(model, 5)
    assert not model(spikes)[-1].any()
    supervised.harness_train_step(model, spikes, targets)
    assert torch.equal(model.synapses[0].weight, before)


def test_a_batch_that_is_not_full_is_dropped():
    model = build(batch_size=6)
    before = model.synapses[0].weight.clone()
    supervised.harness_train_step(model, *batch(model, 5))
    assert torch.equal(model.synapses[0].weight, before)
    supervised.harness_train_step(model, *batch(model, 6))
    assert not torch.equal(model.synapses[0].weight, before)
