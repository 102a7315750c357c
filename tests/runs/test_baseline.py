from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.report.trust import how_far
from harness.results.record import NetworkTiming, Outliers, Series, Variant, Versus
from harness.results.store import RunFolder
from harness.runs.baseline import rebased, rows_named, without_refuted
from harness.runs.run import load
from tests.fixtures.small_runs import small_session, write_run, write_tasks
from tests.report.synthetic_run import layer


@pytest.fixture
def run(tmp_path, make_record):
    """A run of two measured rows, `slow` ten times as slow as `fast`, which was the baseline."""
    folder = RunFolder.create(tmp_path / "run", "networks")
    trials = {name: make_record(plugin=name) for name in ("fast", "slow")}
    timings = []
    for name, trial in trials.items():
        calls = 0.001 if name == "fast" else 0.01
        rounds = [[calls * (1 + (3 * number % 7) / 1000)] * 3 for number in range(12)]
        folder.write_samples(trial.key, {"batches": {"latency": 1}, "seconds": {"latency": rounds}})
        timings.append(
            NetworkTiming(
                row=trial.row, seed=trial.seed, status="ok", baseline=trials["fast"].row.key
            )
        )
    return folder, [*trials.values(), *timings]


def test_a_row_is_named_as_on_the_command_line(run):
    _, records = run
    assert rows_named("slow", records) == [records[1].row.key]
    with pytest.raises(UsageError, match="unknown row 'slwo' for --baseline: did you mean 'slow'"):
        rows_named("slwo", records)
    with pytest.raises(UsageError, match="unknown row ' ' for --baseline: known: fast, slow"):
        rows_named(" ", records)


def test_a_name_of_two_rows_is_refused_with_both(make_record):
    records = [make_record(plugin="ada", swept={"hidden": hidden}) for hidden in (32, 64)]
    with pytest.raises(UsageError, match="2 rows, give one: 'ada hidden=32', 'ada hidden=64'"):
        rows_named("ada", records)
    assert rows_named("ada hidden=64", records) == [records[1].row.key]


def test_accuracies_are_compared_with_the_baseline_of_the_run(tmp_path):
    """Without timings, which hold it, it stands in run.json alone."""
    session = small_session(config={"baseline": "wide"})
    path = write_run(tmp_path / "run", timing=False, session=session).path
    for options, against in (({}, "wide"), ({"baseline": "slow"}, "slow")):
        load(path).report(figures=False, **options)
        assert f"Against {against} |" in (path / "report.md").read_text()


def test_timings_are_compared_with_another_baseline_from_the_raw_times(run):
    folder, records = run
    slow = records[1].row.key
    found = {
        r.row.plugin: r for r in rebased(folder, records, [slow]) if r.kind == "network-timing"
    }
    assert found["slow"].series["latency"].versus is None
    versus = found["fast"].series["latency"].versus
    assert versus.ratio == pytest.approx(0.1)
    assert versus.verdict == "faster"
    assert {record.baseline for record in found.values()} == {slow}


def test_a_group_without_the_baseline_is_compared_anew_with_its_own(run):
    folder, records = run
    found = {r.row.plugin: r for r in timings(rebased(folder, records, ["another"]))}
    assert found["slow"].series["latency"].versus.ratio == pytest.approx(10)
    assert found["slow"].baseline == records[0].row.key


def test_verdicts_are_of_this_version_whatever_was_recorded(group):
    """Those of a variant too, if its raw times are kept; here they are not."""
    folder, records = group("a", "b", baseline="a")
    assert ratios(records) == {"a": (None, 0.5), "b": (0.5, 0.5)}
    assert ratios(rebased(folder, records)) == {"a": (None, 0.5), "b": (2.0, 0.5)}
    for record in timings(records):
        told = {"batches": {"latency": 1}, "seconds": {"latency": [[3.0]] * 12}}
        folder.write_samples(f"{record.key}-compile", told)
    assert ratios(rebased(folder, records)) == {"a": (None, 3.0), "b": (2.0, 1.5)}


def test_without_the_raw_times_the_recorded_comparison_stays_and_it_says_so(group):
    folder, records = group("a", "b", baseline="a", samples=False)
    found = rebased(folder, records)
    assert ratios(found) == ratios(records)
    assert all("cannot be read" in r.facts["recorded"] for r in timings(found))
    told = dict(how_far(found, [], {r.row.key: r.row.plugin for r in records}))
    assert "the version that measured" in told["Comparison"]


def test_layers_are_compared_anew_by_size(tmp_path):
    folder = RunFolder.create(tmp_path / "run", "layers")
    layers = [layer(plugin, neurons) for neurons in (512, 2048) for plugin in ("native", "norse")]
    for record in layers:
        seconds = [[0.01 if record.row.plugin == "native" else 0.03]] * 12
        told = {"batches": {"total": 16}, "seconds": {"total": seconds}}
        folder.write_samples(record.key, told)
    found = rebased(folder, layers)
    told = [each and round(each.ratio, 3) for r in found for each in [r.series["total"].versus]]
    assert told == [None, 3.0, None, 3.0]


def test_a_baseline_that_was_chosen_for_a_report_is_told(run):
    folder, records = run
    found = rebased(folder, records, [records[1].row.key])
    assert remarks(found) == {"slow, chosen for this report; that of the run: fast"}


