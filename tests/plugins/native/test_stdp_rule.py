"""Traces and weight change, each by itself, against loops over synapses and steps."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
rule = pytest.importorskip("harness_native.stdp_rule")

pytestmark = pytest.mark.native

P = rule.Plasticity(learning_rate=0.1, depression=0.4, tau_pre=4.0, tau_post=2.5)


def activity():
    draws = torch.Generator().manual_seed(0)
    spikes = (torch.rand(10, 3, 4, generator=draws) < 0.4).double()
    winners = torch.randint(-1, 5, (10, 3), generator=draws)
    weight = 1.2 * torch.rand(5, 4, generator=draws, dtype=torch.float64)
    return weight, spikes, winners


def test_a_trace_decays_and_counts_each_spike():
    spikes = torch.tensor([1.0, 0.0, 1.0]).view(3, 1, 1)
    assert rule.trace(spikes, 4.0).flatten().tolist() == [1.0, 0.75, 1.5625]
    assert rule.trace(spikes, 2.0, backwards=True).flatten().tolist() == [1.25, 0.5, 1.0]
    assert spikes.flatten().tolist() == [1, 0, 1]


@pytest.mark.parametrize("depression", [0.0, 0.4])
def test_the_change_is_a_loop_over_synapses(depression):
    p = P._replace(depression=depression)
    weight, spikes, winners = activity()
    wanted = torch.zeros_like(weight)
    for sample in range(3):
        for j in range(5):
            for i in range(4):
                x_pre = x_post = 0.0
                for t in range(10):
                    pre, post = float(spikes[t, sample, i]), float(winners[t, sample] == j)
                    x_pre = x_pre - x_pre / p.tau_pre + pre
                    x_post = x_post - x_post / p.tau_post + post
                    wanted[j, i] += max(1 - float(weight[j, i]), 0.0) * post * x_pre
                    wanted[j, i] -= depression * float(weight[j, i]) * x_post * pre
    torch.testing.assert_close(rule.stdp(weight, spikes, winners, p), p.learning_rate * wanted)


def test_input_before_output_strengthens_and_after_weakens():
    weight = torch.full((1, 2), 0.5)
    spikes = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]).unsqueeze(1)
    winners = torch.tensor([[-1], [0], [-1]])
    before, after = rule.stdp(weight, spikes, winners, P).flatten().tolist()
    assert before == pytest.approx(0.1 * 0.5 * 0.75)
    assert after == pytest.approx(-0.1 * 0.4 * 0.5 * 0.6)
