from __future__ import annotations

import pytest

from harness.coordinator.baseline import rebased, rows_named
from harness.coordinator.run import load
from harness.errors import UsageError
from harness.results.record import NetworkTiming
from harness.results.store import RunFolder
from tests.fixtures.small_runs import write_tasks


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
    with pytest.raises(UsageError, match="unknown row for --baseline 'slwo': did you mean 'slow'"):
        rows_named("slwo", records)


def test_timings_are_compared_with_another_baseline_from_the_raw_times(run):
    folder, records = run
    slow = records[1].row.key
    found = {r.row.plugin: r for r in rebased(folder, records, slow) if r.kind == "network-timing"}
    assert found["slow"].series["latency"].versus is None
    versus = found["fast"].series["latency"].versus
    assert versus.ratio == pytest.approx(0.1)
    assert versus.verdict == "faster"
    assert {record.baseline for record in found.values()} == {slow}


def test_a_group_without_the_baseline_stays_as_it_was(run):
    folder, records = run
    assert rebased(folder, records, "another") == records


def test_of_several_tasks_each_has_a_group_and_a_baseline_of_its_own(tmp_path):
    run = load(write_tasks(tmp_path / "run", slower={"wide": 3.0}).path)
    keys = rows_named("wide", run.records)
    assert [key.rpartition("-")[0] for key in keys] == ["wide", "wide"]
    records = list(run.records)
    for key in keys:
        records = rebased(RunFolder(run.path), records, key)
    timed = [record for record in records if record.kind == "network-timing"]
    assert {(r.row.task, r.baseline) for r in timed} == {
        (r.row.task, r.row.key) for r in timed if r.row.plugin == "wide"
    }
    assert {r.series["latency"].versus.verdict for r in timed if r.row.plugin == "deep"} == {
        "faster"
    }
