"""The timing group: one trained network a row, measured in interleaved rounds, one at a time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from harness.catalogue.plugins import Plugin
from harness.protocol import (
    Event,
    Failed,
    Measured,
    MeasurePeaks,
    Opened,
    OpenTiming,
    Prepared,
    Request,
    Samples,
    TakeEnergy,
    TakeMemory,
    TakeRound,
    TakeValidity,
    Trial,
)
from harness.results.comparison import PROCESSES
from harness.results.record import Record, finite
from harness.results.roofline import Peaks, Work, impossible
from harness.results.store import RunFolder
from harness.coordinator.config import RunConfig
from harness.coordinator.listener import Listener
from harness.coordinator.outcome import outcome, record_of
from harness.coordinator.pool import Workers, spread
from harness.coordinator.rounds import balanced_orders
from harness.coordinator.process import Worker

What = Literal["latency", "inference", "train"]
WHATS: tuple[What, ...] = get_args(What)
_MIN_CALLS = 3

#: A counter is read over a loop of this length: some are updated but ten times a second.
_ENERGY_SECONDS = 1.0

Step = tuple["Member", int, TakeMemory | TakeEnergy | TakeRound | TakeValidity, str]
"""Which process of whom is asked what, and the words for it."""


@dataclass
class Member:
    """One row of the group, in two processes that take its rounds in turns.

    `failed` ends its part; the others go on.
    """

    trial: Trial
    workers: Sequence[Worker]
    logs: Sequence[Path]
    failed: Failed | None = None
    log: str = ""
    first_call_ms: float = 0.0
    inference_batch: int = 0
    measured: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    facts: dict[str, float | str] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, list[list[float]]] = field(default_factory=dict)

    def ask(self, process: int, request: Request, timeout: float | None) -> Event:
        """What one of its processes answers."""
        return self.workers[process].ask(request, timeout)

    def refuse_impossible(self, trained: Record, peaks: Peaks | None) -> None:
        """Fails where an answer took less time than its fewest operations do on this device.

        By the operations alone: a network that fits a cache moves its bytes faster than memory does.
        """
        fewest = trained.metrics.get("fewest_flops")
        if self.failed or peaks is None or fewest is None:
            return
        for what in ("latency", "inference"):
            batch = self.batches[what]
            seconds = statistics.median(s for taken in self.rounds[what] for s in taken)
            work = Work(flops=fewest * batch, bytes=0)
            reason = impossible(work, seconds, peaks, f"{what} of {batch} samples")
            if reason:
                self.failed = Failed(status="invalid", reason=reason, where="checks")
                return

    def take(self, process: int, event: Event) -> None:
        """Keeps what one of its processes answered."""
        self.log = self.log or f"logs/{self.logs[process].name}"
        match event:
            case Opened():
                self.first_call_ms = self.first_call_ms or event.first_call_ms
                batches = (self.inference_batch, event.inference_batch)
                self.inference_batch = min(batch for batch in batches if batch)
            case Measured():
                self.measured |= event.metrics
                self.absent |= event.absent
                self.facts |= event.facts
            case Samples():
                self.batches[event.what] = event.batch
                self.rounds.setdefault(event.what, []).append(event.seconds)
            case Failed():
                self._fail(process, event)
            case _:
                reason = f"the worker answered {event.type!r}"
                self._fail(process, Failed(status="crashed", reason=reason))

    def _fail(self, process: int, failed: Failed) -> None:
        self.failed, self.log = failed, f"logs/{self.logs[process].name}"


def time_group(
    trained: Sequence[tuple[Trial, Record]],
    plugins: dict[str, Plugin],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    workers: Workers,
    listener: Listener,
) -> None:
    """Measures the networks of `trained` trials and appends one timing record for each.

    All workers are up from the start and idle while another is measured, so that a round of one is
    followed at once by a round of the next, in an order that is drawn anew: whatever drifts on the
    machine falls on all alike.
    """
    with ExitStack() as stack:
        members = [_member(trial, folder, workers, stack) for trial, _ in trained]
        steps = _steps(members, config)
        listener.measuring(0, len(steps), "loading the trained networks")
        records = {trial.key: record for trial, record in trained}
        _open(members, records, config, data, folder, workers)
        peaks = _measure_peaks(members, config)
        for done, (member, process, request, words) in enumerate(steps):
            if member.failed:
                continue
            listener.measuring(done, len(steps), f"{words} of {member.trial.label}")
            if isinstance(request, TakeRound):
                request = request.model_copy(update={"batch": member.inference_batch})
            member.take(process, member.ask(process, request, config.timeout))
            if workers.stopped:
                raise KeyboardInterrupt
        listener.measuring(len(steps), len(steps), "done")
    for member in members:
        member.refuse_impossible(records[member.trial.key], peaks)
    versus = _versus(members, config)
    for member in members:
        samples = {"batches": member.batches, "seconds": member.rounds, "energy": member.facts}
        folder.write_samples(member.trial.key, samples)
        record = _record(member, plugins[member.trial.plugin.name], versus)
        folder.append(record)
        listener.recorded(record)


def _member(trial: Trial, folder: RunFolder, workers: Workers, stack: ExitStack) -> Member:
    suffixes = [f".timing-{process}.log" for process in range(1, PROCESSES + 1)]
    logs = [folder.file("logs", trial.key, suffix) for suffix in suffixes]
    started = [stack.enter_context(workers.start(log, trial.threads)) for log in logs]
    return Member(trial, started, logs)


def _baseline(members: Sequence[Member], config: RunConfig) -> Member | None:
    """The row that the others are compared with: the one asked for, else the first that did not fail.

    None where there is none, or the one asked for has failed; the first, where it was never trained.
    """
    asked = config.baseline
    named = [m for m in members if asked in (m.trial.label, m.trial.plugin.name)]
    return next((member for member in named or members if not member.failed), None)


def _open(
    members: Sequence[Member],
    records: Mapping[str, Record],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    workers: Workers,
) -> None:
    def open_one(member: Member, process: int) -> tuple[Member, int, Event]:
        trial = member.trial
        state = folder.file("state", trial.key, ".safetensors").resolve()
        accuracy = records[trial.key].metrics.get("test_accuracy")
        request = OpenTiming(trial=trial, data=data.path, state=str(state), accuracy=accuracy)
        return member, process, member.ask(process, request, config.timeout)

    # Not the two of a row side by side: what they had in common would not show in their difference.
    calls = [
        partial(open_one, member, process) for process in range(PROCESSES) for member in members
    ]
    for member, process, event in spread(calls, config.parallel(members[0].trial.device), workers):
        member.take(process, event)


def _measure_peaks(members: Sequence[Member], config: RunConfig) -> Peaks | None:
    """What the device can do at most, by a worker that stands; None where that cannot be told."""
    member = next((member for member in members if not member.failed), None)
    if member is None:
        return None
    request = MeasurePeaks(device=member.trial.device, threads=member.trial.threads)
    event = member.ask(0, request, config.timeout)
    if not isinstance(event, Measured):
        return None
    return Peaks(event.metrics["peak_flops"], event.metrics["peak_bandwidth"])


def _steps(members: Sequence[Member], config: RunConfig) -> list[Step]:
    """Who is measured when: memory, the rounds, the checks on what was timed, and last the energy,

    whose loop heats the machine for longer than a round.
    """
    steps: list[Step] = [(member, 0, TakeMemory(), "memory") for member in members]
    orders = balanced_orders(members, config.rounds * len(WHATS))
    for number in range(config.rounds):
        process = number % PROCESSES
        for what in WHATS:
            request = TakeRound(
                what=what,
                seconds=config.min_time,
                calls=_MIN_CALLS,
                fresh=what == WHATS[0],
            )
            steps += [(member, process, request, what) for member in next(orders)]
    for process in range(min(PROCESSES, config.rounds)):
        checks = TakeValidity(answers_only=process > 0)
        steps += [(member, process, checks, "checks") for member in members]
    energy = TakeEnergy(seconds=_ENERGY_SECONDS)
    return steps + [(member, 0, energy, "energy") for member in members]


def _versus(members: Sequence[Member], config: RunConfig) -> dict[str, dict[str, Any]]:
    """For each row's key: how it stands to the baseline in each thing timed, and the noise floor."""
    from harness.results.comparison import as_metrics, group_noise, paired_ratio, verdicts

    base = _baseline(members, config)
    rows = [member for member in members if not member.failed]
    if base is None:
        return {}
    found: dict[str, dict[str, Any]] = {
        row.trial.key: {"baseline": base.trial.label, "noise_floor": {}, "versus": {}}
        for row in rows
    }
    for what in WHATS:
        seconds = {row.trial.key: _each(row, what) for row in rows}
        noise = group_noise(seconds.values())
        baseline = seconds.pop(base.trial.key)
        ratios = {key: paired_ratio(taken, baseline) for key, taken in seconds.items()}
        said = verdicts(ratios, noise)
        for key, entry in found.items():
            if math.isfinite(noise.floor):
                entry["noise_floor"][what] = noise.floor
            if key in ratios:
                entry["versus"][what] = as_metrics(ratios[key], said[key])
    return found


