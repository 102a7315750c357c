from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin.toolkit.draws import poisson_spikes, regular_spikes

DRAWS = [poisson_spikes, regular_spikes]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("draw", DRAWS)
def test_spikes_are_0_or_1_and_time_major(draw):
    spikes = draw(torch.rand(3, 5, generator=seeded(1)), 7, seeded())
    assert (spikes.shape, spikes.dtype) == ((7, 3, 5), torch.float32)
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("draw", DRAWS)
def test_a_rate_of_0_never_spikes_and_a_rate_of_1_always_does(draw):
    rates = torch.tensor([[0.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0]])
    for steps in (100, 40_000):  # few spikes are drawn in another way than many
        spikes = draw(rates, steps, seeded())
        assert spikes[..., rates[0] == 0].sum() == 0
        assert spikes[..., 1].sum() == steps


@pytest.mark.parametrize("draw", DRAWS)
def test_equal_seeds_give_equal_spikes_and_others_do_not(draw):
    rates = torch.rand(4, 50, generator=seeded(1)) * (torch.rand(4, 50, generator=seeded(2)) < 0.2)
    for steps in (20, 500):
        assert torch.equal(draw(rates, steps, seeded(3)), draw(rates, steps, seeded(3)))
        assert not torch.equal(draw(rates, steps, seeded(3)), draw(rates, steps, seeded(4)))


@pytest.mark.parametrize("draw", DRAWS)
def test_the_mean_rate_is_the_rate(draw):
    rates = torch.tensor([[0.001, 0.01, 0.1, 0.25, 0.5, 0.9, 0.999, *[0.0] * 20]]).expand(500, -1)
    steps = 400
    mean = draw(rates, steps, seeded()).mean((0, 1)).double()
    error = (rates[0].double() * (1 - rates[0].double()) / (steps * 500)).sqrt()
    assert ((mean - rates[0]).abs() <= 5 * error + 1 / 65536).all()


def test_poisson_draws_are_independent_over_steps_and_inputs():
    rate, steps, inputs = 0.3, 2000, 200
    spikes = poisson_spikes(torch.full((1, inputs), rate), steps, seeded())[:, 0].double() - rate
    variance = rate * (1 - rate)
    tolerance = 5 * variance / (steps * inputs) ** 0.5
    for shift in (1, 2, 3, 4):  # four draws come from one word
        assert abs((spikes[:, shift:] * spikes[:, :-shift]).mean()) < tolerance
        assert abs((spikes[shift:] * spikes[:-shift]).mean()) < tolerance


def test_poisson_counts_have_the_binomial_distribution():
    stats = pytest.importorskip("scipy.stats")
    steps, samples = 20, 20_000
    counts = poisson_spikes(torch.full((1, samples), 0.2), steps, seeded()).sum(0)[0]
    observed = torch.bincount(counts.long(), minlength=steps + 1)[:11].double()
    observed[10] += samples - observed.sum()
    expected = [samples * stats.binom.pmf(k, steps, 0.2) for k in range(10)]
    expected.append(samples - sum(expected))
    assert stats.chisquare(observed.numpy(), expected).pvalue > 1e-4


def test_the_resolution_is_one_in_65536():
    counts = poisson_spikes(torch.full((1, 4096), 2.5 / 65536), 4096, seeded()).sum()
    expected = 4096 * 4096 * 2 / 65536  # 2.5 rounds to the even 2
    assert abs(counts - expected) < 5 * expected**0.5


def test_regular_intervals_differ_by_one_step_at_most():
    rates = torch.tensor([[0.3, *[0.0] * 99]])
    for steps in (100, 1000):
        spikes = regular_spikes(rates, steps, seeded())[:, 0, 0]
        gaps = spikes.nonzero()[:, 0].diff()
        assert set(gaps.tolist()) == {3, 4}
        assert abs(spikes.sum() - 0.3 * steps) <= 1
