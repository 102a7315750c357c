from __future__ import annotations

from harness.coordinator.plan import Planned
from harness.coordinator.queue import Queue
from harness.subjects import Trial


def test_within_a_seed_the_rows_that_took_longest_begin_first(make_record, make_row):
    rows = {name: make_row(plugin=name) for name in "abc"}
    planned = [
        Planned(Trial(row=row, seed=seed), plugin=None) for seed in (0, 1) for row in rows.values()
    ]
    queue = Queue(planned)
    first = [queue.next().trial for _ in range(3)]
    assert [(trial.row.plugin, trial.seed) for trial in first] == [("a", 0), ("b", 0), ("c", 0)]
    for name, seconds in {"a": 1.0, "b": 3.0, "c": 2.0}.items():
        queue.took(make_record(row=rows[name], seconds=seconds))
    second = [queue.next().trial for _ in range(3)]
    assert [(trial.row.plugin, trial.seed) for trial in second] == [("b", 1), ("c", 1), ("a", 1)]


def test_a_time_that_becomes_known_late_still_counts(make_record, make_row):
    rows = {name: make_row(plugin=name) for name in "abc"}
    planned = [
        Planned(Trial(row=row, seed=seed), plugin=None) for seed in (0, 1) for row in rows.values()
    ]
    queue = Queue(planned)
    taken = [queue.next() for _ in range(4)]
    queue.took(make_record(row=rows["c"], seconds=2.0))
    queue.took(make_record(row=rows["c"], seconds=1.0))
    taken += [queue.next(), queue.next()]
    assert [plan.trial.row.plugin for plan in taken] == ["a", "b", "c", "a", "c", "b"]
