"""The presets `source*` of snntorch-conversion: training, normalisation and network, written out."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
snntorch = pytest.importorskip("snntorch")

from harness_snntorch import conversion

from harness.plugin import Params, Task

pytestmark = pytest.mark.snntorch

CPU = torch.device("cpu")
TASK = Task("mnist", "classification", (1, 3, 4), classes=4, train_size=40)


def build(preset, factor=8, **overrides):
    values = {"hidden": "15-11", "dropout": 0.0, **overrides}
    params = Params(**conversion.harness_presets().resolve(preset, TASK.name, values))
    torch.manual_seed(1)
    model = conversion.harness_build_model(TASK, params, CPU)
    with torch.no_grad():
        for weight in model.weights:
            weight.mul_(factor)  # so that twelve inputs reach the thresholds
    return model


def batch(samples=9):
    draws = torch.Generator().manual_seed(5)
    inputs = torch.rand(samples, 1, 3, 4, generator=draws)
    return inputs, torch.arange(samples) % TASK.classes


def model_normalised(weights):
    """Every layer but the last, divided by the largest sum of positive weights of a neuron."""
    for weight in weights[:-1]:
        largest = max(sum(max(0.0, w) for w in row) for row in weight.tolist())
        weight /= largest
    return weights


def data_normalised(weights, inputs):
    """Every layer, divided by its largest weight or activation relative to that of the layer before."""
    scales, x = [], inputs.flatten(1)
    for weight in weights:
        x = (x @ weight.T).clamp(min=0)
        scales.append(max(float(weight.max()), float(x.max())))
    previous = 1.0
    for weight, scale in zip(weights, scales):
        weight /= scale / previous
        previous = scale
    return weights


@torch.no_grad()
@pytest.mark.parametrize(
    ("preset", "threshold", "steps"),
    [("source-none", 4, 100), ("source-model", 0.25, 200), ("source", 1, 200)],
)
def test_the_spiking_network_is_the_original_experiments(preset, threshold, steps):
    model = build(preset, factor=20 if preset == "source-none" else 8).eval()
    inputs, targets = batch()
    weights = [weight.detach().clone() for weight in model.weights]
    if preset == "source-model":
        weights = model_normalised(weights)
    if preset == "source":
        weights = data_normalised(weights, inputs)
    conversion.harness_finish_training(model, [(inputs, targets)])

    spikes = conversion.harness_encode(model, inputs, torch.Generator().manual_seed(0))
    assert len(spikes) == steps
    neurons = [snntorch.Leaky(beta=1, threshold=threshold) for _ in weights]
    membranes = [neuron.reset_mem() for neuron in neurons]
    emitted = []
    for x in spikes:
        for number, (weight, neuron) in enumerate(zip(weights, neurons)):
            x, membranes[number] = neuron(x @ weight.T, membranes[number])
        emitted.append(x)
    counts = torch.stack(emitted).cumsum(0)
    assert 0.05 < float(counts[-1].mean()) / steps < 0.95
    assert len(counts[-1].unique()) > 4
    found = conversion.harness_evaluate(model, spikes, record=True)
    assert torch.equal(found.scores, counts)
    assert torch.equal(found.layers[-1].outputs, torch.stack(emitted))
    assert [layer.outputs.shape[2] for layer in found.layers] == [15, 11, 4]


def test_its_input_spikes_at_twice_the_pixels_value():
    model = build("source").eval()
    inputs = torch.tensor([0.0, 0.2, 0.5, 0.9]).repeat(30, 3).view(30, 1, 3, 4)
    spikes = conversion.harness_encode(model, inputs, torch.Generator().manual_seed(0))
    rates = spikes.mean((0, 1)).view(3, 4).mean(0)
    assert rates.tolist() == pytest.approx([0, 0.4, 1, 1], abs=0.01)


def test_an_update_is_the_original_experiments():
    model = build("source").train()
    inputs, targets = batch()
    weights = [weight.detach().clone().requires_grad_() for weight in model.weights]
    x = inputs.flatten(1)
    for weight in weights:
        x = (x @ weight.T).clamp(min=0)
    assert (x == 0).any()
    loss = -x.log_softmax(1)[torch.arange(len(targets)), targets].mean()
    gradients = torch.autograd.grad(loss, weights)
    spikes = conversion.harness_encode(model, inputs, torch.Generator())
    conversion.harness_train_step(model, spikes, targets)
    for weight, before, gradient in zip(model.weights, weights, gradients):
        torch.testing.assert_close(weight.grad, gradient)
        # Adam's first step.
        step = 1e-3 * gradient / (gradient.abs() + 1e-8)
        torch.testing.assert_close(weight.detach(), before.detach() - step)


def test_initial_weights_are_uniform_in_a_tenth():
    params = Params(**conversion.harness_presets().resolve("source", TASK.name, {}))
    model = conversion.harness_build_model(TASK, params, CPU)
    for weight in model.weights:
        assert 0.098 < weight.abs().max() <= 0.1
        assert abs(weight.mean()) < 0.01


@torch.no_grad()
def test_an_output_that_does_not_spike_is_as_before():
    spiking, plain = build("source"), build("source", output="currents")
    assert len(spiking.neurons) == len(plain.neurons) + 1
    inputs, targets = batch()
    for model in (spiking, plain):
        conversion.harness_finish_training(model.eval(), [(inputs, targets)])
    spikes = conversion.harness_encode(plain, inputs, torch.Generator().manual_seed(0))
    hidden, currents = plain(spikes)[:-1], plain(spikes)[-1]
    for one, other in zip(hidden, spiking(spikes)[:-1], strict=True):
        assert torch.equal(one, other)
    expected = (hidden[-1] @ plain.weights[-1].T).cumsum(0)
    torch.testing.assert_close(currents, expected)
    again = copy.deepcopy(spiking)
    again.load_state_dict(spiking.state_dict())
    assert torch.equal(again(spikes)[-1], spiking(spikes)[-1])
