from __future__ import annotations

import dataclasses

from harness.protocol.events import DeclaredMetric
from harness.report import networks
from harness.report.page.columns import MOST_AT_FIRST, best_cells, page_columns
from harness.report.rows import network_rows, shown_metrics
from harness.results.metrics import BY_HOOK, join
from harness.results.ranking import Ranking
from harness.results.summary import summarise
from report.synthetic_run import record, run_records


def test_a_few_columns_are_shown_at_first_and_each_is_in_a_group():
    rows = network_rows(summarise(run_records()))
    columns = page_columns(networks.results(rows))
    shown = [column.metric for column in columns if column.shown]
    assert len(shown) == 1 + MOST_AT_FIRST
    assert shown[1:3] == ["test_accuracy", "latency_ms"]
    assert {column.group for column in columns if column.metric in {"latency_ms"}} == {"Speed"}
    assert all(column.group for column in columns)


def test_the_first_press_sorts_the_best_to_the_top():
    columns = {
        c.metric: c for c in page_columns(networks.results(network_rows(summarise(run_records()))))
    }
    assert columns["test_accuracy"].first == "descending"
    assert columns["latency_ms"].first == "ascending"


def marks(values, metric, ranking=None):
    """The marks of rows with these values for each seed, by plugin."""
    records = [
        record(plugin, seed, metrics={metric: value})
        for plugin, each in values.items()
        for seed, value in enumerate(each)
    ]
    rows = network_rows(summarise(records))
    found = best_cells(rows, shown_metrics(rows), ranking)
    keys = {row.row.key: row.row.plugin for row in rows}
    return {keys[key]: mark for key, mark in found.get(metric, {}).items()}


def test_intervals_that_overlap_with_the_best_are_ties():
    times = {"fast": (1.0, 1.1, 0.9), "near": (1.2, 1.0, 1.3), "slow": (9.0, 9.1, 9.2)}
    assert marks(times, "train_seconds") == {"fast": "best", "near": "tie"}


def test_a_column_of_equal_values_has_no_best():
    assert marks({"a": (5,), "b": (5,)}, "synops_effective") == {}


def test_accuracies_tie_by_their_places():
    accuracies = {"a": (0.9,), "b": (0.9001,), "c": (0.85,)}
    key = {name: record(name).row.key for name in accuracies}
    ranking = Ranking(places={key["b"]: 1, key["c"]: 1, key["a"]: 3})
    assert marks(accuracies, "test_accuracy", ranking) == {"b": "best", "c": "tie"}


def test_what_is_refuted_wins_nothing():
    records = [record(name, metrics={"train_seconds": s}) for name, s in (("a", 1.0), ("b", 2.0))]
    rows = [dataclasses.replace(r, refuted="no") for r in network_rows(summarise(records))[:1]]
    rows += network_rows(summarise(records))[1:]
    assert not best_cells(rows, shown_metrics(rows))


def test_operations_that_were_not_all_counted_win_nothing():
    facts = {"unrecorded": {"names": ["a.weight"], "share": 0.9}}
    operations = {"a": (1.0, facts), "b": (2.0, {}), "c": (3.0, {})}
    records = [
        record(name, metrics={"synops_effective": n, "train_seconds": n}, facts=facts)
        for name, (n, facts) in operations.items()
    ]
    rows = network_rows(summarise(records))
    names = {row.row.key: row.row.plugin for row in rows}
    found = best_cells(rows, shown_metrics(rows))
    assert [names[key] for key in found["synops_effective"]] == ["b"]
    assert [names[key] for key in found["train_seconds"]] == ["a"]


def test_metrics_by_hook_are_a_group_of_their_own_and_brief_ones_are_shown():
    fields = {"unit": "number", "better": "less", "meaning": "x", "source": "mine"}
    join([DeclaredMetric(name="mine", title="Mine", **fields)])
    join([DeclaredMetric(name="brief", title="Brief", place="brief", **fields)])
    rows = network_rows(summarise([record("a", metrics={"mine": 1.0, "brief": 2.0})]))
    columns = {column.metric: column for column in page_columns(networks.results(rows))}
    assert columns["mine"].group == columns["brief"].group == BY_HOOK
    assert (columns["mine"].shown, columns["brief"].shown) == (False, True)
    assert columns["mine"].first == "ascending"


def test_a_brief_metric_by_hook_takes_the_place_of_one_of_the_hosts():
    fields = {"unit": "number", "better": "less", "meaning": "x", "source": "mine"}
    join([DeclaredMetric(name="brief", title="Brief", place="brief", **fields)])

    def at_first(records):
        columns = page_columns(networks.results(network_rows(summarise(records))))
        return [column.metric for column in columns if column.shown]

    records = run_records()
    before = at_first(records)
    better = {**records[0].metrics, "brief": 2.0}
    records[0] = records[0].model_copy(update={"metrics": better})
    assert at_first(records) == [*before[:-1], "brief"]
