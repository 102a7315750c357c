"""The measurement group: subjects measured side by side, alone on the machine, in interleaved rounds.

One procedure for all that is measured: trained networks, layers, doctor's probe. Every subject is
measured in two processes that take its rounds in turns: their difference is the noise floor.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.coordinator.listener import Listener
from harness.coordinator.member import Member, Procedure, Subject
from harness.coordinator.outcome import failed, unexpected
from harness.coordinator.pool import Workers
from harness.coordinator.rounds import balanced_orders
from harness.coordinator.standing import Standing
from harness.protocol import (
    Failed,
    Measured,
    MeasurePeaks,
    Request,
    TakeEnergy,
    TakeMemory,
    TakeRound,
    TakeSweep,
    TakeValidity,
)
from harness.results.comparison import PROCESSES
from harness.results.record import Series, finite
from harness.results.roofline import Peaks, Work, impossible
from harness.results.timings import compare, sweep_metrics, timed_metrics

#: A counter is read over a loop of this length: some are updated but ten times a second.
_ENERGY_SECONDS = 1.0
_PEAKS_SECONDS = 120.0
#: A sweep of batch sizes takes about this long, of inference and training together.
_SWEEP_SECONDS = 2.0
#: The kinds of rounds in which all rows of a group have one batch: the largest that all of them hold.
_ALIKE = ("inference",)


Step = tuple[Member, int, Request, str]
"""Which process of whom is asked what, and the words for it."""


@dataclass(frozen=True)
class Result:
    """What a group yields: its members and the device's peaks, where they could be measured."""

    members: Sequence[Member]
    peaks: Measured | Failed | None
    baseline: str

    def fields(self) -> dict[str, dict[str, Any]]:
        """For the key of each subject, the fields of its record."""
        done = {m.subject.key: m for m in self.members if not m.failed}
        series = compare(
            {key: member.times for key, member in done.items()},
            {key: member.batches for key, member in done.items()},
            self.baseline,
            {key for key, member in done.items() if member.subject.comparable},
        )
        for key, member in done.items():
            if member.subject.against in done:
                series[key] = self._pair(member, done[member.subject.against])
        found: dict[str, dict[str, Any]] = {}
        for member in self.members:
            key = member.subject.key
            if member.failed:
                found[key] = failed(member.failed)
            else:
                metrics = timed_metrics(member.times, member.batches) | member.metrics
                metrics |= sweep_metrics(member.sweeps)
                if member.first:
                    metrics["first_call_ms"] = member.first.first_call_ms
                    metrics["first_build_ms"] = member.first.first_build_ms
                found[key] = {
                    "status": "ok",
                    "metrics": finite(metrics),
                    "absent": member.absent,
                    "facts": {**member.facts, "accounted": member.wall.shares()},
                    "series": series[key],
                    "baseline": self.baseline,
                }
                if member.sweeps:
                    found[key]["sweep"] = member.sweeps
            found[key]["log"] = member.log
        return found

    def _pair(self, member: Member, against: Member) -> dict[str, Series]:
        """A variant beside the row that it is one of, by the noise of the two."""
        pair = {one.subject.key: one for one in (against, member)}
        return compare(
            {key: one.times for key, one in pair.items()},
            {key: one.batches for key, one in pair.items()},
            against.subject.key,
        )[member.subject.key]


def measure(
    subjects: Sequence[Subject],
    procedure: Procedure,
    log: Callable[[str, int], Path],
    workers: Workers,
    listener: Listener,
) -> Result:
    """Measures `subjects` side by side; `log(key, process)` is where a process prints to.

    All processes stand from the start and idle while another is measured (on a GPU that cannot hold them
    all, they stand in turns: `Capacity`), so that a round of one is followed at once by a round of the
    next, in an order that is drawn anew each time: whatever drifts on the machine affects all alike.
    """
    members = [Member(s, [log(s.key, process) for process in range(PROCESSES)]) for s in subjects]
    steps = _steps(members, procedure)
    openings = PROCESSES * len(members)
    total = openings + len(steps)
    with ExitStack() as stack:
        standing = Standing(procedure, workers, stack, subjects[0].device if subjects else "cpu")
        standing.open(members, lambda done, what: listener.measuring(done, total, what))
        _same_batches(members)
        peaks = _measure_peaks(members)
        for done, (member, process, request, words) in enumerate(steps, start=openings):
            if member.failed:
                continue
            listener.measuring(done, total, f"{words} of {member.subject.label}")
            if isinstance(request, TakeRound) and request.what in member.batches:
                batch = member.batches[request.what]
                request = request.model_copy(update={"batch": batch})
            standing.ask(member, process, request)
            if workers.stopped:
                raise KeyboardInterrupt
        _measure_energy(members, standing, lambda what: listener.measuring(total, total, what))
    listener.measuring(total, total, "done")
    for member in members:
        _refuse_impossible(member, peaks)
    return Result(members, peaks, _baseline(members, procedure.baseline))


