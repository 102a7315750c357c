"""Convolutions, biases and average pooling on snnTorch's neurons, against the equations written out."""

from __future__ import annotations

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("snntorch")
from harness_snntorch import conversion
from harness_snntorch.normalise import layer_scales
from torch import nn
from torch.nn import functional

from harness.measure.activity import ActivityMeter
from harness.plugin import Params, Task
from harness.worker.checks import layers as check_layers

pytestmark = pytest.mark.snntorch

CPU = torch.device("cpu")
TASK = Task("images", "classification", (1, 8, 8), 4, 64)


def build(seed=0, **overrides):
    values = {"channels": "3-5", "kernel": 3, "batch_size": 32, "dropout": 0.0, **overrides}
    params = Params(**conversion.harness_presets().resolve("conv", TASK.name, values))
    torch.manual_seed(seed)
    return conversion.harness_build_model(task=TASK, params=params, device=CPU)


def data(samples=64):
    draws = torch.Generator().manual_seed(3)
    inputs = torch.rand(samples, *TASK.input_shape, generator=draws)
    return inputs, torch.randint(TASK.classes, (samples,), generator=draws)


def converted(**overrides):
    """A network that was trained a little, so that its biases and statistics are not 0 and 1."""
    model = build(**overrides)
    inputs, targets = data()
    model.train()
    for _ in range(8):
        spikes = conversion.harness_encode(model=model, inputs=inputs, generator=torch.Generator())
        conversion.harness_train_step(model=model, spikes=spikes, targets=targets)
    model.eval()
    batches = list(zip(inputs.split(32), targets.split(32)))
    with torch.no_grad():
        scalars = conversion.harness_finish_training(model=model, batches=batches)
    return model, [scalars[name] for name in sorted(scalars)]


@torch.no_grad()
def evaluate(model, inputs, record=False):
    draws = torch.Generator().manual_seed(2)
    spikes = conversion.harness_encode(model=model, inputs=inputs, generator=draws)
    return spikes, conversion.harness_evaluate(model=model, spikes=spikes, record=record)


def literal(model, spikes, scales, threshold, initial):
    """Rueckauer et al. 2017: weights w s_(l-1) / s_l and biases b / s_l, neurons of one threshold.

    Of a threshold v, a spike of layer l is worth v^l s_l. Steps one by one, in double precision.
    """
    worth = [1.0, *(threshold**level * scale for level, scale in enumerate(scales, 1))]
    first, second, readout = model.connections
    layers = []
    for layer, below, own in zip((first, second), worth, scales):
        layers.append((layer.weight.double() * below / own, layer.bias.double() / own))
    last = readout.weight.double() * worth[2], readout.bias.double()
    membranes, total, scores = [None, None], 0, []
    fired = [[], []]
    for image in spikes.double().view(len(spikes), -1, *TASK.input_shape):
        value = image
        for number, (weight, bias) in enumerate(layers):
            current = functional.conv2d(value, weight, bias, padding=1)
            level = threshold ** (number + 1)
            if membranes[number] is None:
                membranes[number] = torch.full_like(current, initial * level)
            membranes[number] += current
            value = (membranes[number] > level).double()
            membranes[number] -= level * value
            fired[number].append(value)
            value = functional.avg_pool2d(value, 2)
        total = total + functional.linear(value.flatten(1), *last)
        scores.append(total)
    return torch.stack(scores), [torch.stack(each) for each in fired]


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize(("threshold", "initial"), [(1.0, 0.5), (0.5, 0.0)])
def test_the_spiking_network_is_the_normalised_one_written_out(batch_norm, threshold, initial):
    options = {"threshold": threshold, "initial_membrane": initial, "batch_norm": batch_norm}
    model, scales = converted(code="poisson", steps=30, **options)
    assert all(layer.bias.abs().max() > 1e-3 for layer in model.connections)
    spikes, found = evaluate(model, data()[0][:4], record=True)
    scores, fired = literal(model, spikes, scales, threshold, initial)
    for layer, expected in zip(found.layers, fired):
        assert 0.01 < expected.mean() < 0.9
        # A membrane within rounding of the threshold may fire a step later.
        assert (layer.outputs != expected).float().mean() < 1e-3
    # The spiking network's scores are in units of what a spike of the last hidden layer is worth.
    unit = threshold**2 * scales[-1]
    torch.testing.assert_close(found.scores.double() * unit, scores, rtol=0.02, atol=0.05)


def test_the_rates_approach_the_relu_network():
    model, scales = converted(normalisation="data", steps=600)
    _, found = evaluate(model, data()[0][:16], record=True)
    logits = found.scores[-1] / 600 * scales[-1]
    wanted = found.references["ann"]
    assert (logits - wanted).abs().max() < 0.02 * wanted.abs().max()


