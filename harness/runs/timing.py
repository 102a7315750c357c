"""The timing group: one trained network a row, measured in interleaved rounds, one at a time."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

from harness.plugins import Plugin
from harness.protocol import (
    Event,
    Failed,
    Measured,
    MeasurePeaks,
    Opened,
    OpenTiming,
    Prepared,
    Samples,
    TakeEnergy,
    TakeMemory,
    TakeRound,
    TakeValidity,
    Trial,
)
from harness.results.record import Record, finite
from harness.results.roofline import Peaks, Work, impossible
from harness.results.store import RunFolder
from harness.runs.config import RunConfig
from harness.runs.listener import Listener
from harness.runs.outcome import outcome, record_of
from harness.runs.pool import Workers, spread
from harness.runs.rounds import balanced_orders
from harness.runs.worker import Worker

What = Literal["latency", "inference", "train"]
WHATS: tuple[What, ...] = get_args(What)
_MIN_CALLS = 3

#: A counter is read over a loop of this length: some are updated but ten times a second.
_ENERGY_SECONDS = 1.0

Step = tuple["Member", TakeMemory | TakeEnergy | TakeRound | TakeValidity, str]
"""Who is asked what, and the words for it."""


@dataclass
class Member:
    """One row of the group. `failed` ends its part; the others go on.

    `null` marks the baseline's second entry: the same network in another process, whose distance
    from the first is the machine's noise.
    """

    trial: Trial
    worker: Worker
    null: bool = False
    failed: Failed | None = None
    first_call_ms: float = 0.0
    inference_batch: int = 0
    measured: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    facts: dict[str, float | str] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, list[list[float]]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of its log and samples."""
        return f"{self.trial.key} null" if self.null else self.trial.key

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

    def take(self, event: Event) -> None:
        """Keeps what the worker answered."""
        match event:
            case Opened():
                self.first_call_ms = event.first_call_ms
                self.inference_batch = event.inference_batch
            case Measured():
                self.measured |= event.metrics
                self.absent |= event.absent
                self.facts |= event.facts
            case Samples():
                self.batches[event.what] = event.batch
                self.rounds.setdefault(event.what, []).append(event.seconds)
            case Failed():
                self.failed = event
            case _:
                self.failed = Failed(status="crashed", reason=f"the worker answered {event.type!r}")


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
    machine falls on all alike. The baseline is in the group twice.
    """
    trials = [trial for trial, _ in trained]
    entries = [(trial, False) for trial in trials] + [(_baseline(trials, config), True)]
    with ExitStack() as stack:
        members = []
        for trial, null in entries:
            log = folder.file("logs", f"{trial.key} null" if null else trial.key, ".timing.log")
            worker = stack.enter_context(workers.start(log, trial.threads))
            members.append(Member(trial, worker, null))
        steps = _steps(members, config)
        listener.measuring(0, len(steps), "loading the trained networks")
        records = {trial.key: record for trial, record in trained}
        _open(members, records, config, data, folder, workers)
        pair = _null_pair(members)
        same = min(member.inference_batch for member in pair)
        for member in pair:
            member.inference_batch = same
        peaks = _measure_peaks(pair[0], config)
        for done, (member, request, words) in enumerate(steps):
            if member.failed:
                continue
            listener.measuring(done, len(steps), f"{words} of {member.trial.label}")
            if isinstance(request, TakeRound):
                request = request.model_copy(update={"batch": member.inference_batch})
            member.take(member.worker.ask(request, config.timeout))
            if workers.stopped:
                raise KeyboardInterrupt
        listener.measuring(len(steps), len(steps), "done")
    for member in members:
        member.refuse_impossible(records[member.trial.key], peaks)
    versus = _versus(members)
    for member in members:
        samples = {"batches": member.batches, "seconds": member.rounds, "energy": member.facts}
        folder.write_samples(member.key, samples)
        if not member.null:
            record = _record(member, plugins[member.trial.plugin.name], folder, versus)
            folder.append(record)
            listener.recorded(record)


def _baseline(trials: Sequence[Trial], config: RunConfig) -> Trial:
    """The row that the others are compared with: the one asked for, else the first."""
    named = [trial for trial in trials if config.baseline in (trial.label, trial.plugin.name)]
    return (named or trials)[0]


def _open(
    members: Sequence[Member],
    records: Mapping[str, Record],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    workers: Workers,
) -> None:
    def open_one(member: Member) -> tuple[Member, Event]:
        trial = member.trial
        state = folder.file("state", trial.key, ".safetensors").resolve()
        accuracy = records[trial.key].metrics.get("test_accuracy")
        request = OpenTiming(trial=trial, data=data.path, state=str(state), accuracy=accuracy)
        return member, member.worker.ask(request, config.timeout)

    calls = [partial(open_one, member) for member in members]
    for member, event in spread(calls, config.parallel(members[0].trial.device), workers):
        member.take(event)


def _null_pair(members: Sequence[Member]) -> tuple[Member, Member]:
    """The baseline and its second entry."""
    null = next(member for member in members if member.null)
    return next(m for m in members if m.trial.key == null.trial.key), null


def _measure_peaks(member: Member, config: RunConfig) -> Peaks | None:
    """What the device can do at most, in the worker of `member`; None where it cannot tell."""
    trial = member.trial
    if member.failed:
        return None
    event = member.worker.ask(
        MeasurePeaks(device=trial.device, threads=trial.threads), config.timeout
    )
    if not isinstance(event, Measured):
        return None
    return Peaks(event.metrics["peak_flops"], event.metrics["peak_bandwidth"])


def _steps(members: Sequence[Member], config: RunConfig) -> list[Step]:
    """Who is measured when: memory, the rounds, the checks on what was timed, and last the energy,

    whose loop heats the machine for longer than a round.
    """
    steps: list[Step] = [(m, TakeMemory(), "memory") for m in members if not m.null]
    orders = balanced_orders(members, config.rounds * len(WHATS))
    for _ in range(config.rounds):
        for what in WHATS:
            request = TakeRound(
                what=what,
                seconds=config.min_time,
                calls=_MIN_CALLS,
                fresh=what == WHATS[0],
            )
            steps += [(member, request, what) for member in next(orders)]
    rows = [member for member in members if not member.null]
    steps += [(member, TakeValidity(), "checks") for member in rows]
    return steps + [(member, TakeEnergy(seconds=_ENERGY_SECONDS), "energy") for member in rows]


def _versus(members: Sequence[Member]) -> dict[str, dict[str, Any]]:
    """For each row's key: how it stands to the baseline in each thing timed, and the noise floor."""
    from harness.results.comparison import as_metrics, noise_floor, paired_ratio, verdicts

    base, null = _null_pair(members)
    found: dict[str, dict[str, Any]] = {}
    if base.failed or null.failed:
        return found
    rows = [m for m in members if not m.null and not m.failed]
    for what in WHATS:
        floor = noise_floor(paired_ratio(_each(null, what), _each(base, what)))
        ratios = {
            m.trial.key: paired_ratio(_each(m, what), _each(base, what))
            for m in rows
            if m is not base
        }
        said = verdicts(ratios, floor)
        for member in rows:
            key = member.trial.key
            entry = found.setdefault(key, {"noise_floor": {}, "versus": {}})
            entry["noise_floor"][what] = floor
            entry["baseline"] = base.trial.label
            if key in ratios:
                entry["versus"][what] = as_metrics(ratios[key], said[key])
    return found


def _each(member: Member, what: str) -> list[list[float]]:
    """Seconds a sample, so that rows with batches of their own compare."""
    batch = member.batches[what]
    return [[seconds / batch for seconds in taken] for taken in member.rounds[what]]


def _record(
    member: Member, plugin: Plugin, folder: RunFolder, versus: Mapping[str, dict[str, Any]]
) -> Record:
    log = folder.file("logs", member.key, ".timing.log")
    if member.failed:
        found = outcome(member.failed)
    else:
        metrics = _metrics(member) | versus.get(member.trial.key, {})
        found = {"status": "ok", "metrics": finite(metrics), "absent": member.absent}
    return record_of(member.trial, plugin, "timing", **found, log=f"logs/{log.name}")


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
