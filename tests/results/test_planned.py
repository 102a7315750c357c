from __future__ import annotations

import itertools

from harness.results.planned import in_planned_order
from harness.results.session import Session


def session(*planned, seeds=(0,)):
    """One whose plan has the rows of the records `planned`."""
    rows = tuple(dict.fromkeys(record.row.key for record in planned))
    return Session(rows=rows, config={"seeds": list(seeds)})


def test_rows_and_seeds_have_the_order_of_the_plan(make_record):
    rows = [("b", "quick"), ("a", "source-2"), ("a", "source-1")]
    planned = [
        make_record(plugin=name, preset=preset, seed=seed)
        for name, preset in rows
        for seed in (2, 0)
    ]
    for ended in itertools.permutations(planned):
        assert in_planned_order(ended, [session(*planned, seeds=(2, 0))]) == planned


def test_tasks_come_first(make_record):
    planned = [make_record(task=task, plugin=name) for task in ("z", "y") for name in ("b", "a")]
    unplanned = make_record(task="z", plugin="c")
    for ended in itertools.permutations([*planned, unplanned]):
        found = in_planned_order(ended, [session(*planned)])
        assert found == [*planned[:2], unplanned, *planned[2:]]


def test_what_no_plan_has_keeps_its_order_at_the_end(make_record):
    others = [make_record(plugin=name) for name in ("z", "y", "x")]
    known = [make_record(plugin=name) for name in ("b", "a")]
    ended = [others[0], known[1], *others[1:], known[0]]
    assert in_planned_order(ended, [session(*known)]) == [*known, *others]
    assert in_planned_order(ended, []) == ended
    assert in_planned_order(ended, [Session(config={"seeds": 3})]) == ended


def test_the_latest_plan_that_has_a_row_places_it(make_record):
    planned = [make_record(plugin=name) for name in ("c", "d", "a", "b")]
    c, d, a, b = planned
    sessions = [session(d, a, b), session(c, d)]
    assert in_planned_order(sorted(planned, key=lambda r: r.row.plugin), sessions) == planned


def test_a_measurement_stands_with_its_row_and_what_is_of_no_row_last(make_record):
    row = {"plugin": "a"}
    trials = [make_record(**row), make_record(**row, seed=1)]
    timing = make_record("network-timing", **row)
    other = make_record(plugin="b")
    found = in_planned_order([*trials, timing, other], [session(other, trials[0], seeds=(0, 1))])
    assert found == [other, trials[0], timing, trials[1]]
