from __future__ import annotations

import math

import pytest

from harness.results.machines import commit, same_machine, versions
from harness.results.record import NetworkTiming, PeaksRecord
from tests.fixtures.small_runs import MACHINE, small_row, small_session

TIMING = NetworkTiming(row=small_row("a"), seed=0, status="ok")


def side(peak=1e11, session=None, **fields):
    fields = {"status": "ok", "device": "cpu", "threads": 1} | fields
    return session or small_session(), [PeaksRecord(metrics={"peak_flops": peak}, **fields)]


def test_one_machine_in_one_state():
    found = same_machine(side(1e11), side(1.03e11), TIMING)
    assert found.reason == ""
    assert found.drift == pytest.approx(math.log(1.03))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (side(0.8e11), "in another state (it did 0.80 times"),
        (side(session=small_session(environment={**MACHINE, "cores": 4})), "cores: 2, now 4"),
        (side(session=small_session(environment={})), "cpu: made up, now None"),
        (side(session=small_session(load_average=9.0)), "running (load 9.0 on 2 cores)"),
        (side(threads=2), "without a record"),
        (side(status="failed"), "without a record"),
        ((small_session(), []), "without a record"),
    ],
)
def test_others_are_told_apart(other, reason):
    assert reason in same_machine(side(), other, TIMING).reason


def test_the_load_that_a_run_just_before_leaves_is_accepted():
    assert not same_machine(side(), side(session=small_session(load_average=2.1)), TIMING).reason


def test_what_else_differs_is_listed():
    old = small_session(plugins={"a": {"version": "1", "digest": "x" * 64}})
    new = small_session(
        plugins={"a": {"version": "2", "digest": "x" * 64}},
        environment={**MACHINE, "commit": "b" * 40, "dirty": True, "packages": {"torch": "3"}},
    )
    assert versions([old], [old]) == []
    assert versions([old], [new]) == [
        ("commit", "a" * 10, "b" * 10 + "+"),
        ("plugin a", "1 xxxxxxxx", "2 xxxxxxxx"),
        ("package torch", "none", "3"),
    ]


def test_a_commit_that_is_not_known_is_empty():
    assert commit(small_session(environment={})) == ""


def test_data_are_compared_by_their_task():
    one, two = {"digest": "x", "splits": {"test": 2, "train": 3}}, {"digest": "y"}
    alone, both = small_session(data=one), small_session(data={"b": two, "a": one})
    assert versions([alone], [both], ["a"], ["b", "a"]) == [("tasks", "a", "a, b")]
    other = small_session(data={"b": two, "a": {**one, "splits": {"test": 5}}})
    assert versions([alone], [other], ["a"], ["a", "b"]) == [
        ("a data, splits", "test 2, train 3", "test 5"),
        ("tasks", "a", "a, b"),
    ]
