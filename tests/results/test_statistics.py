from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.results.statistics import (
    mean_interval,
    percentile_ms,
    single_run,
    summarise_latency,
    summarise_rate,
)

durations = st.lists(st.floats(1e-6, 10.0), min_size=1, max_size=60)
fractions = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8)


@settings(deadline=None)  # scipy and pandas are imported by the first call
@given(durations)
def test_latency_interval_holds_the_median(seconds):
    summary = summarise_latency(seconds)
    assert summary["n"] == len(seconds)
    assert summary["median"] == pytest.approx(1e3 * np.median(seconds))
    assert ("low" in summary) == ("high" in summary) == (len(seconds) >= 6)
    if "low" in summary:
        assert summary["low"] <= summary["median"] <= summary["high"]


@settings(deadline=None)
@given(durations, st.sampled_from([0.25, 2.0, 1024.0]))
def test_latency_scales_with_the_clock(seconds, factor):
    one, other = summarise_latency(seconds), summarise_latency([factor * s for s in seconds])
    assert other == pytest.approx(
        {name: v * (1 if name == "n" else factor) for name, v in one.items()}
    )


@settings(deadline=None)
@given(durations, st.integers(1, 512))
def test_rate_is_the_latency_turned_around(seconds, batch):
    latency, rate = summarise_latency(seconds), summarise_rate(seconds, batch)
    ends = {"median": "median", "low": "high", "high": "low"}
    for name, opposite in ends.items():
        assert (name in rate) == (opposite in latency)
        if name in rate:
            assert rate[name] == pytest.approx(batch / (latency[opposite] / 1e3))


@pytest.mark.parametrize(
    ("n", "p", "known"),
    [(199, 0.95, False), (200, 0.95, True), (999, 0.99, False), (1000, 0.99, True)],
)
def test_percentiles_only_where_samples_lie_beyond(n, p, known):
    seconds = np.linspace(0.001, 0.002, n)
    value = percentile_ms(seconds, p)
    assert (value is not None) == known
    if value is not None:
        assert value in [1e3 * s for s in seconds]
        assert np.mean(1e3 * seconds <= value) >= p


@pytest.mark.parametrize("n", [6, 15, 100])
def test_median_interval_covers_as_it_says(n):
    rng = np.random.default_rng(1)
    truth = 1e3 * math.exp(-7)
    found = [summarise_latency(rng.lognormal(-7, 0.5, n)) for _ in range(400)]
    covered = np.mean([s["low"] <= truth <= s["high"] for s in found])
    # 95 % or, as order statistics are discrete, somewhat more; 400 draws are good for +-2.5 points.
    assert 0.925 <= covered <= 1.0


def test_t_interval_covers_as_it_says():
    rng = np.random.default_rng(2)
    means = [mean_interval(list(rng.normal(0.9, 0.01, 3))) for _ in range(400)]
    covered = np.mean([m.low <= 0.9 <= m.high for m in means])
    assert 0.925 <= covered <= 0.975


def test_wilson_interval_covers_as_it_says():
    rng = np.random.default_rng(3)
    means = [mean_interval([rng.binomial(360, 0.96) / 360], 360) for _ in range(400)]
    covered = np.mean([m.low <= 0.96 <= m.high for m in means])
    assert 0.92 <= covered <= 0.985


@settings(deadline=None)
@given(fractions, st.none() | st.integers(10, 10_000))
def test_mean_interval_is_within_bounds_and_holds_the_mean(values, n_test):
    mean = mean_interval(values, n_test)
    assert mean.value == pytest.approx(sum(values) / len(values))
    assert (mean.low is None) == (mean.high is None) == (mean.kind == "")
    if mean.low is not None:
        assert 0 <= mean.low <= mean.value <= mean.high <= 1 + 1e-12


def test_interval_says_its_kind():
    assert mean_interval([0.9, 0.91, 0.92]).kind == "t over 3 seeds"
    assert mean_interval([0.9], 10_000).kind == "Wilson, 10000 samples"


def test_no_interval_without_data_for_one():
    assert mean_interval([0.9]).low is None
    # Seeds that agree say nothing of their spread: no interval of width 0.
    assert mean_interval([0.1, 0.1, 0.1]).low is None
    assert mean_interval([0.1, 0.1, 0.1], 360).kind == "Wilson, 360 samples"


@pytest.mark.parametrize("seconds", [[], [0.0], [-1.0], [math.nan], [math.inf], [[1.0, 2.0]]])
def test_refuses_what_is_no_list_of_durations(seconds):
    for summarise in (summarise_latency, lambda s: summarise_rate(s, 1)):
        with pytest.raises(ValueError, match="duration"):
            summarise(seconds)


def test_refuses_empty_batches_and_means():
    with pytest.raises(ValueError, match="batch of 0"):
        summarise_rate([1.0], 0)
    with pytest.raises(ValueError, match="no values"):
        mean_interval([])


def test_a_single_run_falls_where_the_normal_distribution_predicts():
    low, high = single_run([0.9, 0.92, 0.94])
    # t = 4.3027 with 2 degrees of freedom, sd = 0.02, and sqrt(1 + 1/3)
    assert (low, high) == (
        pytest.approx(0.92 - 0.09936, abs=1e-4),
        pytest.approx(1.01936, abs=1e-4),
    )
    assert single_run([0.9]) is None