def _each(member: Member, what: str) -> list[list[float]]:
    """Seconds a sample, so that rows with batches of their own compare."""
    batch = member.batches[what]
    return [[seconds / batch for seconds in taken] for taken in member.rounds[what]]


def _record(member: Member, plugin: Plugin, versus: Mapping[str, dict[str, Any]]) -> Record:
    if member.failed:
        found = outcome(member.failed)
    else:
        metrics = _metrics(member) | versus.get(member.trial.key, {})
        found = {"status": "ok", "metrics": finite(metrics), "absent": member.absent}
    return record_of(member.trial, plugin, "timing", **found, log=member.log)


def _metrics(member: Member) -> dict[str, Any]:
    from harness.results.comparison import outliers
    from harness.results.statistics import summarise_latency, summarise_rate

    flat = {what: [s for taken in rounds for s in taken] for what, rounds in member.rounds.items()}
    far = {what: outliers(seconds) for what, seconds in flat.items()}
    return {
        "first_call_ms": member.first_call_ms,
        "latency_ms": summarise_latency(flat["latency"], member.rounds["latency"]),
        **{
            f"{what}_throughput": summarise_rate(
                flat[what], member.batches[what], member.rounds[what]
            )
            for what in ("inference", "train")
        },
        "train_batch": member.batches["train"],
        "inference_batch": member.batches["inference"],
        "rounds": len(member.rounds["latency"]),
        "outliers": {
            what: {"count": found.count, "of": len(flat[what]), "slowest": found.slowest}
            for what, found in far.items()
        },
        **member.measured,
    }
