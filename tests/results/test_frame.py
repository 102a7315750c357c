from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.plugin.contract import Neuron
from harness.results.frame import records_frame, summary_columns, summary_frame, summary_line
from harness.results.metrics import METRICS, of
from harness.results.record import LayerTiming, Outliers, Series, TrialRecord, Versus
from harness.results.summary import summarise
from harness.subjects import LayerRow, LayerSize, Row

STATUSES = ["ok", "skipped", "failed", "timeout", "oom", "crashed", "invalid"]
TIMING = {
    "latency_ms": {"median": 0.4, "low": 0.3, "high": 0.5, "n": 60},
    "train_throughput": 900.0,
}


def lines(records):
    return [summary_line(row) for row in summarise(records)]


def test_the_measurement_is_merged_into_its_trial(make_record):
    metrics = {"test_accuracy": 0.9, "reference_accuracy": {"ann": 0.95}}
    frame = records_frame(
        [
            make_record(seed=0, metrics=metrics, scalars={"scale1": 2.0}, params={"hidden": 32}),
            make_record(seed=1, metrics={"test_accuracy": 0.8}, params={"hidden": 32}),
            make_record("network-timing", metrics=TIMING, params={"hidden": 32}),
        ]
    ).set_index("seed")
    assert len(frame) == 2
    assert frame.loc[0, "latency_ms.median"] == 0.4
    assert frame.loc[0, "test_accuracy"] == 0.9
    assert frame.loc[0, "reference_accuracy.ann"] == 0.95
    assert frame.loc[0, "scalars.scale1"] == 2.0
    assert frame.loc[0, "timing_status"] == "ok"
    assert math.isnan(frame.loc[1, "latency_ms.median"])
    assert list(frame["params.hidden"]) == [32, 32]
    assert list(frame["status"]) == ["ok", "ok"]


def test_a_repeated_trial_replaces_the_earlier(make_record):
    records = [make_record(status="crashed"), make_record(metrics={"test_accuracy": 0.9})]
    assert list(records_frame(records)["status"]) == ["ok"]
    assert lines(records)[0]["seeds_failed"] == 0


def test_a_summary_holds_the_measurement_with_its_interval(make_record):
    records = [make_record(seed=seed, metrics={"test_accuracy": 0.9}) for seed in (0, 1)]
    (line,) = lines([*records, make_record("network-timing", metrics=TIMING)])
    assert (line["latency_ms"], line["latency_ms_low"], line["latency_ms_high"]) == (0.4, 0.3, 0.5)
    assert line["train_throughput"] == 900.0
    assert "train_throughput_low" not in line


def test_a_failed_measurement_leaves_the_trial_as_it_was(make_record):
    records = [
        make_record(metrics={"test_accuracy": 0.9}),
        make_record("network-timing", status="timeout", reason="60 s", metrics=TIMING),
    ]
    (line,) = records_frame(records).to_dict("records")
    assert (line["status"], line["timing_status"], line["timing_reason"]) == (
        "ok",
        "timeout",
        "60 s",
    )
    assert "latency_ms" not in lines(records)[0]


def test_seeds_are_counted_by_status(make_record):
    records = [make_record(seed=s, status=status) for s, status in enumerate(STATUSES)]
    other = make_record(plugin="b", metrics={"test_accuracy": 0.5, "test_size": 100})
    a, b = lines([*records, other])
    assert (a["seeds"], a["seeds_ok"], a["seeds_skipped"], a["seeds_failed"]) == (7, 1, 1, 5)
    assert b["test_accuracy_interval"] == "Wilson, 100 samples"
    assert b["test_size"] == 100


def test_columns_follow_the_registry_whichever_row_has_them(make_record):
    records = [
        make_record(plugin="a", metrics={"parameters": 5}),
        make_record(plugin="b", metrics={"test_accuracy": 0.5, "reference_accuracy": {"ann": 0.6}}),
        make_record("network-timing", plugin="b", metrics=TIMING),
    ]
    rows = summarise(records)
    columns = summary_columns(rows)
    known = [name for name in columns if name in METRICS]
    assert known == [name for name in METRICS if name in known]
    assert columns[0] == "label"
    assert columns[-1] == "reference_accuracy.ann"
    assert list(summary_frame(rows).columns) == columns


def test_comparisons_are_columns_of_their_own(make_record):
    versus = Versus(ratio=1.3, low=1.2, high=1.4, p=0.01, verdict="slower")
    outliers = Outliers(count=0, calls=10, slowest=1.0)
    series = {
        "latency": Series(batch=1, rounds=12, outliers=outliers, versus=versus, noise_floor=0.02)
    }
    (line,) = lines([make_record("network-timing", metrics=TIMING, series=series)])
    assert line["versus.latency.verdict"] == "slower"
    assert line["versus.latency.ratio"] == 1.3
    assert line["noise_floor.latency"] == 0.02


def test_layers_have_their_size_and_no_seeds():
    size = LayerSize(neurons=512, steps=10, batch=4, density=0.1)
    row = LayerRow(plugin="a", framework="f", neuron=Neuron(0.9), size=size)
    record = LayerTiming(row=row, status="ok", metrics={"total_ms": {"median": 2.0, "n": 3}})
    (line,) = lines([record])
    assert (line["neurons"], line["density"], line["beta"], line["total_ms"]) == (
        512,
        0.1,
        0.9,
        2.0,
    )
    assert "seeds" not in line
    assert records_frame([record])["total_ms.median"][0] == 2.0


def test_no_records_make_empty_frames_with_a_label():
    assert len(summary_frame([])) == len(records_frame([])) == 0
    assert list(summary_frame([]).columns) == ["label"]


NUMBERS = [m.name for m in of("trial") if m.combine not in {"named", "steps"}]
ROW = Row(plugin="a", framework="f", task="t", preset="p")


@settings(deadline=None)  # scipy and pandas are imported by the first call
@given(
    st.lists(
        st.dictionaries(st.sampled_from(NUMBERS), st.floats(0, 1) | st.integers(0, 1)), max_size=4
    ),
    st.sampled_from(STATUSES),
)
def test_absent_stays_absent(measured, status):
    records = [
        TrialRecord(row=ROW, seed=seed, status="ok", metrics=metrics)
        for seed, metrics in enumerate(measured)
    ]
    other = ROW.model_copy(update={"plugin": "other"})
    records.append(TrialRecord(row=other, seed=0, status=status))
    found = {line["plugin"]: line for line in lines(records)}
    assert not set(found["other"]) & set(METRICS)
    if measured:
        names = {name for metrics in measured for name in metrics}
        assert set(found["a"]) & set(METRICS) == names
        for name in names:
            seen = [metrics[name] for metrics in measured if name in metrics]
            assert found["a"][name] == pytest.approx(sum(seen) / len(seen))
