from __future__ import annotations

from harness.report import networks
from harness.report.page.cards import row_cards
from harness.report.rows import network_rows
from harness.results.summary import summarise

from .synthetic_run import fit_records, record, run_records


def report_rows(records):
    return network_rows(summarise(records))


def titles(rows):
    """The titles of the columns of metrics."""
    columns = [column.title for column in networks.results(rows).columns]
    return columns[1 : columns.index("Seeds")]


def test_best_first_and_absent_last():
    names = [row.name for row in report_rows(run_records())]
    assert names[0] == "ann-relu"
    assert names[-2:] == ["norse-superspike", "sinabs-lif"]


def test_a_parameter_without_effect_is_in_no_table():
    params = {"network": "dense", "hidden": "64", "channels": "16"}
    of = {"params": params}
    made = [record("a", seed, of=of) for seed in (0, 1)]
    made = [each.model_copy(update={"unused": ("channels",)}) for each in made]
    rows = report_rows(made)
    shown = [("network", "dense"), ("hidden", "64")]
    (card,) = networks.parameters(rows)
    assert list(card.pairs) == shown
    assert row_cards(rows, ())[0].parameters == shown
    assert rows[0].row.params == params  # of which the row is


def test_without_accuracies_the_lowest_loss_comes_first():
    rows = report_rows(
        [*reversed(fit_records(3)), record("z", 0, "oom", of={"task": "spike-train"})]
    )
    losses = [row.value("van_rossum_loss") if row.trials else 9 for row in rows]
    assert losses == sorted(losses)
    assert rows[-1].name == "z"
    assert titles(rows)[:3] == ["Van Rossum loss", "Spikes on time", "Extra spikes"]


def test_decision_step_stands_beside_latency_and_sources_elsewhere():
    records = [
        r.model_copy(update={"metrics": r.metrics | {"reported_accuracy": 0.9}})
        if r.kind == "trial"
        else r
        for r in run_records()
    ]
    found = titles(report_rows(records))
    assert found[:3] == ["Test accuracy", "Latency", "Decision step"]
    assert not any("eported" in title for title in found)


def test_no_two_rows_look_alike():
    rows = report_rows([record(f"plugin-{n:02}") for n in range(40)])
    assert len({(row.look.colour, row.look.marker) for row in rows}) == 40


def test_a_row_keeps_its_look_when_results_change():
    before = {row.name: row.look for row in report_rows(run_records())}
    changed = [
        r.model_copy(update={"metrics": r.metrics | {"test_accuracy": 0.1}})
        if r.row.plugin == "ann-relu" and r.kind == "trial"
        else r
        for r in run_records()
    ]
    assert {row.name: row.look for row in report_rows(changed)} == before
    assert report_rows(changed)[0].name != "ann-relu"


def test_one_plugin_on_two_devices_is_two_named_rows():
    records = [record("a", of={"device": device}) for device in ("cpu", "cuda")]
    assert [row.name for row in report_rows(records)] == ["a device=cpu", "a device=cuda"]


def test_columns_appear_where_something_was_measured():
    metrics = {"test_accuracy": 0.5, "reference_accuracy": {"ann": 0.6}, "test_size": 360}
    rows = report_rows([record("a", metrics=metrics)])
    assert titles(rows) == ["Test accuracy", "ann accuracy"]


def test_a_plugins_own_numbers_stand_beside_its_parameters():
    cards = {
        card.title: dict(card.pairs) for card in networks.parameters(report_rows(run_records()))
    }
    assert cards["snntorch-conversion"]["scale1 (reported, mean of 3 seeds)"] == "1.6"
    assert cards["native-dfa"]["hidden"] == "500"


def test_seeds_are_counted():
    rows = {row.name: networks.seeds(row) for row in report_rows(run_records())}
    assert rows["ann-relu"] == "3"
    assert rows["norse-superspike"] == "0 of 3"
    assert rows["sinabs-lif"] == "skipped"


def test_a_refuted_row_is_marked_keeps_its_numbers_and_comes_last():
    records = [
        record("a", metrics={"test_accuracy": 0.5}, facts={"silent_layers": ["hidden"]}),
        record("c", metrics={"test_accuracy": 1.0}, facts={"reload": "9 answers differ"}),
        record("z", status="failed"),
    ]
    rows = report_rows(records)
    assert [row.name for row in rows] == ["a", "z", "c (refuted)"]
    first, _, last = networks.results(rows).lines
    assert (last[0].remark, last[1].value) == ("not ranked", "100 %")
    assert first[0].remark == "silent layer"
