"""The measurement group: subjects measured side by side, alone on the machine, in interleaved rounds.

One procedure for all that is measured: trained networks, layers, doctor's probe. Every subject is
measured in two processes that take its rounds in turns: their difference is the noise floor.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness.coordinator.listener import Listener
from harness.coordinator.outcome import failed, unexpected
from harness.coordinator.pool import Workers, spread
from harness.coordinator.process import Worker
from harness.coordinator.rounds import balanced_orders
from harness.coordinator.starter import StarterDied
from harness.protocol import (
    Event,
    Failed,
    Measured,
    MeasurePeaks,
    Opened,
    Request,
    Samples,
    TakeEnergy,
    TakeMemory,
    TakeRound,
    TakeValidity,
)
from harness.results.comparison import PROCESSES
from harness.results.record import finite
from harness.results.roofline import Peaks, Work, impossible
from harness.results.timings import compare, timed_metrics

#: A counter is read over a loop of this length: some are updated but ten times a second.
_ENERGY_SECONDS = 1.0
_PEAKS_SECONDS = 120.0


@dataclass(frozen=True)
class Subject:
    """What the group measures, as the coordinator knows it.

    `opening` is the request that opens it, given how many processes are to open after it; `whats`
    are the kinds of its rounds. `least_work` is the least work of one call of each series, where it
    is known. Only `comparable` subjects are compared with the baseline.
    """

    key: str
    label: str
    framework: str
    device: str
    threads: int
    opening: Callable[[int], Request]
    whats: tuple[str, ...]
    memory: bool = True
    validity: bool = False
    energy: bool = False
    comparable: bool = True
    least_work: Callable[[Mapping[str, int], Mapping[str, Any]], Mapping[str, Work]] = (
        lambda _batches, _facts: {}
    )


@dataclass(frozen=True)
class Procedure:
    """How a group is measured. `jobs` subjects are opened at once; `baseline` names keys, if any."""

    rounds: int
    min_time: float
    calls: int
    timeout: float | None
    jobs: int
    baseline: Sequence[str] = ()


@dataclass
class Member:
    """A subject in its processes, and what was measured of it; `failed` ends its part."""

    subject: Subject
    logs: Sequence[Path]
    workers: list[Worker] = field(default_factory=list)
    failed: Failed | None = None
    log: str = ""
    first: Opened | None = None
    batches: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    times: dict[str, list[list[float]]] = field(default_factory=dict)

    def ask(self, process: int, request: Request, timeout: float | None) -> None:
        """Asks one of the processes and keeps what it answers."""
        self.take(process, self.workers[process].ask(request, timeout))

    def take(self, process: int, event: Event) -> None:
        """Keeps an answer of one of the processes."""
        self.log = self.log or f"logs/{self.logs[process].name}"
        match event:
            case Opened():
                self.first = self.first or event
                for what, batch in event.batches.items():
                    self.batches[what] = min(batch, self.batches.get(what, batch))
                self.facts |= event.facts
            case Measured():
                self.metrics |= event.metrics
                self.absent |= event.absent
                self.facts |= event.facts
            case Samples():
                for name, seconds in event.series.items():
                    self.batches[name] = event.batch
                    self.times.setdefault(name, []).append(seconds)
            case Failed():
                self.fail(event, process)
            case _:
                self.fail(unexpected(event), process)

    def fail(self, failure: Failed, process: int = 0) -> None:
        """Ends the subject's part; the others go on."""
        self.failed, self.log = failure, f"logs/{self.logs[process].name}"


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
        found: dict[str, dict[str, Any]] = {}
        for member in self.members:
            key = member.subject.key
            if member.failed:
                found[key] = failed(member.failed)
            else:
                metrics = timed_metrics(member.times, member.batches) | member.metrics
                if member.first:
                    metrics["first_call_ms"] = member.first.first_call_ms
                    metrics["first_build_ms"] = member.first.first_build_ms
                found[key] = {
                    "status": "ok",
                    "metrics": finite(metrics),
                    "absent": member.absent,
                    "facts": member.facts,
                    "series": series[key],
                    "baseline": self.baseline,
                }
            found[key]["log"] = member.log
        return found