def test_biases_follow_the_rate_of_the_input():
    whole, half = (converted(steps=2000, code="regular", max_rate=rate)[0] for rate in (1.0, 0.5))
    assert torch.equal(half.bias_factors, 0.5 * whole.bias_factors)
    one, other = (evaluate(model, data()[0][:8])[1].scores[-1] for model in (whole, half))
    assert (2 * other - one).abs().max() < 0.02 * one.abs().max()


def test_operations_behind_pooling_are_multiply_accumulates():
    model, _ = converted(code="poisson")
    _, found = evaluate(model, data()[0][:8], record=True)
    check_layers(found.layers, 8)
    meter = ActivityMeter()
    meter.add(found.layers, 8)
    first, second, readout = meter.layers()
    assert first["synops_mac"] == 0 < first["synops_ac"]
    assert second["synops_ac"] == 0 < second["synops_mac"]
    assert readout["synops_ac"] == 0 < readout["synops_mac"]


def test_a_constant_current_is_convolved_once_and_gives_the_same():
    model, _ = converted()
    with torch.no_grad():
        spikes = conversion.harness_encode(
            model=model, inputs=data()[0][:4], generator=torch.Generator()
        )
        assert spikes.stride(0) == 0
        for view, full in zip(model(spikes), model(spikes.contiguous()), strict=True):
            torch.testing.assert_close(view, full)
        assert model.recorded(spikes, model(spikes)[:-1])[0].inputs.stride(0) == 0


def test_the_state_of_the_converted_network_loads_into_a_new_one():
    model, _ = converted()
    again = build(seed=9).eval()
    again.load_state_dict({name: value.clone() for name, value in model.state_dict().items()})
    inputs = data()[0][:8]
    one, other = (evaluate(each, inputs, record=True)[1] for each in (model, again))
    assert torch.equal(one.scores, other.scores)
    assert torch.equal(one.references["ann"], other.references["ann"])


def test_output_neurons_spike_behind_convolutions_too():
    model, scales = converted(output="spikes", code="poisson")
    assert len(scales) == 3
    _, found = evaluate(model, data()[0][:4], record=True)
    assert set(found.layers[-1].outputs.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(found.layers[-1].outputs.sum(0), found.scores[-1])


def test_the_largest_sums_hold_for_biases():
    model, _ = converted(batch_norm=False)
    for parameter in model.requires_grad_(False).parameters():
        parameter.abs_()
    inputs = torch.ones(1, *TASK.input_shape)
    found = layer_scales(model, "model", 50, [])
    peaks = [float(values.max()) for values in model.analog(inputs)[1:-1]]
    # All weights are positive, so a white image reaches the first bound where nothing is padded.
    assert found[0] == pytest.approx(peaks[0], rel=1e-5)
    second = model.connections[1]
    sums = [float(found[0] * w.sum() + b) for w, b in zip(second.weight, second.bias)]
    assert found[1] == pytest.approx(max(sums), rel=1e-5)
    assert found[1] > peaks[1]
    model.connections[0].bias.neg_()
    assert layer_scales(model, "model", 50, [])[0] < found[0]


def test_weights_can_be_drawn_uniformly():
    model = build(init_bound=0.01)
    assert all(layer.weight.abs().max() <= 0.01 for layer in model.connections)


def test_a_network_of_the_users_is_converted_as_it_is(tmp_path):
    (tmp_path / "net.py").write_text(
        "import torch\nfrom torch import nn\n\n"
        "def make():\n"
        "    torch.manual_seed(4)\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 4))\n"
    )
    model = build(model=f"{tmp_path}/net.py:make", normalisation="data", steps=400, init_bound=0.1)
    torch.manual_seed(4)
    flat, first = nn.Flatten(), nn.Linear(64, 20)
    wanted = nn.Sequential(flat, first, nn.ReLU(), nn.Linear(20, 4))
    inputs, targets = data()
    with torch.no_grad():
        expected = wanted(inputs)
        conversion.harness_finish_training(model=model.eval(), batches=[(inputs, targets)])
    _, found = evaluate(model, inputs, record=True)
    assert torch.equal(found.references["ann"], expected)
    assert [layer.name for layer in found.layers] == ["linear1", "linear2"]
    assert (found.scores[-1].argmax(1) == expected.argmax(1)).float().mean() > 0.9


def test_scales_are_pairs_of_one_for_each_layer():
    model, scales = converted(normalisation="none")
    assert scales == [1.0, 1.0]
    assert [float(b) / float(a) for a, b in pairwise(model.bias_factors)] == [1.0, 1.0]
