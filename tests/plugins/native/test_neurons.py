"""The neurons against a literal transcription of their equations, one number at a time."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
neurons = pytest.importorskip("harness_native.neurons")

pytestmark = pytest.mark.native

P = neurons.LIFParameters(alpha=0.7, beta=0.85, theta=1.0)


def literal_lif(inputs, p):
    """S[t] and U[t] of one neuron from a list of inputs."""
    current = membrane = 0.0
    spike = 0
    spikes, membranes = [], []
    for x in inputs:
        current = p.alpha * current + x
        membrane = p.beta * (membrane - p.theta * spike) + current
        spike = 1 if membrane >= p.theta else 0
        spikes.append(spike)
        membranes.append(membrane)
    return spikes, membranes


def test_lif_is_its_equations():
    draws = torch.Generator().manual_seed(1)
    inputs = 0.3 * torch.rand(30, 3, 4, dtype=torch.float64, generator=draws)
    spikes, membranes = neurons.lif(inputs, P)
    assert 0.1 < spikes.mean() < 0.9
    for sample in range(3):
        for neuron in range(4):
            wanted = literal_lif(inputs[:, sample, neuron].tolist(), P)
            assert spikes[:, sample, neuron].tolist() == wanted[0]
            assert membranes[:, sample, neuron].tolist() == pytest.approx(wanted[1], rel=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sequence_is_its_steps_bit_for_bit(alpha, dtype):
    p = neurons.LIFParameters(alpha, 0.9, 0.7)
    inputs = torch.randn(9, 4, 50, dtype=dtype, generator=torch.Generator().manual_seed(0))
    before = inputs.clone()
    spikes, membranes = neurons.lif(inputs, p)
    assert torch.equal(inputs, before)
    assert 0.05 < spikes.mean() < 0.95
    assert spikes.dtype == membranes.dtype == dtype
    current = membrane = spike = torch.zeros_like(inputs[0])
    for t, step in enumerate(inputs):
        current = torch.add(step, current, alpha=p.alpha)
        after_reset = torch.add(membrane, spike, alpha=-p.theta)
        membrane = torch.add(current, after_reset, alpha=p.beta)
        spike = (membrane >= p.theta).to(dtype)
        assert torch.equal(spikes[t], spike)
        assert torch.equal(membranes[t], membrane)


def test_threshold_is_inclusive_and_reset_subtracts():
    p = neurons.LIFParameters(alpha=0.0, beta=0.5, theta=1.0)
    inputs = torch.tensor([1.0, 0.0, 2.5, 0.0]).reshape(4, 1, 1)
    spikes, membranes = neurons.lif(inputs, p)
    # 1.0 fires and leaves 0; 2.5 fires and leaves 1.5, which has decayed to 0.75 a step later.
    assert spikes.flatten().tolist() == [1, 0, 1, 0]
    assert membranes.flatten().tolist() == [1.0, 0.0, 2.5, 0.75]


def test_trace_is_the_membrane_of_a_neuron_that_never_fires():
    inputs = torch.rand(20, 2, 5, dtype=torch.float64)
    silent = P._replace(theta=1e9)
    assert torch.allclose(neurons.trace(inputs, P), neurons.lif(inputs, silent)[1])