def test_of_several_tasks_each_has_a_group_and_a_baseline_of_its_own(tmp_path):
    run = load(write_tasks(tmp_path / "run", slower={"wide": 3.0}).path)
    keys = rows_named("wide", run.records)
    assert [key.rpartition("-")[0] for key in keys] == ["wide", "wide"]
    records = list(run.records)
    records = rebased(RunFolder(run.path), records, keys)
    timed = [record for record in records if record.kind == "network-timing"]
    assert {(r.row.task, r.baseline) for r in timed} == {
        (r.row.task, r.row.key) for r in timed if r.row.plugin == "wide"
    }
    assert {r.series["latency"].versus.verdict for r in timed if r.row.plugin == "deep"} == {
        "faster"
    }


# --- a baseline that is refuted -------------------------------------------------------------------

FAST = Versus(ratio=0.5, low=0.4, high=0.6, p=0.001, verdict="faster")
SERIES = Series(batch=1, rounds=12, outliers=Outliers(count=0, calls=9, slowest=1), versus=FAST)
OTHERWISE = {"reload": "it answers otherwise on 9 of 10 samples"}


@pytest.fixture
def group(tmp_path, make_record):
    """A run of rows whose times are all compared with those of `baseline`; `refuted` ones are refuted."""

    def make(*names, baseline, refuted=(), samples=True):
        folder = RunFolder.create(tmp_path / "run", "networks")
        trials = {n: make_record(plugin=n, facts=OTHERWISE if n in refuted else {}) for n in names}
        timings = []
        for number, (name, trial) in enumerate(trials.items(), start=1):
            rounds = [[number * (1 + (3 * n % 7) / 1000)] * 3 for n in range(12)]
            if samples:
                told = {"batches": {"latency": 1}, "seconds": {"latency": rounds}}
                folder.write_samples(trial.key, told)
            own = SERIES.model_copy(update={"versus": None if name == baseline else FAST})
            timings.append(
                NetworkTiming(
                    row=trial.row,
                    seed=0,
                    status="ok",
                    baseline=trials[baseline].row.key,
                    series={"latency": own},
                    variants={"compile": Variant(status="ok", series={"latency": SERIES})},
                )
            )
        return folder, [*trials.values(), *timings]

    return make


def ratios(records):
    """By plugin: the ratio of its latency, and that of its variant."""
    return {
        r.row.plugin: tuple(
            each.series["latency"].versus and round(each.series["latency"].versus.ratio, 3)
            for each in (r, r.variants["compile"])
        )
        for r in records
        if r.kind == "network-timing" and r.status == "ok"
    }


def timings(records):
    return [record for record in records if record.kind == "network-timing"]


def remarks(records):
    return {record.facts.get("baseline") for record in timings(records)}


def test_without_a_refuted_row_everything_stays(group):
    folder, records = group("a", "b", baseline="a")
    assert without_refuted(folder, records) == records


def test_times_are_not_compared_with_a_refuted_row_but_with_the_next(group):
    folder, records = group("a", "b", "c", baseline="a", refuted=("a",))
    found = without_refuted(folder, records)
    assert ratios(found) == {"a": (None, None), "b": (None, 0.5), "c": (1.5, 0.5)}
    assert remarks(found) == {"a, the baseline, is refuted: times are compared with b"}
    assert {record.baseline for record in timings(found)} == {records[1].row.key}


def test_without_the_raw_times_nothing_is_compared_and_it_says_why(group):
    folder, records = group("a", "b", "c", baseline="a", refuted=("a",), samples=False)
    found = without_refuted(folder, records)
    assert ratios(found) == {"a": (None, None), "b": (None, 0.5), "c": (None, 0.5)}
    (remark,) = remarks(found)
    told = (
        "a, the baseline, is refuted: times are compared with no row, since the raw times cannot be"
    )
    assert remark.startswith(told)
    assert {record.baseline for record in timings(found)} == {""}


def test_where_all_are_refuted_nothing_is_compared(group):
    folder, records = group("a", "b", baseline="a", refuted=("a", "b"))
    found = without_refuted(folder, records)
    assert ratios(found) == {"a": (None, None), "b": (None, None)}
    assert remarks(found) == {"a, the baseline, is refuted: times are compared with no row"}


def test_a_refuted_row_is_compared_with_nothing_and_the_others_stay(group):
    folder, records = group("a", "b", "c", baseline="a", refuted=("b",))
    found = without_refuted(folder, records)
    assert ratios(found) == {"a": (None, 0.5), "b": (None, None), "c": (0.5, 0.5)}
    assert remarks(found) == {None}


def test_a_baseline_whose_own_timed_calls_failed_is_none(group):
    """Its measurement has no times; those of the others were compared with earlier ones of it."""
    folder, records = group("a", "b", "c", baseline="a")
    failed = {"status": "invalid", "reason": "it is remembered", "series": {}}
    records[3] = records[3].model_copy(update=failed)
    assert ratios(without_refuted(folder, records)) == {"b": (None, 0.5), "c": (1.5, 0.5)}


def test_a_refuted_row_cannot_be_asked_for(group):
    folder, records = group("a", "b", "c", baseline="a", refuted=("c",))
    with pytest.raises(
        UsageError, match=r"--baseline c: the row is refuted \(it answers otherwise"
    ):
        rows_named("c", records)
    assert ratios(rebased(folder, records, [records[1].row.key])) == {
        "a": (0.5, 0.5), "b": (None, 0.5), "c": (None, 0.5),
    }  # fmt: skip
