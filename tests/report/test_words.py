from __future__ import annotations

import pytest

from harness.report import words
from harness.report.rows import network_rows
from harness.results.summary import summarise

from .synthetic_run import (
    crowded_records,
    fit_records,
    layers_records,
    record,
    run_records,
    session,
)


def notes(records):
    return dict(words.notes(network_rows(summarise(records)), records))


def test_the_headline_counts_the_trials_that_were_asked_for():
    records = [record("a", seed) for seed in (0, 1, 2)] + [record("b", 0, "failed", "why")]
    rows = network_rows(summarise(records))
    assert words.headline(rows, records).endswith("3 seeds, 3 of 4 trials finished")
    asked = session(plugins={"a": {}, "b": {}})
    assert words.headline(rows, records, [asked]).endswith("3 of 6 trials finished")


def test_both_senses_of_latency_are_told_apart():
    found = notes(run_records())
    assert "Measured time" in found["Latency, in time"]
    assert "simulated time steps" in found["Latency, in steps"]


def test_a_limit_of_samples_is_told():
    def told(limit):
        records = [record("a", seed, of={"limit": limit}) for seed in (0, 1)]
        return words.warnings(network_rows(summarise(records)), records, {})

    (line,) = told(200)
    assert line.startswith("At most 200 samples of each split were used")
    assert told(None) == []


def test_a_run_that_was_not_timed_tells_of_steps_only():
    found = notes([record("a", metrics={"decision_step": 3})])
    assert "Latency, in steps" in found
    assert "Latency, in time" not in found


def test_spike_trains_are_explained_with_the_constants_of_the_measurement():
    pytest.importorskip("torch")
    from harness.measure import spike_trains

    told = notes(fit_records())["Spike trains"]
    assert f"rise {spike_trains.RISE_MS:g} ms, decay {spike_trains.DECAY_MS:g} ms" in told
    assert f"at most {spike_trains.TOLERANCE_MS:g} ms" in told


def test_presets_that_the_rows_name_are_no_warning_and_devices_are():
    def told(records):
        return words.warnings(network_rows(summarise(records)), records, {})

    assert not any("differ in preset" in warning for warning in told(crowded_records()))
    mixed = [record("a", of={"device": device}) for device in ("cuda", "cpu")]
    assert "Rows differ in device: cpu, cuda." in told(mixed)


def test_rows_of_unequal_steps_say_how_many_each_takes():
    """By the predictions of each step, else by the parameter; a row that does not spike has none."""
    rows = network_rows(summarise(run_records()))
    told = words.unequal_steps(rows)
    assert told == (
        "Steps of a sample: 1 for ann-relu; 20 for snntorch-conversion; 25 for native-dfa; 50 for "
        "spikingjelly-stdp. Operations and latency grow with them."
    )
    assert told in words.warnings(rows, run_records(), {})
    counts = {"synops_effective": 5.0, "spikes_per_sample": 2.0}
    others = [
        record("still", metrics={"synops_effective": 5.0}),
        record("own", metrics=counts),
        record("b", of={"params": {"steps": 4}}, metrics=counts),
    ]
    told = words.unequal_steps(network_rows(summarise(others)))
    assert told.startswith("Steps of a sample: not recorded for own; none for still; 4 for b.")


def test_rows_of_equal_steps_need_no_word():
    rows = network_rows(summarise(run_records()))
    assert words.unequal_steps([row for row in rows if row.name == "native-dfa"]) == ""
    assert words.unequal_steps(network_rows(summarise(fit_records()))) == ""


def test_layers_tell_how_much_was_compared_and_what_the_device_can_do():
    told = notes(layers_records())
    assert "900 spikes were compared; for 63 of them" in told["Equal"]
    assert "batch 16, 100 steps" in told["Layer"]
    assert told["Device"].startswith("100 GFLOP/s and 10 GB/s at most")
    subjects = [
        "Equal",
        "Layer",
        "Times",
        "Roofline",
        "Memory",
        "Intervals",
        "A dash, \u2013",
        "Device",
    ]
    assert list(told) == subjects
    assert not {"Equal", "Layer", "Times", "Roofline", "Memory", "Device"} & set(
        notes(run_records())
    )
