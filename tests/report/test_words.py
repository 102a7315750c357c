from __future__ import annotations

import pytest

from harness.report.rows import report_rows
from harness.report.words import SPIKE_TRAINS, how_to_read, warnings

from .synthetic_run import crowded_records, fit_records, record, run_records


def notes(records):
    return dict(how_to_read(report_rows(records), records))


def test_both_senses_of_latency_are_told_apart():
    found = notes(run_records())
    assert "By the clock" in found["Latency, in time"]
    assert "simulated steps" in found["Latency, in steps"]


def test_a_run_that_was_not_timed_tells_of_steps_only():
    found = notes([record("trial", "a", "native", metrics={"decision_step": 3})])
    assert "Latency, in steps" in found
    assert "Latency, in time" not in found


def test_spike_trains_are_explained_with_the_constants_of_the_measurement():
    pytest.importorskip("torch")
    from harness.measure import spike_trains

    assert notes(fit_records())["Spike trains"] == SPIKE_TRAINS
    assert f"rise {spike_trains.RISE_MS:g} ms, decay {spike_trains.DECAY_MS:g} ms" in SPIKE_TRAINS
    assert f"at most {spike_trains.TOLERANCE_MS:g} ms" in SPIKE_TRAINS


def test_presets_that_the_rows_name_are_no_warning():
    assert not any("preset" in warning for warning in warnings({}, crowded_records()))
    mixed = [record("trial", p, "native", preset=p) for p in ("quick", "best")]
    assert "Rows differ in preset: best, quick." in warnings({}, mixed)
