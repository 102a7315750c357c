"""SuperSpike's parts against loops over synapses and steps in the paper's notation."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
rule = pytest.importorskip("harness_native.superspike_rule")

from harness_native.eligibility import backward_trace
from harness_native.neurons import LIFParameters

from .literal import literal_traces

pytestmark = pytest.mark.native

LIF = LIFParameters(0.8, 0.9, 1.5)
KERNEL = LIFParameters(0.7, 0.85, 1.5)


def random(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_direction_is_the_error_times_the_filtered_eligibility():
    steps, samples, n, n_in, slope = 9, 2, 3, 4, 2.5
    error, membranes = random(steps, samples, n), random(steps, samples, n, seed=1)
    inputs = (random(steps, samples, n_in, seed=2) > 0).double()
    wanted = torch.zeros(n, n_in, dtype=torch.float64)
    for sample in range(samples):
        traces = literal_traces(inputs[:, sample].tolist(), LIF)
        for i in range(n):
            for j in range(n_in):
                fast = eligibility = 0.0
                for t in range(steps):
                    distance = abs(membranes[t, sample, i].item() - 1.5) / 1.5
                    partial = 1 / (1 + slope * distance) ** 2
                    fast = 0.7 * fast + partial * traces[t][j]
                    eligibility = 0.85 * eligibility + fast
                    wanted[i, j] += error[t, sample, i] * eligibility
    found = rule.direction(backward_trace(error, KERNEL), membranes, inputs, LIF, slope)
    assert torch.allclose(found, wanted, rtol=1e-10)


def test_the_regulariser_takes_weight_by_the_fourth_power_of_the_rate():
    steps, samples, n, n_in, decay = 12, 2, 3, 4, 0.9
    error, weight = random(steps, samples, n), random(n, n_in, seed=1)
    spikes = (random(steps, samples, n, seed=2) > 0.5).double()
    wanted = torch.zeros(n, n_in, dtype=torch.float64)
    for sample in range(samples):
        for i in range(n):
            rate = 0.0
            for t in range(steps):
                rate = decay * rate + spikes[t, sample, i].item()
                for j in range(n_in):
                    wanted[i, j] += error[t, sample, i] ** 2 * rate**4 * weight[i, j]
    found = rule.heterosynaptic(error, spikes, weight, decay)
    assert torch.allclose(found, wanted, rtol=1e-10)
    told_alike = rule.heterosynaptic(error[..., :1], spikes, weight, decay)
    alike = rule.heterosynaptic(error[..., :1].expand(-1, -1, n), spikes, weight, decay)
    assert torch.allclose(told_alike, alike)


@pytest.mark.parametrize("updates", [0, 4])
def test_rmaxprop_divides_by_the_decaying_maximum(updates):
    weights = [torch.ones(2, dtype=torch.float64), torch.ones(1, dtype=torch.float64)]
    directions = [[4.0, -1e-9, 3.0], [-1.0, 0.0, 0.0], [5.0, 2.0, -1.0], [0.5, 2.0, 0.0]]
    optimizer = rule.RMaxProp(weights, 0.1, 0.6, cosine_over=updates)
    expected, squares = [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]
    for number, given in enumerate(directions):
        rate = 0.1 * (0.5 + 0.5 * math.cos(math.pi * number / 4)) if updates else 0.1
        for k, g in enumerate(given):
            squares[k] = max(0.6 * squares[k], g**2)
            expected[k] += rate * g / math.sqrt(squares[k])
        g = torch.tensor(given, dtype=torch.float64)
        optimizer.step([g[:2], g[2:]])
        assert torch.cat(weights).tolist() == pytest.approx(expected, rel=1e-12)


def test_a_weight_that_was_never_wrong_stays():
    weight = torch.ones(3)
    rule.RMaxProp([weight], 0.1, 0.9).step([torch.tensor([0.0, 1.0, -1e-30])])
    assert weight[0] == 1
    assert weight[1] == pytest.approx(1.1)
    assert weight.isfinite().all()
