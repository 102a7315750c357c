from __future__ import annotations

import dataclasses

import pytest

from harness.results.regression import Missing, RunData, compare_runs
from harness.results.summary import summarise
from harness.runs.compare import run_data
from harness.runs.run import load
from tests.fixtures.small_runs import small_row, small_session, write_run, write_tasks


@pytest.fixture
def data(tmp_path):
    """A small run as a comparison sees it."""

    def make(name, *args, **changes):
        return run_data(load(write_run(tmp_path / name, *args, **changes).path))

    return make


def verdicts(comparison):
    return {(each.row, each.metric): each.verdict for each in comparison.changed()}


def test_the_same_run_twice_has_no_difference(data):
    comparison = compare_runs(data("old"), data("new"))
    tested = [change for change in comparison.changes if change.verdict != "untested"]
    assert {change.metric for change in tested} == {
        "test_accuracy", "activation_sparsity", "parameters",
        "latency_ms", "inference_throughput", "train_throughput",
    }  # fmt: skip
    assert {change.verdict for change in tested} == {"tie"}
    assert len(tested) == 3 * 6
    assert not (
        comparison.lost or comparison.only_old or comparison.only_new or comparison.versions
    )


def test_networks_trained_anew_are_ties(data):
    assert not verdicts(compare_runs(data("old"), data("new", draw=1)))


def test_a_loss_of_accuracy_and_a_slow_down_are_found(data):
    new = data("new", draw=1, accuracy={"deep": 0.91}, slower={"wide": 1.15})
    comparison = compare_runs(data("old"), new)
    assert verdicts(comparison) == {
        ("deep", "test_accuracy"): "worse",
        ("wide", "latency_ms"): "worse",
        ("wide", "inference_throughput"): "worse",
        ("wide", "train_throughput"): "worse",
    }
    loss = next(each for each in comparison.changed() if each.metric == "test_accuracy")
    assert loss.kind == "paired, 3 seeds x 2 000 samples"
    assert loss.low < -0.04 < loss.high < 0


def test_the_other_way_round_they_are_better(data):
    old = data("old", draw=1, accuracy={"deep": 0.91}, slower={"wide": 1.15})
    assert set(verdicts(compare_runs(old, data("new"))).values()) == {"better"}


def test_a_changed_plugin_is_the_same_row(data):
    old = data("old", framework_version="1", digest="x")
    comparison = compare_runs(old, data("new", framework_version="2", digest="y"))
    assert not (comparison.only_old or comparison.only_new)


def test_other_seeds_are_compared_unpaired(data):
    new = data("new", seeds=(3, 4, 5), accuracy={"deep": 0.5}, timing=False)
    comparison = compare_runs(data("old", timing=False), new)
    loss = next(change for change in comparison.changes if change.metric == "test_accuracy")
    assert (loss.verdict, loss.kind) == ("worse", "unpaired, 3 and 3 seeds")


def test_one_seed_compares_two_networks_and_says_so(data):
    new = data("new", seeds=(0,), accuracy={"deep": 0.9}, timing=False)
    comparison = compare_runs(data("old", seeds=(0,), timing=False), new)
    assert verdicts(comparison) == {("deep", "test_accuracy"): "worse"}
    assert any("take three seeds or more" in note for note in comparison.notes)


def test_other_test_samples_are_not_compared(data):
    comparison = compare_runs(data("old"), data("new", labels=1, accuracy={"deep": 0.5}))
    accuracies = [each for each in comparison.changes if each.metric == "test_accuracy"]
    assert {each.verdict for each in accuracies} == {"untested"}
    assert len(accuracies) == 3
    assert any("test samples of the two runs differ" in note for note in comparison.notes)


@pytest.mark.parametrize(
    "changed",
    [{"peak": 0.8e11}, {"session": small_session(environment={"cpu": "another"})}],
    ids=["state", "machine"],
)
def test_timings_of_another_machine_or_state_are_not_compared_unless_told(data, changed):
    old, new = data("old"), data("new", slower={"wide": 2}, **changed)
    comparison = compare_runs(old, new)
    assert not verdicts(comparison)
    assert any(note.startswith("Timings are not compared") for note in comparison.notes)
    anyway = compare_runs(old, new, "anyway")
    assert ("wide", "latency_ms") in verdicts(anyway)
    assert any(note.startswith("Timings are compared although") for note in anyway.notes)
    assert not any(each.metric == "latency_ms" for each in compare_runs(old, new, "none").changes)


def test_a_seed_that_no_longer_succeeds_is_lost(data):
    comparison = compare_runs(data("old"), data("new", failed=[("deep", 1), ("deep", 2)]))
    (lost,) = comparison.lost
    assert (lost.row, lost.reason) == ("deep", "seed 1, 2: failed: it broke")


