from __future__ import annotations

import pytest

from harness.coordinator.baseline import rebased, row_named
from harness.errors import UsageError
from harness.results.record import NetworkTiming
from harness.results.store import RunFolder


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
    assert row_named("slow", records) == records[1].row.key
    with pytest.raises(UsageError, match="unknown row for --baseline 'slwo': did you mean 'slow'"):
        row_named("slwo", records)


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
