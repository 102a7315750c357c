from __future__ import annotations

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("snntorch")

from harness_snntorch.network import ConvertibleNet
from harness_snntorch.neurons import fire, leaky

from harness.plugin.toolkit.codes import product

pytestmark = pytest.mark.snntorch

SIZES = (12, 9, 7, 4)


def dyadic_net(seed: int, thresholds: tuple[float, ...] = (1.5, 0.75), **options) -> ConvertibleNet:
    """Weights in 64ths: with inputs in 16ths every sum is exact, in whichever order it is made."""
    torch.manual_seed(seed)
    net = ConvertibleNet(SIZES, **options).eval()
    with torch.no_grad():
        for weight in net.weights:
            weight.copy_(torch.randint(-48, 48, weight.shape) / 64)
        for neuron, threshold in zip(net.neurons, thresholds, strict=True):
            neuron.threshold.fill_(threshold)
    return net


def dyadic_inputs(steps: int, batch: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return (torch.randint(0, 17, (batch, SIZES[0]), generator=generator) / 16).expand(
        steps, batch, SIZES[0]
    )


def one_sample(net: ConvertibleNet, inputs: list[list[float]], *, beta, soft, initial):
    """Step by step, neuron by neuron, in Python floats: spikes of each layer, scores over time."""
    weights = [weight.tolist() for weight in net.weights]
    thresholds = [neuron.threshold.item() for neuron in net.neurons]
    membranes = [[initial * v] * len(w) for v, w in zip(thresholds, weights, strict=False)]
    total = [0.0] * len(weights[-1])
    spikes: list[list[list[float]]] = [[] for _ in thresholds]
    scores = []
    for values in inputs:
        for layer, threshold in enumerate(thresholds):
            fired = []
            for j, row in enumerate(weights[layer]):
                u = beta * membranes[layer][j]
                u += sum(w * x for w, x in zip(row, values, strict=True))
                s = 1.0 if u > threshold else 0.0
                # At once, where snnTorch subtracts in the next step and undecayed.
                membranes[layer][j] = u - threshold / beta * s if soft else u * (1 - s)
                fired.append(s)
            spikes[layer].append(fired)
            values = fired
        for j, row in enumerate(weights[-1]):
            total[j] += sum(w * x for w, x in zip(row, values, strict=True))
        scores.append(list(total))
    return spikes, scores


@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("beta", [1.0, 0.5])
@pytest.mark.parametrize("initial", [0.0, 0.5])
def test_equals_a_literal_simulation(soft, beta, initial):
    net = dyadic_net(3, beta=beta, soft_reset=soft, initial_membrane=initial)
    inputs = dyadic_inputs(steps=20)
    with torch.no_grad():
        first, second, scores = net(inputs)
    assert 0.05 < first.mean() < 0.95
    assert 0.05 < second.mean() < 0.95
    for b in range(inputs.shape[1]):
        spikes, expected = one_sample(
            net, inputs[:, b].tolist(), beta=beta, soft=soft, initial=initial
        )
        assert first[:, b].tolist() == spikes[0]
        assert second[:, b].tolist() == spikes[1]
        assert scores[:, b].tolist() == expected


def test_a_constant_current_equals_its_copies():
    net, inputs = dyadic_net(4), dyadic_inputs(steps=15)
    copies = inputs.contiguous()
    assert inputs.stride(0) == 0
    assert copies.stride(0) != 0
    with torch.no_grad():
        for view, full in zip(net(inputs), net(copies), strict=True):
            assert torch.equal(view, full)
        assert product(inputs, net.weights[0]).stride(0) == 0


def test_thresholds_stand_for_divided_weights():
    scales, inputs = [1.0, 2.0, 8.0], dyadic_inputs(steps=12)
    balanced = dyadic_net(5, thresholds=tuple(v / u for u, v in pairwise(scales)))
    divided = dyadic_net(5, thresholds=(1.0, 1.0))
    with torch.no_grad():
        for weight, below, own in zip(divided.weights, scales, scales[1:], strict=False):
            weight.mul_(below / own)
        for one, other in zip(balanced(inputs), divided(inputs), strict=True):
            assert torch.equal(one, other)


def test_a_soft_reset_counts_a_current_to_half_a_spike():
    current, threshold, steps = torch.linspace(-0.5, 2.5, 101), 2.0, 16
    spikes = fire(leaky(threshold, beta=1.0, soft=True), current.expand(steps, 1, -1), 0.5)
    worth = spikes.sum(0)[0] * threshold
    wanted = steps * current.clamp(0, threshold)
    assert (worth - wanted).abs().max() <= threshold / 2


def test_keeps_nothing_between_calls():
    from snntorch import SpikingNeuron

    before = list(SpikingNeuron.instances)
    net, inputs = dyadic_net(6), dyadic_inputs(steps=6)
    assert SpikingNeuron.instances == before
    with torch.no_grad():
        first = net(inputs)[-1]
        net(inputs[:, :2] * 0.5)
        assert torch.equal(net(inputs)[-1], first)
    assert all(neuron.mem.numel() == 0 for neuron in net.neurons)
