"""The measurement group: subjects measured side by side, alone on the machine, in interleaved rounds.

One procedure for all that is measured: trained networks, layers, doctor's probe. Every subject is
measured in two processes that take its rounds in turns: their difference is the noise floor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from harness.coordinator.group.member import Member, Procedure, Subject
from harness.coordinator.group.others import Others
from harness.coordinator.group.result import Result, choose_baseline
from harness.coordinator.group.rounds import Step, phases
from harness.coordinator.group.speed_check import refuse_impossible
from harness.coordinator.group.standing import Standing
from harness.coordinator.processes.failures import unexpected
from harness.coordinator.processes.pool import Workers
from harness.protocol.events import Failed, Measured
from harness.protocol.requests import MeasurePeaks, TakeEnergy, TakeRound, WarmUp
from harness.results.comparison import PROCESSES

#: A counter is read over a loop of this length: some are updated but ten times a second.
_ENERGY_SECONDS = 1.0
_PEAKS_SECONDS = 120.0
#: The kinds of rounds in which all rows of a group have one batch: the largest that all of them hold.
_ALIKE = ("inference",)


def measure(
    subjects: Sequence[Subject],
    procedure: Procedure,
    log: Callable[[str, int], Path],
    workers: Workers,
    say: Callable[[int, int, str], None],
) -> Result:
    """Measures `subjects` side by side; `log(key, process)` is where a process prints to.

    `say` takes how many steps are done, of how many, and what is being done.

    All processes stand from the start and idle while another is measured (on a GPU that cannot hold them
    all, they stand in turns: `Capacity`), so that a round of one is followed at once by a round of the
    next, in an order that is drawn anew each time: whatever drifts on the machine affects all alike.
    """
    members = [Member(s, [log(s.key, process) for process in range(PROCESSES)]) for s in subjects]
    plan = phases(members, procedure)
    done = PROCESSES * len(members)
    total = done + sum(len(phase.steps) for phase in plan)

    def counted(before: int, number: int, what: str) -> None:
        say(before + number, total, what)

    with ExitStack() as stack:
        standing = Standing(procedure, workers, stack, subjects[0].device if subjects else "cpu")
        standing.open(members, lambda opened, what: say(opened, total, what))
        others = Others()
        _same_batches(members)
        peaks = _measure_peaks(members)
        for phase in plan:
            steps = [_with_batch(step) for step in phase.steps]
            if phase.timed:
                _ask_in_turns(steps, standing, workers, partial(counted, done))
            else:
                standing.ask_together(steps, partial(counted, done))
            if workers.stopped:
                raise KeyboardInterrupt
            done += len(steps)
        _measure_energy(members, standing, lambda what: say(total, total, what))
        used = others.used()
        standing.end(members)
    say(total, total, "done")
    for member in members:
        refuse_impossible(member, peaks)
    baseline, remark = choose_baseline(members, procedure.baseline)
    return Result(members, peaks, baseline, remark, used)


def _with_batch(step: Step) -> Step:
    """The step with the batch of all rows of the group, which is known when they stand."""
    member, process, request, words = step
    if isinstance(request, TakeRound) and request.what in member.batches:
        request = request.model_copy(update={"batch": member.batches[request.what]})
    elif isinstance(request, WarmUp):
        request = request.model_copy(update={"batches": dict(member.batches)})
    return member, process, request, words


def _ask_in_turns(
    steps: Sequence[Step], standing: Standing, workers: Workers, say: Callable[[int, str], None]
) -> None:
    for number, (member, process, request, words) in enumerate(steps):
        if member.failed:
            continue
        say(number, f"{words} of {member.subject.label}")
        standing.ask(member, process, request)
        if workers.stopped:
            return


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


def _measure_peaks(members: Sequence[Member]) -> Measured | Failed | None:
    """What the device can do at most, by a worker that stands; None where nobody stands."""
    for member in members:
        for worker in member.workers:
            if member.failed or worker is None:
                continue
            request = MeasurePeaks(device=member.subject.device, threads=member.subject.threads)
            event = worker.ask(request, _PEAKS_SECONDS)
            return event if isinstance(event, (Measured, Failed)) else unexpected(event)
    return None


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