def measure(
    subjects: Sequence[Subject],
    procedure: Procedure,
    log: Callable[[str, int], Path],
    workers: Workers,
    listener: Listener,
) -> Result:
    """Measures `subjects` side by side; `log(key, process)` is where a process prints to.

    All processes stand from the start and idle while another is measured, so that a round of one is
    followed at once by a round of the next, in an order that is drawn anew each time: whatever drifts
    on the machine affects all alike.
    """
    members = [Member(s, [log(s.key, process) for process in range(PROCESSES)]) for s in subjects]
    steps = _steps(members, procedure)
    openings = PROCESSES * len(members)
    total = openings + len(steps)
    with ExitStack() as stack:
        _open(
            members,
            procedure,
            workers,
            stack,
            lambda done, what: listener.measuring(done, total, what),
        )
        peaks = _measure_peaks(members)
        for done, (member, process, request, words) in enumerate(steps, start=openings):
            if member.failed:
                continue
            listener.measuring(done, total, f"{words} of {member.subject.label}")
            if isinstance(request, TakeRound) and request.what in member.batches:
                batch = member.batches[request.what]
                request = request.model_copy(update={"batch": batch})
            member.ask(process, request, procedure.timeout)
            if workers.stopped:
                raise KeyboardInterrupt
        _measure_energy(members, procedure, lambda what: listener.measuring(total, total, what))
    listener.measuring(total, total, "done")
    if isinstance(peaks, Measured):
        found = Peaks(peaks.metrics["peak_flops"], peaks.metrics["peak_bandwidth"])
        for member in members:
            _refuse_impossible(member, found)
    return Result(members, peaks, _baseline(members, procedure.baseline))


def _open(
    members: Sequence[Member],
    procedure: Procedure,
    workers: Workers,
    stack: ExitStack,
    say: Callable[[int, str], None],
) -> None:
    """Opens each member's processes.

    Not the two of one member side by side: what they had in common would not show in their
    difference.
    """
    openings = PROCESSES * len(members)

    def open_one(member: Member, process: int, to_follow: int) -> tuple[Member, Event]:
        subject = member.subject
        try:
            worker = stack.enter_context(
                workers.start(member.logs[process], subject.threads, subject.framework, process)
            )
        except StarterDied as reason:
            return member, Failed(status="crashed", reason=str(reason), where="start")
        member.workers.append(worker)
        return member, worker.ask(subject.opening(to_follow), procedure.timeout)

    done = 0
    say(done, "opening")
    for process in range(PROCESSES):
        calls = [
            partial(open_one, member, process, openings - done - place)
            for place, member in enumerate(members, start=1)
        ]
        for member, event in spread(calls, procedure.jobs, workers):
            if not (member.failed and isinstance(event, Failed)):
                member.take(process, event)
            done += 1
            say(done, f"opening {member.subject.label}")


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
            steps += [(member, process, request, what) for member in next(orders)]
    for process in range(min(PROCESSES, procedure.rounds)):
        checks = TakeValidity(predictions_only=process > 0)
        steps += [(m, process, checks, "checks") for m in members if m.subject.validity]
    return steps


def _measure_peaks(members: Sequence[Member]) -> Measured | Failed | None:
    """What the device can do at most, by a worker that stands; None where nobody stands."""
    member = next((member for member in members if not member.failed), None)
    if member is None:
        return None
    request = MeasurePeaks(device=member.subject.device, threads=member.subject.threads)
    event = member.workers[0].ask(request, _PEAKS_SECONDS)
    if isinstance(event, (Measured, Failed)):
        return event
    return unexpected(event)


def _measure_energy(
    members: Sequence[Member], procedure: Procedure, say: Callable[[str], None]
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
            member.ask(0, TakeEnergy(seconds=_ENERGY_SECONDS), procedure.timeout)
            if not member.failed and "counter" not in member.facts:
                missing = {k: v for k, v in member.absent.items() if k == "energy_measured_j"}
        else:
            member.absent |= missing


def _refuse_impossible(member: Member, peaks: Peaks) -> None:
    """Fails a member whose calls took less time than their least work does on this device.

    By the operations alone: a network that fits a cache moves its bytes faster than memory does.
    """
    if member.failed:
        return
    least = member.subject.least_work(member.batches, member.facts)
    for name, work in least.items():
        if name not in member.times:
            continue
        seconds = statistics.median(s for taken in member.times[name] for s in taken)
        told = f"{name} of {member.batches[name]} samples"
        if reason := impossible(Work(flops=work.flops, bytes=0), seconds, peaks, told):
            member.fail(Failed(status="invalid", reason=reason, where="checks"))
            return


def _baseline(members: Sequence[Member], named: Sequence[str]) -> str:
    """The key of the row that the others are compared with; "" where there is none.

    That is the one asked for, else the first that did not fail; none where the one asked for has
    failed.
    """
    comparable = [member for member in members if member.subject.comparable]
    asked = [member for member in comparable if member.subject.key in named]
    found = next((member for member in asked or comparable if not member.failed), None)
    return found.subject.key if found else ""
