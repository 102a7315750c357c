"""A subject of a measurement group, and what was measured of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.coordinator.group.wall import RoundClock, WallTime
from harness.coordinator.processes.failures import unexpected
from harness.coordinator.processes.process import Worker
from harness.protocol.events import Event, Failed, Measured, Opened, Samples, Sweep, Swept
from harness.protocol.requests import Request, TakeRound
from harness.results.roofline import Work


@dataclass(frozen=True)
class Subject:
    """What the group measures, as the coordinator knows it.

    `opening` is the request that opens it, given how many processes are to open after it; `whats`
    are the kinds of its rounds. `least_work` is the least work of one call of each series, where it
    is known. Only `comparable` subjects are compared with the baseline; one that is a variant of another
    is compared with the subject whose key is `against`. `interpreter` is the Python of its workers, "" for
    this one.
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
    sweep: bool = False
    comparable: bool = True
    against: str = ""
    interpreter: str = ""
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
    workers: list[Worker | None] = field(default_factory=list)
    failed: Failed | None = None
    log: str = ""
    first: Opened | None = None
    batches: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    times: dict[str, list[list[float]]] = field(default_factory=dict)
    sweeps: dict[str, Sweep] = field(default_factory=dict)
    wall: WallTime = field(default_factory=WallTime)
    cores: dict[str, list[float]] = field(default_factory=dict)

    @property
    def comparable(self) -> bool:
        """Whether times are compared with its: not where a check of what it computed has told otherwise."""
        return self.subject.comparable and not self.facts.get("unlike")

    def ask(self, process: int, request: Request, timeout: float | None) -> None:
        """Asks one of the processes, which stands, and keeps what it answers."""
        worker = self.workers[process]
        assert worker is not None
        clock = RoundClock()
        event = worker.ask(request, timeout, clock.progress)
        clock.stop()
        self.take(process, event)
        if not (isinstance(request, TakeRound) and isinstance(event, Samples)):
            return
        if reason := self.wall.add(request.what, event, clock):
            self.fail(Failed(status="invalid", reason=reason, where="clock"), process)

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
            case Swept():
                self.sweeps |= event.sweeps
                self.metrics |= event.metrics
                self.absent |= event.absent
                self.facts |= event.facts
            case Samples():
                self.cores.setdefault(next(iter(event.series)), []).append(event.cores)
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
