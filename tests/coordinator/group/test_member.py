from __future__ import annotations

from pathlib import Path

import pytest

from harness.coordinator.group.member import Member
from harness.protocol.events import Failed, Measured, Opened, Prepared, Samples
from tests.fixtures.groups import subject


@pytest.fixture
def member():
    return Member(subject("a"), [Path("a.timing-1.log"), Path("a.timing-2.log")])


def test_a_member_keeps_the_smaller_batch_the_first_call_and_the_facts(member):
    member.take(0, Opened(first_call_ms=3.0, batches={"x": 500, "y": 1}, facts={"one": 1}))
    member.take(1, Opened(first_call_ms=9.0, batches={"x": 250}, facts={"two": 2}))
    assert (member.batches, member.first.first_call_ms) == ({"x": 250, "y": 1}, 3.0)
    assert member.facts == {"one": 1, "two": 2}


def test_a_member_whose_process_fails_names_that_log(member):
    member.take(0, Opened(first_call_ms=1.0, batches={}))
    assert member.log == "logs/a.timing-1.log"
    member.take(1, Failed(status="oom", reason="too large"))
    assert (member.failed.status, member.log) == ("oom", "logs/a.timing-2.log")


def test_a_worker_that_answers_something_else_has_crashed(member):
    member.take(0, Prepared(path="x", facts={}))
    assert (member.failed.status, member.failed.reason) == (
        "crashed", "the worker answered 'prepared'",
    )  # fmt: skip


def test_what_the_processes_measured_is_kept_together(member):
    member.take(0, Measured(metrics={"m": 5.0}, absent={"energy_measured_j": "no"}))
    member.take(1, Measured(metrics={}, facts={"f": 1.0}))
    assert (member.metrics, member.absent) == ({"m": 5.0}, {"energy_measured_j": "no"})
    assert member.facts == {"f": 1.0}


def test_a_call_with_several_parts_is_a_series_of_each(member):
    member.take(0, Samples(batch=4, series={"forward": [1.0, 2.0], "backward": [3.0, 4.0]}))
    member.take(1, Samples(batch=4, series={"forward": [1.5], "backward": [2.5]}))
    assert member.times == {"forward": [[1.0, 2.0], [1.5]], "backward": [[3.0, 4.0], [2.5]]}
    assert member.batches == {"forward": 4, "backward": 4}
