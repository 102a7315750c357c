"""Rounds beside the coordinator's clock, which the test makes up."""

from __future__ import annotations

import random

import pytest

from harness.coordinator.group import wall
from harness.coordinator.group.wall import RoundClock, WallTime
from harness.protocol.events import TIMED, TIMING, Progress, Samples


@pytest.fixture
def a_round(monkeypatch):
    """Samples, and the RoundClock of a round in which their calls took `calls` seconds by our clock."""

    def make(seconds, calls, before=0.3, aside=0.0, stages=True, n=10):
        times = iter([0.0, before, before + calls] if stages else [0.0])
        monkeypatch.setattr(wall, "perf_counter", lambda: next(times, before + calls))
        clock = RoundClock()
        if stages:
            clock.progress(Progress(stage=TIMING))
            clock.progress(Progress(stage=TIMED))
        clock.stop()
        return Samples(batch=1, series={"latency": [seconds / n] * n}, aside=aside), clock

    return make


def reasons(a_round, rounds, **options):
    kept = WallTime()
    return [kept.add("latency", *a_round(**options)) for _ in range(rounds)]


def test_calls_that_took_longer_than_their_round_are_told_at_once(a_round):
    (reason,) = reasons(a_round, 1, seconds=2.0, calls=0.5)
    assert reason == (
        "the calls of a round (latency) are said to have taken 2 s, and the whole round took 0.8 s"
    )
    assert reasons(a_round, 1, seconds=0.5, calls=0.5) == [""]


def test_parts_of_a_call_are_not_added_to_the_whole(a_round):
    samples, clock = a_round(1.0, calls=1.0)
    parts = {"forward": [0.5], "backward": [0.5], "total": [1.0]}
    assert WallTime().add("layer", samples.model_copy(update={"series": parts}), clock) == ""


def test_a_clock_that_runs_slowly_is_told_after_some_rounds(a_round):
    """Calls that took 0.2 s are said to have taken a tenth of it."""
    told = reasons(a_round, 12, seconds=0.02, calls=0.2)
    assert told[:5] == [""] * 5
    assert told[-1] == (
        "the calls of 12 of 12 rounds (latency) account for 10% of the time that the rounds took by "
        "the coordinator's clock"
    )


def test_what_the_host_does_between_calls_is_accounted_for(a_round):
    assert set(reasons(a_round, 50, seconds=0.02, calls=0.2, aside=0.17)) == {""}


def test_an_honest_round_that_others_disturb_now_and_then_is_not_accused(a_round):
    """One round in twenty is delayed by far more than it took, in each of 200 runs of 36 rounds."""
    draws = random.Random(0)
    for _ in range(200):
        kept = WallTime()
        for _ in range(36):
            delay = draws.uniform(0.1, 1) if draws.random() < 0.05 else draws.uniform(0, 0.01)
            assert kept.add("latency", *a_round(seconds=0.02, calls=0.025 + delay)) == ""


def test_a_worker_that_tells_of_no_stages_is_held_against_the_whole_round_only(a_round):
    kept = WallTime()
    for _ in range(20):
        assert kept.add("latency", *a_round(seconds=0.01, calls=0.1, stages=False)) == ""
    assert kept.shares() == {}
    kept.add("latency", *a_round(seconds=0.05, calls=0.1))
    assert kept.shares() == {"latency": pytest.approx(0.5)}
