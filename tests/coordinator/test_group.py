"""The timing group's plan and what it keeps; the group as a whole is run in tests/end_to_end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.subjects import PluginLocation
from harness.protocol import Failed, Measured, Opened, Samples, TakeRound, TakeValidity, Trial
from harness.coordinator.config import RunConfig
from harness.coordinator.group import WHATS, Member, _baseline, _steps, _versus


class Idle:
    def ask(self, request, timeout):
        raise AssertionError("nothing is asked here")


@pytest.fixture
def member():
    def make(label="a"):
        source = PluginLocation(name=label.split()[0], module="x")
        trial = Trial(
            plugin=source, label=label, task="digits", preset="quick", seed=0, device="cpu"
        )
        logs = [Path(f"{label}.timing-1.log"), Path(f"{label}.timing-2.log")]
        return Member(trial, [Idle(), Idle()], logs)

    return make


def opened(**fields):
    return Opened(**{"first_call_ms": 1.0, "train_batch": 32, "inference_batch": 360, **fields})


def test_the_two_processes_of_a_row_take_its_rounds_in_turns(member):
    members = [member("a"), member("b"), member("c")]
    steps = _steps(members, RunConfig(plugins=("all",), rounds=6))
    rounds = [(m, process, r.what) for m, process, r, _ in steps if isinstance(r, TakeRound)]
    for number in range(6 * len(WHATS)):
        taken = rounds[3 * number : 3 * number + 3]
        assert {id(m) for m, _, _ in taken} == set(map(id, members))  # every row once
        assert {process for _, process, _ in taken} == {number // len(WHATS) % 2}
        assert {what for *_, what in taken} == {WHATS[number % len(WHATS)]}
    counts = Counter((id(m), process) for m, process, _ in rounds)
    assert set(counts.values()) == {3 * len(WHATS)}


def test_the_network_is_checked_once_and_the_answers_of_both_processes(member):
    steps = _steps([member()], RunConfig(plugins=("all",), rounds=2))
    checks = [
        (process, r.answers_only) for _, process, r, _ in steps if isinstance(r, TakeValidity)
    ]
    assert checks == [(0, False), (1, True)]
    steps = _steps([member()], RunConfig(plugins=("all",), rounds=1))
    assert sum(isinstance(request, TakeValidity) for _, _, request, _ in steps) == 1


def test_both_processes_take_the_batch_that_fits_either(member):
    row = member()
    row.take(0, opened(inference_batch=500, first_call_ms=3.0))
    row.take(1, opened(inference_batch=250, first_call_ms=9.0))
    assert (row.inference_batch, row.first_call_ms) == (250, 3.0)


def test_a_process_that_fails_fails_its_row_and_its_log_is_named(member):
    row = member()
    row.take(0, opened())
    assert row.log == "logs/a.timing-1.log"
    row.take(1, Failed(status="oom", reason="too large"))
    assert (row.failed.status, row.log) == ("oom", "logs/a.timing-2.log")


def test_a_worker_that_answers_something_else_has_crashed(member):
    from harness.protocol import Prepared

    row = member()
    row.take(0, Prepared(path="x", facts={}))
    assert (row.failed.status, row.failed.reason) == ("crashed", "the worker answered 'prepared'")


def test_the_baseline_is_the_row_asked_for_or_the_first(member):
    members = [member("a"), member("b x=1"), member("b x=2")]

    def baseline(asked):
        return _baseline(members, RunConfig(plugins=("all",), baseline=asked)).trial.label

    assert [baseline(asked) for asked in ("", "b", "b x=2", "unknown")] == [
        "a",
        "b x=1",
        "b x=2",
        "a",
    ]


def test_a_baseline_that_failed_is_replaced_unless_it_was_asked_for(member):
    members = [member("a"), member("b")]
    members[0].take(0, Failed(status="oom", reason="too large"))
    assert _baseline(members, RunConfig(plugins=("all",))).trial.label == "b"
    assert _baseline(members, RunConfig(plugins=("all",), baseline="a")) is None
    assert _baseline(members[:1], RunConfig(plugins=("all",))) is None


def timed(row, seconds):
    for number in range(12):
        for what in WHATS:
            jitter = 1 + 0.001 * ((number * 7 + len(row.trial.label)) % 5)
            row.take(number % 2, Samples(what=what, batch=10, seconds=[seconds * jitter, 1.0]))
    return row


def test_rows_are_compared_by_the_noise_of_all_of_them(member):
    pytest.importorskip("scipy")
    rows = [timed(member("a"), 0.010), timed(member("bb"), 0.020), timed(member("ccc"), 0.010)]
    rows.append(member("broken"))
    rows[-1].take(0, Failed(status="oom", reason="too large"))
    found = _versus(rows, RunConfig(plugins=("all",)))
    assert set(found) == {"a seed=0", "bb seed=0", "ccc seed=0"}
    assert found["a seed=0"]["versus"] == {}
    assert found["bb seed=0"]["versus"]["latency"]["verdict"] == "slower"
    assert found["bb seed=0"]["versus"]["latency"]["ratio"] == pytest.approx(2, rel=0.01)
    assert found["ccc seed=0"]["versus"]["train"]["verdict"] == "tie"
    assert 0.01 <= found["a seed=0"]["noise_floor"]["latency"] < 0.1


def test_without_a_baseline_or_a_second_round_nothing_is_compared(member):
    pytest.importorskip("scipy")
    lost = member("a")
    lost.take(0, Failed(status="oom", reason="too large"))
    asked = RunConfig(plugins=("all",), baseline="a")
    assert _versus([lost, timed(member("b"), 0.01)], asked) == {}
    once = member("a")
    for what in WHATS:
        once.take(0, Samples(what=what, batch=1, seconds=[0.1]))
    found = _versus([once], RunConfig(plugins=("all",), rounds=1))
    assert found["a seed=0"]["noise_floor"] == {}


def test_what_a_process_measured_is_kept(member):
    row = member()
    row.take(0, Measured(metrics={"peak_memory_bytes": 5.0}, absent={"energy_measured_j": "no"}))
    row.take(1, Measured(metrics={}))
    assert row.measured == {"peak_memory_bytes": 5.0}
    assert row.absent == {"energy_measured_j": "no"}
