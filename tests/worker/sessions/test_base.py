"""What every session does alike, on a subject whose time the test makes up."""

from __future__ import annotations

import gc

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.protocol.events import Measured, Opened
from harness.protocol.requests import TakeEnergy, TakeRound, TakeValidity, WarmUp
from harness.worker.sessions import base
from harness.worker.sessions.base import Session


class Subject(Session):
    """Writes down what is done with it; its calls take the next of `times`, the last for ever."""

    def __init__(self, clock, times=(0.01,)):
        super().__init__()
        self.clock, self.times = clock, list(times)
        self.done, self.size = [], 8

    def opened(self):
        return Opened(first_call_ms=1.0, batches={"work": self.size})

    def renew(self):
        self.done.append("renew")

    def call(self, what):
        assert what == "work"
        self.done.append("call")
        seconds = self.times.pop(0) if len(self.times) > 1 else self.times[0]
        self.clock.now += seconds
        return {"half": seconds / 2, "whole": seconds}

    def batch(self, what):
        return self.size

    def use_batch(self, what, batch):
        self.size = batch

    def start_round(self):
        assert gc.isenabled()
        self.done.append("start")

    def finish_round(self):
        assert gc.isenabled()
        self.done.append("finish")


@pytest.fixture
def subject(monkeypatch):
    """A subject in a world where nothing but its calls takes time."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(base, "perf_counter", lambda: Clock.now)
    return lambda *times: Subject(Clock, times or (0.01,))


def a_round(**changes):
    return TakeRound(**{"what": "work", "seconds": 0.0, "calls": 3} | changes)


def warm_up_calls(subject):
    """How often it was called before its round was timed."""
    return subject.done[: subject.done.index("start")].count("call")


def test_a_round_takes_the_calls_or_the_time_whichever_is_more(subject):
    assert subject().take(a_round(calls=4)).series == {"half": [0.005] * 4, "whole": [0.01] * 4}
    long = subject(0.125).take(a_round(seconds=0.5, calls=1))  # a sum that is exact
    assert long.series == {"half": [0.0625] * 4, "whole": [0.125] * 4}
    assert long.batch == 8


def test_a_round_tells_how_many_cores_it_used(subject, monkeypatch):
    found = subject(0.25)
    monkeypatch.setattr(base, "cpu_seconds", lambda: 2 * found.clock.now)
    assert found.take(a_round(calls=4)).cores == 2


def test_a_round_is_warmed_up_then_started_then_timed_then_finished(subject):
    found = subject()
    found.take(a_round())
    assert found.done == ["call"] * 6 + ["start"] + ["call"] * 3 + ["finish"]


def test_only_a_fresh_round_builds_the_subject_anew_and_before_all_else(subject):
    found = subject()
    found.take(a_round())
    assert "renew" not in found.done
    found.done.clear()
    found.take(a_round(fresh=True))
    assert found.done[0] == "renew"
    assert found.done.count("renew") == 1


def test_nothing_is_collected_while_calls_are_timed(subject):
    found, enabled = subject(), []
    call = found.call

    def watched(what):
        enabled.append(gc.isenabled())
        return call(what)

    found.call = watched
    found.take(a_round(calls=3))
    assert enabled == [True] * 6 + [False] * 3
    assert gc.isenabled()


def test_the_first_warm_up_lasts_until_the_time_of_a_call_no_longer_changes(subject):
    slow_start = [0.003] * 3 + [0.002] * 3 + [0.001] * 6
    found = subject(*slow_start, 0.001)
    found.take(a_round())
    assert warm_up_calls(found) == 12


def test_after_a_warm_up_that_was_asked_for_a_round_needs_no_long_one(subject):
    found = subject(0.01)
    assert found.warm(WarmUp(whats=["work"], batches={"work": 5})) == Measured(metrics={})
    assert (found.done, found.size) == (["call"] * 6, 5)
    found.done.clear()
    found.take(a_round())
    assert warm_up_calls(found) == 0  # of the calls that follow, the first warms


def test_a_warm_up_that_never_settles_ends_after_a_twentieth_of_a_second(subject):
    found = subject()
    found.times = [seconds for pace in range(1000) for seconds in [0.002 + pace % 2 / 1000] * 3]
    found.take(a_round())
    assert warm_up_calls(found) == 21  # 6 ms and 9 ms in turns


@pytest.mark.parametrize(
    ("seconds", "timed", "calls"), [(0.002, 1, 2), (0.002, 3, 2), (0.03, 2, 1), (0.03, 3, 0)]
)
def test_later_rounds_are_warmed_up_by_two_calls_or_one_long_one_or_the_first_of_several(
    subject, seconds, timed, calls
):
    found = subject(seconds)
    found.take(a_round(calls=timed))
    for fresh in (False, True):
        found.done.clear()
        found.take(a_round(calls=timed, fresh=fresh))
        assert warm_up_calls(found) == calls


def test_one_call_of_more_than_half_a_second_is_warm_up_enough_and_later_rounds_need_none(subject):
    found = subject(0.6)
    found.take(a_round(calls=1))
    assert found.done == ["call", "start", "call", "finish"]
    found.done.clear()
    found.take(a_round(calls=1))
    assert found.done == ["start", "call", "finish"]


def test_a_batch_that_is_asked_for_stays(subject):
    found = subject()
    assert found.take(a_round()).batch == 8
    assert found.take(a_round(batch=3)).batch == 3
    assert found.take(a_round()).batch == 3


def test_a_session_without_passes_of_its_own_says_so():
    class Plain(Session):
        opened = renew = call = None

    plain = Plain()
    with pytest.raises(InvalidOutput, match="no memory pass"):
        plain.memory()
    with pytest.raises(InvalidOutput, match="no energy pass"):
        plain.energy(TakeEnergy(seconds=1))
    assert plain.validity(TakeValidity()) == Measured(metrics={})
    assert plain.batch("work") == 1
    assert plain.use_batch("work", 5) is None
