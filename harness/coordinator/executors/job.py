"""What an executor is asked and what it returns: one trial in, one outcome back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from harness.catalogue.plugins import Plugin
from harness.coordinator.processes.pool import Workers, asking
from harness.coordinator.reload import again
from harness.protocol.events import Event, Progress
from harness.protocol.requests import RunTrial
from harness.subjects import Trial


@dataclass(frozen=True)
class Job:
    """One trial, and where what it leaves has to lie when it is over.

    `asked` are further fields of `RunTrial`, of metrics by hook and of a checkpoint; a cluster is asked for
    no checkpoint.
    """

    plugin: Plugin
    trial: Trial
    log: Path
    state: Path
    predictions: Path
    asked: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a job. `stages` is how many seconds each stage took, by the clock of its machine.

    `node` are the facts of the machine that it ran on, empty for the coordinator's own. `reload` is what a
    second process there answered that loaded the network; None where that is still to be done.
    """

    event: Event
    started: str = ""
    stages: dict[str, float] = field(default_factory=dict)
    node: dict[str, Any] = field(default_factory=dict)
    reload: Event | None = None


class Executor(Protocol):
    """Runs trials. `run` is called by several threads, at most `parallel` at a time.

    `slots` is how many trials run at once, as far as that is known when the run begins.
    """

    slots: int
    parallel: int

    def run(self, job: Job, progress: Callable[[Progress], None]) -> Outcome:
        """Runs one trial and returns what became of it; `progress` hears where it stands."""

    def reload(self, job: Job, outcome: Outcome) -> Event:
        """What a process answers that loads the trained network anew."""

    def stop(self) -> None:
        """Ends every trial now, and every one that starts later."""


class Stages:
    """How long each stage of a trial took, after those that took `seconds`; it is in `stage` now."""

    def __init__(self, seconds: Mapping[str, float] | None = None, stage: str = "start") -> None:
        self.seconds = dict(seconds or {})
        self._stage, self._since = stage, monotonic()

    def enter(self, stage: str) -> None:
        """The trial is in `stage` from now on."""
        now = monotonic()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now

    def add(self, stage: str, seconds: float) -> None:
        """`stage` has taken `seconds` more, in an earlier process."""
        if seconds:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


def run_here(
    workers: Workers,
    job: Job,
    data: str,
    timeout: float | None,
    progress: Callable[[Progress], None],
) -> Outcome:
    """Runs a trial in a worker of this machine, on the prepared `data`."""
    stages = Stages()
    started = datetime.now(UTC).isoformat(timespec="seconds")

    def heard(now: Progress) -> None:
        stages.enter(now.stage.partition(" ")[0])
        stages.add("train", now.spent)
        progress(now)

    progress(Progress(stage="start"))
    with asking(workers, job.plugin, job.log, job.trial.row.threads) as ask:
        event = ask(request_of(job, data), timeout, heard)
    stages.enter("end")
    return Outcome(event, started, stages.seconds)


def reload_here(
    workers: Workers, job: Job, data: str, timeout: float | None, trained: Event
) -> Event:
    """What a fresh worker of this machine answers that loads the network that `job` has `trained`."""
    with asking(workers, job.plugin, job.log, job.trial.row.threads, "reload") as ask:
        return ask(again(request_of(job, data), trained), timeout)


def request_of(job: Job, data: str) -> RunTrial:
    """What a worker is asked to train, on the prepared `data`."""
    return RunTrial(
        plugin=job.plugin.location,
        trial=job.trial,
        data=data,
        state=str(job.state.resolve()),
        predictions=str(job.predictions.resolve()),
        **job.asked,
    )
