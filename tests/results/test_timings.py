from __future__ import annotations

import numpy as np
import pytest

from harness.results.timings import compare, timed_metrics


def rounds(seconds, count=12, calls=20):
    draws = np.random.default_rng(1)
    return [list(seconds * (1 + 0.001 * draws.random(calls))) for _ in range(count)]


def test_every_metric_of_a_series_is_computed():
    times = {"latency": rounds(0.002), "train": rounds(0.05)}
    found = timed_metrics(times, {"latency": 1, "train": 100})
    assert set(found) == {"latency_ms", "latency_p95_ms", "train_throughput"}
    assert found["latency_ms"]["median"] == pytest.approx(2.0, rel=0.01)
    assert found["train_throughput"]["median"] == pytest.approx(2000, rel=0.01)
    assert timed_metrics({"total": rounds(0.01, 2, 3)}, {"total": 4})["total_ms"]["n"] == 6


def test_rows_are_compared_with_the_baseline_by_sample():
    times = {key: {"inference": rounds(s)} for key, s in (("a", 0.1), ("b", 0.4), ("c", 0.1))}
    batches = {"a": {"inference": 10}, "b": {"inference": 10}, "c": {"inference": 5}}
    found = compare(times, batches, "a")
    assert found["a"]["inference"].versus is None
    assert found["b"]["inference"].versus.verdict == "slower"
    assert found["b"]["inference"].versus.ratio == pytest.approx(4.0, rel=0.01)
    assert found["c"]["inference"].versus.ratio == pytest.approx(2.0, rel=0.01)
    assert found["b"]["inference"].noise_floor >= 0.01
    assert (found["c"]["inference"].batch, found["c"]["inference"].rounds) == (5, 12)


def test_without_the_baseline_nothing_is_compared():
    found = compare({"a": {"latency": rounds(0.1)}}, {"a": {"latency": 1}}, "gone")
    assert found["a"]["latency"].versus is None
    assert found["a"]["latency"].outliers.calls == 240


def test_a_row_whose_processes_lie_far_apart_is_unsteady():
    steady = {str(n): {"latency": [[1.0 + 0.001 * n], [1.0]] * 6} for n in range(5)}
    times = steady | {"apart": {"latency": [[1.0], [4.0]] * 6}}
    found = compare(times, {key: {"latency": 1} for key in times}, "0")
    assert found["apart"]["latency"].unsteady == pytest.approx(4, rel=0.01)
    assert {found[key]["latency"].unsteady for key in steady} == {None}
    assert found["1"]["latency"].noise_floor < 0.02