def test_a_metric_that_the_new_run_does_not_have_is_told_with_the_reason(data):
    old, new = data("old", rows=["deep", "wide"]), data("new", rows=["deep", "wide"])
    trials = [record for record in new.records if record.kind == "trial"]
    for trial in trials:
        if trial.row.plugin == "deep":
            del trial.metrics["activation_sparsity"]
            trial.absent["activation_sparsity"] = "no recorded layer has outputs"
    timings = [r for r in new.records if r.kind == "network-timing" and r.row.plugin == "deep"]
    records = [*trials, *timings]
    new = RunData("new", summarise(records), records, new.sessions, new.answers, new.times_of)
    comparison = compare_runs(old, new)
    timed = ["latency_ms", "inference_throughput", "train_throughput", "peak_memory_bytes"]
    assert comparison.missing == [
        Missing("deep", ["activation_sparsity"], "no recorded layer has outputs"),
        Missing("wide", timed, "only in the old run"),
    ]
    assert comparison.notes[-2:] == [
        "Not compared of deep: Sparsity (no recorded layer has outputs).",
        "Not compared of wide: Latency, Inference / s, Training / s, Peak memory (only in the old run).",
    ]
    assert [each.row for each in compare_runs(old, new, "none").missing] == ["deep"]
    assert not compare_runs(new, old).missing


def test_rows_of_one_run_are_named(data):
    comparison = compare_runs(data("old", ("a", "b")), data("new", ("b", "c")))
    assert (comparison.only_old, comparison.only_new) == (["a"], ["c"])
    assert {each.row for each in comparison.changes} == {"b"}


def test_rows_of_other_parameters_are_told_apart_and_how_to_compare_them(make_record):
    def run(name, epochs):
        records = [make_record(seed=seed, params={"epochs": epochs}) for seed in (0, 1)]
        return RunData(name, summarise(records, ()), records, ())

    comparison = compare_runs(run("old", 4), run("new", 10))
    (old,), (new,) = comparison.only_old, comparison.only_new
    assert old.endswith("epochs=4")
    assert new.endswith("epochs=10")
    (note,) = comparison.notes
    assert "--set" in note


def test_the_frame_has_a_line_for_each_metric_of_each_row(data):
    comparison = compare_runs(data("old", ("a",)), data("new", ("a",)))
    frame = comparison.frame
    assert len(frame) == len(comparison.changes)
    assert {"row", "metric", "old", "new", "difference", "low", "high", "verdict"} <= {*frame}


def test_samples_that_are_gone_leave_the_other_metrics(data, tmp_path):
    old, new = data("old"), data("new")
    for file in (tmp_path / "old/samples").iterdir():
        file.write_text("no JSON")
    comparison = compare_runs(old, new)
    metrics = {each.metric for each in comparison.changes}
    assert "test_accuracy" in metrics
    assert "latency_ms" not in metrics
    assert comparison.notes == [
        "Some raw times were not kept or cannot be read: these times are not compared."
    ]


def test_only_the_metrics_that_are_named(data):
    found = compare_runs(data("old"), data("new"), metrics=["activation_sparsity"])
    assert {each.metric for each in found.changes} == {"activation_sparsity"}


def test_rows_of_one_plugin_are_told_apart_by_their_parameters(data):
    rows = [small_row("a", params={"n": n}, swept={"n": n}) for n in (1, 2)]
    comparison = compare_runs(data("old", rows), data("new", list(reversed(rows))))
    assert {each.row for each in comparison.changes} == {"a n=1", "a n=2"}


def test_a_refuted_row_is_lost_and_never_better(data):
    old, new = data("old", accuracy={"deep": 0.5}, timing=False), data("new", timing=False)
    rows = [
        dataclasses.replace(row, refuted="9 answers differ") if row.label == "deep" else row
        for row in new.rows
    ]
    comparison = compare_runs(old, dataclasses.replace(new, rows=rows))
    assert ("deep", "test_accuracy") not in verdicts(comparison)
    assert [(lost.row, lost.reason) for lost in comparison.lost] == [
        ("deep", "refuted: 9 answers differ")
    ]
    assert "deep is refuted: nothing of it is compared." in comparison.notes


def test_the_rows_of_two_tasks_are_compared_each_on_its_own(tmp_path):
    changed = {"one": {"accuracy": {"deep": 0.8}}, "two": {"slower": {"wide": 1.15}}}
    folders = write_tasks(tmp_path / "old"), write_tasks(tmp_path / "new", draw=1, of=changed)
    comparison = compare_runs(*(run_data(load(folder.path)) for folder in folders))
    slower = ("latency_ms", "inference_throughput", "train_throughput")
    assert verdicts(comparison) == {
        ("deep task=one", "test_accuracy"): "worse",
        **{("wide task=two", name): "worse" for name in slower},
    }
    accuracies = [each for each in comparison.changes if each.metric == "test_accuracy"]
    assert {each.kind for each in accuracies} == {"paired, 3 seeds x 2 000 samples"}
    assert len(accuracies) == 4
    assert not comparison.notes


def test_a_run_of_one_task_is_compared_with_that_task_of_two(tmp_path):
    """Rows are named with their task, and data that are the same in both do not differ."""
    one = small_session(config={"task": "one"}, data={"digest": "one", "splits": {"test": 2000}})
    old = write_run(tmp_path / "old", ("deep", "wide"), session=one, task="one", labels=0)
    comparison = compare_runs(
        *(run_data(load(folder.path)) for folder in (old, write_tasks(tmp_path / "new")))
    )
    assert {each.row for each in comparison.changes} == {"deep task=one", "wide task=one"}
    assert comparison.only_new == ["deep task=two", "wide task=two"]
    assert comparison.versions == [("tasks", "one", "one, two")]
    assert not (comparison.only_old or comparison.notes)
