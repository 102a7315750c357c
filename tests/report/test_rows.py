from __future__ import annotations

from harness.report.rows import report_rows
from harness.report.tables import columns, seeds, unfinished

from .synthetic_run import fit_records, record, run_records


def test_best_first_and_absent_last():
    names = [row.name for row in report_rows(run_records())]
    assert names[0] == "ann-relu"
    assert names[-2:] == ["norse-superspike", "sinabs-lif"]


def test_without_accuracies_the_lowest_loss_comes_first():
    rows = report_rows([*reversed(fit_records(3)), record("trial", "z", "native", 0, "oom")])
    losses = [row.summary.get("van_rossum_loss", 9) for row in rows]
    assert losses == sorted(losses)
    assert rows[-1].name == "z"
    titles = [column.title for column in columns(rows)]
    assert titles[:3] == ["Van Rossum loss", "Spikes on time", "Extra spikes"]


def test_decision_step_stands_beside_latency_and_sources_elsewhere():
    metrics = {"latency_ms": 1.0, "decision_step": 3, "test_accuracy": 0.5}
    metrics |= {"reported_accuracy": 0.9}
    rows = report_rows([record("trial", "a", "native", metrics=metrics)])
    titles = [column.title for column in columns(rows)]
    assert titles == ["Test accuracy", "Latency", "Decision step"]


def test_no_two_rows_look_alike():
    rows = report_rows([record("trial", f"plugin-{n:02}", "native") for n in range(40)])
    assert len({(row.look.colour, row.look.marker) for row in rows}) == 40


def test_a_row_keeps_its_look_when_results_change():
    before = {row.name: row.look for row in report_rows(run_records())}
    changed = [
        r.model_copy(update={"metrics": r.metrics | {"test_accuracy": 0.1}})
        if r.label == "ann-relu" and r.stage == "trial"
        else r
        for r in run_records()
    ]
    assert {row.name: row.look for row in report_rows(changed)} == before
    assert report_rows(changed)[0].name != "ann-relu"


def test_one_label_on_two_devices_is_two_named_rows():
    records = [record("trial", "a", "native", device=device) for device in ("cpu", "cuda")]
    records[1] = records[1].model_copy(update={"key": "a on cuda"})
    names = [row.name for row in report_rows(records)]
    assert names == ["a mnist quick cpu", "a mnist quick cuda"]


def test_columns_appear_where_something_was_measured():
    metrics = {"test_accuracy": 0.5, "reference_accuracy": {"ann": 0.6}, "spin": 3.0}
    rows = report_rows([record("trial", "a", "native", metrics=metrics)])
    assert [column.title for column in columns(rows)] == ["Test accuracy", "ann accuracy", "spin"]


def test_seeds_and_fates():
    rows = {row.name: seeds(row) for row in report_rows(run_records())}
    assert rows["ann-relu"] == "3"
    assert rows["norse-superspike"] == "0 of 3"
    assert rows["sinabs-lif"] == "skipped"
    failed, skipped = unfinished(run_records())
    assert (failed.seeds, len(failed.logs), skipped.status) == ("0, 1, 2", 3, "skipped")