def _same_batches(members: Sequence[Member]) -> None:
    """Gives all rows of the group the largest batch that each of them can hold."""
    standing = [member for member in members if not member.failed]
    for what in _ALIKE:
        having = [member for member in standing if what in member.batches]
        own = [
            m.batches[what] for m in having if not m.subject.against
        ]  # a variant takes its row's
        for member in having:
            member.batches[what] = min(own, default=member.batches[what])


def _steps(members: Sequence[Member], procedure: Procedure) -> list[Step]:
    """Who is measured when: memory, the rounds, and the checks on what was timed."""
    steps: list[Step] = [(m, 0, TakeMemory(), "memory") for m in members if m.subject.memory]
    whats = members[0].subject.whats if members else ()
    orders = balanced_orders(members, procedure.rounds * len(whats))
    for number in range(procedure.rounds):
        process = number % PROCESSES
        for what in whats:
            request = TakeRound(
                what=what,
                seconds=procedure.min_time,
                calls=procedure.calls,
                fresh=what == whats[0],
            )
            steps += [
                (member, process, request, what)
                for member in next(orders)
                if what in member.subject.whats
            ]
    for process in range(min(PROCESSES, procedure.rounds)):
        checks = TakeValidity(predictions_only=process > 0)
        steps += [(m, process, checks, "checks") for m in members if m.subject.validity]
    # Last: the sweep trains on with whatever batch.
    sweep = TakeSweep(seconds=_SWEEP_SECONDS)
    return steps + [(m, 0, sweep, "batch sizes") for m in members if m.subject.sweep]


def _measure_peaks(members: Sequence[Member]) -> Measured | Failed | None:
    """What the device can do at most, by a worker that stands; None where nobody stands."""
    member = next((m for m in members if not m.failed), None)
    worker = next((w for w in member.workers if w is not None), None) if member else None
    if member is None or worker is None:
        return None
    request = MeasurePeaks(device=member.subject.device, threads=member.subject.threads)
    event = worker.ask(request, _PEAKS_SECONDS)
    if isinstance(event, (Measured, Failed)):
        return event
    return unexpected(event)


def _measure_energy(
    members: Sequence[Member], standing: Standing, say: Callable[[str], None]
) -> None:
    """Energy at the end: its loop heats the machine for longer than a round.

    One member finds out whether the machine has a counter; where it has none, nobody else is asked.
    """
    missing: dict[str, str] = {}
    for member in members:
        if member.failed or not member.subject.energy:
            continue
        if not missing:
            say(f"energy of {member.subject.label}")
            standing.ask(member, 0, TakeEnergy(seconds=_ENERGY_SECONDS))
            if not member.failed and "counter" not in member.facts:
                missing = {k: v for k, v in member.absent.items() if k == "energy_measured_j"}
        else:
            member.absent |= missing


def _refuse_impossible(member: Member, peaks: Measured | Failed | None) -> None:
    """Fails a member whose calls took less time than their least work does on this device.

    By the operations alone: a network that fits a cache moves its bytes faster than memory does. By the
    fastest precision that was measured, since a plugin may choose it. The fact `speed_check` says why the
    check was not made, where it was not.
    """
    if member.failed:
        return
    found = Peaks.fastest(peaks.metrics) if isinstance(peaks, Measured) else None
    least = member.subject.least_work(member.batches, member.facts)
    checked = [name for name in least if name in member.times]
    if found is None:
        why = peaks.reason if isinstance(peaks, Failed) else "; ".join(_absent_peaks(peaks))
        member.facts["speed_check"] = f"not made: no peak was measured ({why or 'nobody stood'})"
        return
    if not checked:
        member.facts["speed_check"] = "not made: the fewest operations of a call are not known"
        return
    member.facts["speed_check"] = "made"
    for name in checked:
        work = least[name]
        seconds = statistics.median(s for taken in member.times[name] for s in taken)
        told = f"{name} of {member.batches[name]} samples"
        if reason := impossible(Work(flops=work.flops, bytes=0), seconds, found, told):
            member.fail(Failed(status="invalid", reason=reason, where="checks"))
            return


def _absent_peaks(peaks: Measured | None) -> list[str]:
    return [reason for name, reason in (peaks.absent if peaks else {}).items() if "flops" in name]


def _baseline(members: Sequence[Member], named: Sequence[str]) -> str:
    """The key of the row that the others are compared with; "" where there is none.

    That is the one asked for, else the first that did not fail; none where the one asked for has
    failed.
    """
    comparable = [member for member in members if member.subject.comparable]
    asked = [member for member in comparable if member.subject.key in named]
    found = next((member for member in asked or comparable if not member.failed), None)
    return found.subject.key if found else ""
