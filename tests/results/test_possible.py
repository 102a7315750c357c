from __future__ import annotations

import math

import pytest

from harness.results.possible import impossible


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"test_accuracy": 0, "validation_accuracy": 1.0000001},  # a mean in float32
        {"latency_ms": {"median": 0.1, "low": None, "high": None, "n": 300}},
        {"roofline_share": 1.2},  # bytes from a cache
        {"train_peak_memory_bytes": 2**40, "spikes_extra": 0},
        {"accuracy_by_step": [0.1, 1], "reference_accuracy": {"ann": 0.9}},
        {"of a plugin": "anything"},
    ],
)
def test_what_can_be_measured_is_possible(metrics):
    assert impossible(metrics) == ""


@pytest.mark.parametrize(
    "metrics",
    [
        {"test_accuracy": 1.01},
        {"test_accuracy": "0.9"},
        {"test_accuracy": math.nan},
        {"train_seconds": math.inf},
        {"train_seconds": -0.1},
        {"latency_ms": {"median": 1.0, "low": -1.0, "high": 2.0}},
        {"latency_ms": {}},
        {"accuracy_by_step": [0.1, 1.7]},
        {"reference_accuracy": {"ann": None}},
        {"synops_ac": 10**400},
    ],
)
def test_what_cannot_be_is_named_in_one_short_line(metrics):
    reason = impossible(metrics)
    assert reason.startswith(f"{next(iter(metrics))}: ")
    assert reason.isprintable()
    assert len(reason) < 120
