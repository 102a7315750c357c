from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.results.frame import METRICS, summary_frame, summary_rows, trials_frame
from harness.results.record import Record

STATUSES = ["ok", "skipped", "failed", "timeout", "oom", "crashed", "invalid"]


def record(label="a", seed=0, stage="trial", status="ok", device="cpu", **more) -> Record:
    return Record(
        stage=stage,
        key=f"{label} seed={seed}",
        plugin=label,
        label=label,
        framework="native",
        task="digits",
        preset="quick",
        seed=seed,
        device=device,
        status=status,
        **more,
    )


TIMING = {
    "latency_ms": {"median": 0.4, "low": 0.3, "high": 0.5, "n": 60},
    "train_throughput": 900.0,
}


def test_timing_is_merged_by_key():
    records = [
        record(seed=0, metrics={"test_accuracy": 0.9, "reference_accuracy": {"ann": 0.95}}),
        record(seed=1, metrics={"test_accuracy": 0.8}, params={"hidden": 32}),
        record(seed=0, stage="timing", metrics=TIMING),
    ]
    frame = trials_frame(records).set_index("seed")
    assert len(frame) == 2
    assert frame.loc[0, "latency_ms.median"] == 0.4
    assert frame.loc[0, "test_accuracy"] == 0.9
    assert frame.loc[0, "reference_accuracy.ann"] == 0.95
    assert frame.loc[0, "timing_status"] == "ok"
    assert math.isnan(frame.loc[1, "latency_ms.median"])
    assert frame.loc[1, "params.hidden"] == 32
    assert list(frame["status"]) == ["ok", "ok"]


def test_a_repeated_trial_replaces_the_earlier():
    records = [record(status="crashed"), record(metrics={"test_accuracy": 0.9})]
    assert list(trials_frame(records)["status"]) == ["ok"]
    assert summary_rows(records)[0]["seeds_failed"] == 0


def test_summary_holds_the_timing_of_the_first_seed_timed():
    records = [record(seed=seed, metrics={"test_accuracy": 0.9}) for seed in (0, 1)]
    (row,) = summary_rows([*records, record(seed=0, stage="timing", metrics=TIMING)])
    assert (row["latency_ms"], row["latency_ms_low"], row["latency_ms_high"]) == (0.4, 0.3, 0.5)
    assert (row["latency_ms_n"], row["train_throughput"]) == (60, 900.0)
    assert "train_throughput_low" not in row


def test_a_failed_timing_leaves_the_trial_as_it_was():
    records = [
        record(metrics={"test_accuracy": 0.9}),
        record(stage="timing", status="timeout", reason="60 s", metrics={}),
    ]
    (row,) = trials_frame(records).to_dict("records")
    assert (row["status"], row["timing_status"], row["timing_reason"]) == ("ok", "timeout", "60 s")
    assert "latency_ms" not in summary_rows(records)[0]


def test_summary_has_a_row_for_each_label_and_counts_its_seeds():
    records = [record(seed=s, status=status) for s, status in enumerate(STATUSES)]
    records.append(record("b", metrics={"test_accuracy": 0.5, "test_size": 100}))
    a, b = summary_rows(records)
    assert (a["seeds"], a["seeds_ok"], a["seeds_skipped"], a["seeds_failed"]) == (7, 1, 1, 5)
    assert b["test_accuracy_interval"] == "Wilson, 100 samples"
    assert b["test_size"] == 100


def test_devices_are_rows_of_their_own_and_gpu_columns_follow_the_device():
    cpu, gpu = record(), record("a on cuda", device="cuda", metrics={"device_memory_bytes": 1e6})
    assert "device_memory_bytes" not in summary_frame([cpu])
    assert "device_memory_bytes" in summary_frame([cpu, gpu])
    assert len(summary_frame([cpu, gpu])) == 2


def test_columns_keep_their_order_and_unknown_metrics_follow():
    plain = list(summary_frame([record()]).columns)
    more = list(summary_frame([record(metrics={"zeal": 3.0, "accuracy_by_step": [0.1]})]).columns)
    assert more == [*plain, "zeal"]
    assert [name for name in plain if name in METRICS] == [m for m in METRICS if "device" not in m]


def test_effective_operations_need_both_counts():
    (both,) = summary_rows([record(metrics={"synops_ac": 5.0, "synops_mac": 0.0})])
    (one,) = summary_rows([record(metrics={"synops_ac": 5.0})])
    assert both["synops_effective"] == 5.0
    assert both["synops_mac"] == 0.0
    assert "synops_effective" not in one


def test_fits_are_averaged_with_intervals_within_their_bounds():
    fits = [
        {"van_rossum_loss": loss, "spikes_on_time": on_time, "spikes_extra": extra}
        for loss, on_time, extra in ((0.01, 1.0, 0), (0.2, 0.8, 3))
    ]
    (row,) = summary_rows([record(seed=seed, metrics=fit) for seed, fit in enumerate(fits)])
    assert row["van_rossum_loss"] == pytest.approx(0.105)
    assert (row["van_rossum_loss_low"], row["spikes_extra_low"]) == (0.0, 0.0)
    assert row["spikes_on_time_high"] == 1.0


def test_what_a_source_reports_is_a_number_and_no_sample():
    seeds = [record(seed=seed, metrics={"reported_accuracy": 0.937}) for seed in range(3)]
    (row,) = summary_rows(seeds)
    assert row["reported_accuracy"] == pytest.approx(0.937)
    assert "reported_accuracy_low" not in row


def test_no_records_make_empty_frames_with_columns():
    assert len(summary_frame([])) == len(trials_frame([])) == 0
    assert "test_accuracy" in summary_frame([])


values = st.floats(0.0, 1.0) | st.integers(0, 1)
# Of the two others one is a dict, and one is derived.
scalars = st.sampled_from([m for m in METRICS if m not in {"latency_ms", "synops_effective"}])
metric_dicts = st.dictionaries(scalars, values)


@settings(deadline=None)  # scipy and pandas are imported by the first call
@given(st.lists(metric_dicts, max_size=4), st.sampled_from(STATUSES))
def test_absent_stays_absent(measured, status):
    records = [record(seed=seed, metrics=metrics) for seed, metrics in enumerate(measured)]
    records.append(record("other", status=status))
    frame = summary_frame(records).set_index("label")
    assert frame.loc["other", [m for m in METRICS if m in frame]].isna().all()
    if measured:
        row = summary_rows(records)[0]
        names = {name for metrics in measured for name in metrics}
        assert {m for m in METRICS if m in row} - {"synops_effective"} == names - {
            "synops_effective"
        }
        for name in names:
            seen = [metrics[name] for metrics in measured if name in metrics]
            assert row[name] == pytest.approx(sum(seen) / len(seen))
