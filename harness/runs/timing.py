"""The timing group: one trained network a row, measured in interleaved rounds, one at a time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

from harness.plugins import Plugin
from harness.protocol import (
    Event,
    Failed,
    Measured,
    Opened,
    OpenTiming,
    Prepared,
    Samples,
    TakeMemory,
    TakeRound,
    Trial,
)
from harness.results.record import Record, finite
from harness.results.store import RunFolder
from harness.runs.config import RunConfig
from harness.runs.listener import Listener
from harness.runs.outcome import outcome, record_of
from harness.runs.pool import Workers, spread
from harness.runs.worker import Worker

What = Literal["latency", "inference", "train"]
_WHATS: tuple[What, ...] = get_args(What)
_MIN_CALLS = 3


@dataclass
class Member:
    """One row of the group. `failed` ends its part; the others go on."""

    trial: Trial
    worker: Worker
    failed: Failed | None = None
    first_call_ms: float = 0.0
    memory: dict[str, float] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, list[list[float]]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Keeps what the worker answered."""
        match event:
            case Opened():
                self.first_call_ms = event.first_call_ms
            case Measured():
                self.memory = event.metrics
            case Samples():
                self.batches[event.what] = event.batch
                self.rounds.setdefault(event.what, []).append(event.seconds)
            case Failed():
                self.failed = event
            case _:
                self.failed = Failed(status="crashed", reason=f"the worker answered {event.type!r}")


def time_group(
    trials: Sequence[Trial],
    plugins: dict[str, Plugin],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    workers: Workers,
    listener: Listener,
) -> None:
    """Measures the trained networks of `trials` and appends one timing record for each.

    All workers are up from the start and idle while another is measured, so that a round of one is
    followed at once by a round of the next, in an order that is drawn anew each round: whatever
    drifts on the machine falls on all alike.
    """
    with ExitStack() as stack:
        members = [
            Member(
                trial,
                stack.enter_context(
                    workers.start(folder.file("logs", trial.key, ".timing.log"), trial.threads)
                ),
            )
            for trial in trials
        ]
        total = len(members) * (1 + config.rounds * len(_WHATS))
        listener.measuring(0, total, "loading the trained networks")
        _open(members, config, data, folder, workers)
        for done, (member, what) in enumerate(_sequence(members, config.rounds)):
            if member.failed:
                continue
            listener.measuring(done, total, f"{what} of {member.trial.label}")
            if what == "memory":
                member.take(member.worker.ask(TakeMemory(), config.timeout))
            else:
                request = TakeRound(what=what, seconds=config.min_time, calls=_MIN_CALLS)
                member.take(member.worker.ask(request, config.timeout))
            if workers.stopped:
                raise KeyboardInterrupt
        listener.measuring(total, total, "done")
    for member in members:
        record = _record(member, plugins[member.trial.plugin.name], folder)
        folder.write_samples(
            member.trial.key, {"batches": member.batches, "seconds": member.rounds}
        )
        folder.append(record)
        listener.recorded(record)


def _open(
    members: Sequence[Member],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    workers: Workers,
) -> None:
    def open_one(member: Member) -> tuple[Member, Event]:
        state = folder.file("state", member.trial.key, ".safetensors").resolve()
        request = OpenTiming(trial=member.trial, data=data.path, state=str(state))
        return member, member.worker.ask(request, config.timeout)

    calls = [partial(open_one, member) for member in members]
    for member, event in spread(calls, config.parallel(members[0].trial.device), workers):
        member.take(event)


def _sequence(
    members: Sequence[Member], rounds: int
) -> list[tuple[Member, What | Literal["memory"]]]:
    """Who is measured when. The order is random but the same in every run of the same plan."""
    shuffler = random.Random(0)
    steps: list[tuple[Member, What | Literal["memory"]]] = [(m, "memory") for m in members]
    for _ in range(rounds):
        for what in _WHATS:
            order = list(members)
            shuffler.shuffle(order)
            steps += [(member, what) for member in order]
    return steps


def _record(member: Member, plugin: Plugin, folder: RunFolder) -> Record:
    log = folder.file("logs", member.trial.key, ".timing.log")
    found = (
        outcome(member.failed)
        if member.failed
        else {"status": "ok", "metrics": finite(_metrics(member))}
    )
    return record_of(member.trial, plugin, "timing", **found, log=f"logs/{log.name}")


def _metrics(member: Member) -> dict[str, Any]:
    from harness.results.statistics import summarise_latency, summarise_rate

    flat = {what: [s for taken in rounds for s in taken] for what, rounds in member.rounds.items()}
    return {
        "first_call_ms": member.first_call_ms,
        "latency_ms": summarise_latency(flat["latency"]),
        "inference_throughput": summarise_rate(flat["inference"], member.batches["inference"]),
        "train_throughput": summarise_rate(flat["train"], member.batches["train"]),
        "train_batch": member.batches["train"],
        "inference_batch": member.batches["inference"],
        **member.memory,
    }
