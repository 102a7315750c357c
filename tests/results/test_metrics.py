from __future__ import annotations

import typing

from harness.protocol.events import DeclaredMetric
from harness.results import metrics
from harness.results.gate import parse_gate
from harness.results.metrics import METRICS, REGISTRY, by_hook, join, of
from harness.results.regression import compare_runs
from harness.results.session import Session
from harness.results.store import RunFolder
from harness.runs.compare import run_data
from harness.runs.run import load


def test_names_and_titles_are_unique():
    assert len(METRICS) == len(REGISTRY)
    assert len({metric.title for metric in REGISTRY}) == len(REGISTRY)


def test_every_metric_says_what_it_is_and_where_it_is():
    kinds = set(typing.get_args(metrics.Of))
    for metric in REGISTRY:
        assert metric.meaning
        assert metric.of
        assert set(metric.of) <= kinds


def test_a_kind_of_records_has_its_metrics_in_the_registrys_order():
    names = [metric.name for metric in of("layer-timing")]
    assert names == [metric.name for metric in REGISTRY if metric.name in names]
    assert "total_ms" in names
    assert "test_accuracy" not in names


def declared(name="mine", **changes):
    fields = {"title": "Mine", "unit": "number", "better": "less", "meaning": "x", "source": "here"}
    return DeclaredMetric(name=name, **fields | changes)


def test_a_declared_metric_joins_the_registry_and_is_replaced_when_it_is_declared_again():
    join([declared(changes={"noise": "s.d."})])
    assert METRICS["mine"].changes == (("noise", "s.d."),)
    assert [metric.name for metric in by_hook()] == ["mine"]
    assert next(reversed(REGISTRY)).name == "mine"
    assert "mine" not in {metric.name for metric in of("trial")}
    join([declared(title="New")])
    assert [metric.title for metric in by_hook()] == ["New"]


def test_the_hosts_own_cannot_be_replaced():
    join([declared("test_accuracy")])
    assert METRICS["test_accuracy"].title == "Test accuracy"
    assert not by_hook()


def test_only_a_signed_metric_has_no_lower_bound():
    join([declared(), declared("other", signed=True, unit="fraction")])
    assert (METRICS["mine"].low, METRICS["mine"].high) == (0, float("inf"))
    assert (METRICS["other"].low, METRICS["other"].high) == (float("-inf"), float("inf"))


def test_a_run_carries_the_declarations_of_its_own_metrics(tmp_path, make_record):
    folder = RunFolder.create(tmp_path / "run", "networks")
    folder.begin(Session(metrics=(declared(), declared("by_name", title="N", combine="named"))))
    for seed, value in enumerate([1.0, 2.0, 4.5]):
        folder.append(make_record(seed=seed, metrics={"mine": value, "by_name": {"a": value}}))
    for metric in by_hook():
        del METRICS[metric.name]
    run = load(tmp_path / "run")
    (line,) = run.summary.to_dict("records")
    assert line["mine"] == line["by_name.a"] == 2.5
    assert line["mine_low"] == 0 < line["mine_high"]
    assert run.frame["mine"].tolist() == [1.0, 2.0, 4.5]


def test_metrics_of_the_same_code_are_compared_and_those_of_other_code_are_not(
    tmp_path, make_record
):
    def data(name, values, digest=""):
        folder = RunFolder.create(tmp_path / name, "networks")
        folder.begin(Session(metrics=(declared(digest=digest),)))
        for seed, value in enumerate(values):
            folder.append(make_record(seed=seed, metrics={"mine": value}))
        return run_data(load(tmp_path / name))

    old, new = data("old", [1.0, 1.01, 1.02]), data("new", [2.0, 2.03, 2.04])
    (change,) = compare_runs(old, new).changes
    assert (change.metric, change.verdict) == ("mine", "worse")
    assert parse_gate("mine:worse").covers("mine")
    comparison = compare_runs(old, data("other", [2.0, 2.01, 2.02], "abc"))
    assert not comparison.changes
    assert (
        "mine was computed by other code in the two runs: it is not compared." in comparison.notes
    )
