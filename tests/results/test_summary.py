from __future__ import annotations

import pytest

from harness.results.session import Session
from harness.results.summary import summarise


def accuracies(make_record, **changes):
    return make_record(metrics={"test_accuracy": 0.9}, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"params": {"hidden": 64}},
        {"framework_version": "2.0"},
        {"digest": "abc"},
        {"device": "cuda"},
        {"threads": 4},
        {"preset": "best"},
        {"task": "mnist"},
        {"swept": {"hidden": 64}},
    ],
)
def test_rows_that_differ_in_anything_are_never_merged(make_record, changes):
    records = [
        accuracies(make_record, params={"hidden": 32}, digest="def", framework_version="1.0"),
        accuracies(
            make_record,
            **{"params": {"hidden": 32}, "digest": "def", "framework_version": "1.0"} | changes,
        ),
    ]
    rows = summarise(records)
    assert len(rows) == 2
    assert len({row.label for row in rows}) == 2


def test_rows_that_another_version_of_the_host_measured_are_never_merged(make_record):
    records = [accuracies(make_record, seed=seed, session=seed) for seed in (0, 1)]
    same, other = Session(host={"digest": "aa"}), Session(host={"digest": "bb"})
    assert len(summarise(records, [same, same])) == 1
    assert [row.label for row in summarise(records, [same, other])] == [
        "fake host=aa",
        "fake host=bb",
    ]
    older, newer = (Session(host={"digest": "aa", "torch": torch}) for torch in ("2.14", "2.15"))
    assert [row.label for row in summarise(records, [older, newer])] == [
        "fake host=aa torch=2.14",
        "fake host=aa torch=2.15",
    ]


def test_seeds_are_one_row_with_an_interval(make_record):
    records = [make_record(seed=s, metrics={"test_accuracy": 0.9 + 0.01 * s}) for s in range(3)]
    (row,) = summarise([*records, make_record(seed=3, status="skipped")])
    cell = row.cells["test_accuracy"]
    assert (cell.value, cell.kind, cell.n) == (pytest.approx(0.91), "t over 3 seeds", 3)
    assert cell.low == pytest.approx(0.8852, abs=1e-4)
    assert (len(row.ok), row.skipped, len(row.trials)) == (3, 1, 4)


def test_a_mean_is_the_same_on_every_python(make_record):
    """From 3.12 on, `sum` rounds otherwise than before."""
    metrics = {"input_density": 0.1}
    (row,) = summarise([make_record(seed=seed, metrics=metrics) for seed in range(10)])
    assert row.cells["input_density"].value == 0.1


def test_fits_are_averaged_with_intervals_within_their_bounds(make_record):
    fits = [
        {"van_rossum_loss": loss, "spikes_on_time": on_time, "spikes_extra": extra}
        for loss, on_time, extra in ((0.01, 1.0, 0), (0.2, 0.8, 3))
    ]
    (row,) = summarise([make_record(seed=seed, metrics=fit) for seed, fit in enumerate(fits)])
    assert row.value("van_rossum_loss") == pytest.approx(0.105)
    assert (row.cells["van_rossum_loss"].low, row.cells["spikes_extra"].low) == (0.0, 0.0)
    assert row.cells["spikes_on_time"].high == 1.0


def test_what_the_original_paper_reports_has_no_interval(make_record):
    records = [make_record(seed=s, metrics={"reported_accuracy": 0.937}) for s in range(3)]
    (row,) = summarise(records)
    assert row.value("reported_accuracy") == pytest.approx(0.937)
    assert row.cells["reported_accuracy"].low is None


def test_references_are_cells_by_their_name(make_record):
    metrics = {"reference_accuracy": {"ann": 0.95}}
    (row,) = summarise([make_record(seed=s, metrics=metrics) for s in (0, 1)])
    assert row.references["ann"].value == pytest.approx(0.95)
    assert not row.has("reference_accuracy")


def test_names_that_are_no_metric_are_no_cells(make_record):
    (row,) = summarise([make_record(metrics={"spin": 3.0, "accuracy_by_step": [0.1]})])
    assert not row.cells


def test_only_a_measurement_that_succeeded_counts(make_record):
    latency = {"latency_ms": {"median": 1.0, "n": 3}}
    failed = make_record("network-timing", status="invalid", metrics=latency)
    assert not summarise([failed])[0].has("latency_ms")
    (row,) = summarise([make_record("network-timing", metrics=latency)])
    assert (row.value("latency_ms"), row.cells["latency_ms"].low) == (1.0, None)
