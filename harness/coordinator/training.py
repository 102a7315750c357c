"""Carries out trials: plugins described, data made ready once, trials side by side."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

from harness.catalogue.plugins import Plugin
from harness.coordinator.config import RunConfig, cache_folder
from harness.coordinator.listener import Listener
from harness.coordinator.outcome import not_ready, trained, unexpected
from harness.coordinator.plan import Planned
from harness.coordinator.pool import Workers, spread
from harness.coordinator.starter import StarterDied
from harness.errors import UsageError
from harness.plugin.parameters import Parameter, Presets
from harness.protocol import (
    Describe,
    Described,
    Event,
    Failed,
    Prepare,
    Prepared,
    Progress,
    RunTrial,
)
from harness.results.record import TrialRecord
from harness.results.store import RunFolder

#: Finding data and importing a plugin take seconds; a download may take minutes.
_DESCRIBE_SECONDS, _PREPARE_SECONDS = 300.0, 3600.0


def describe(
    plugins: Sequence[Plugin], workers: Workers, jobs: int, threads: int, logs: Path
) -> dict[str, Presets | Failed]:
    """The presets of each plugin, or why it has none; what it printed lies in `logs`/NAME.log."""

    def ask(plugin: Plugin) -> tuple[str, Event]:
        if plugin.status != "ready":
            return plugin.name, not_ready(plugin)
        request = Describe(plugin=plugin.location)
        try:
            with workers.start(logs / f"{plugin.name}.log", threads, plugin.framework) as worker:
                return plugin.name, worker.ask(request, _DESCRIBE_SECONDS)
        except StarterDied as reason:
            return plugin.name, Failed(status="crashed", reason=str(reason), where="import")

    found: dict[str, Presets | Failed] = {}
    for name, event in spread([partial(ask, plugin) for plugin in plugins], jobs, workers):
        match event:
            case Described():
                parameters = {key: Parameter(**p) for key, p in event.parameters.items()}
                found[name] = Presets(parameters, event.values, event.reported)
            case Failed():
                found[name] = event
            case _:
                found[name] = unexpected(event)
    return found


def prepare(
    task: str, folders: list[str], workers: Workers, say: Callable[[str], None]
) -> Prepared:
    """The task's data, by one process for all trials; UsageError where they cannot be had."""
    request = Prepare(task=task, data=folders, cache=str(cache_folder()))
    with scratch_folder() as folder, workers.start(folder / "log") as worker:
        event = worker.ask(request, _PREPARE_SECONDS, lambda progress: say(progress.stage))
        if isinstance(event, Prepared):
            return event
        reason = event.reason if isinstance(event, Failed) else event.type
        lines = (folder / "log").read_text(errors="replace").strip().splitlines()
        if isinstance(event, Failed) and event.status != "failed" and lines:
            reason = f"{reason}: {lines[-1]}"
        raise UsageError(f"task {task}: {reason}")


class Stages:
    """How long each stage of a trial took, by the coordinator's clock."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage, self._since = "start", monotonic()

    def enter(self, stage: str) -> None:
        """The trial is in `stage` from now on."""
        now = monotonic()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now


class Queue:
    """The trials that have not begun, seed by seed; within a seed, the longest rows first.

    How long a row takes is known from its seeds before. Begun last, the longest would hold up the end.
    """

    def __init__(self, planned: Sequence[Planned], labels: Sequence[str]) -> None:
        self._open: dict[int, list[tuple[Planned, str]]] = {}
        for pair in zip(planned, labels, strict=True):
            self._open.setdefault(pair[0].trial.seed, []).append(pair)
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def took(self, record: TrialRecord) -> None:
        """Keeps what a trial of the record's row takes."""
        self._seconds[record.row.key] = record.seconds

    def next(self) -> tuple[Planned, str]:
        """Takes the trial that should begin now."""
        with self._lock:
            seed, same = next(iter(self._open.items()))
            pair = max(same, key=lambda each: self._seconds.get(each[0].trial.row.key, 0.0))
            same.remove(pair)
            if not same:
                del self._open[seed]
            return pair


def run_trials(
    planned: Sequence[Planned],
    labels: Sequence[str],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    session: int,
    described_logs: Path,
    workers: Workers,
    listener: Listener,
) -> None:
    """Runs the trials, several at a time, and appends what became of each."""
    jobs = config.parallel(planned[0].trial.row.device) if planned else 1

    def run(plan: Planned, label: str) -> tuple[str, TrialRecord]:
        trial, stages = plan.trial, Stages()
        log = folder.file("logs", trial.key, ".log")
        started = datetime.now(UTC).isoformat(timespec="seconds")

        def progress(now: Progress) -> None:
            stages.enter(now.stage.partition(" ")[0])
            listener.progress(label, now)

        event: Event
        if plan.refused:
            event = plan.refused
            _keep_log(described_logs / f"{plan.plugin.name}.log", log)
        else:
            listener.progress(label, Progress(stage="start"))
            state = folder.file("state", trial.key, ".safetensors")
            request = RunTrial(
                plugin=plan.plugin.location,
                trial=trial,
                data=data.path,
                state=str(state.resolve()),
            )
            try:
                with workers.start(log, trial.row.threads, plan.plugin.framework) as worker:
                    event = worker.ask(request, config.timeout, progress)
            except StarterDied as reason:
                event = Failed(status="crashed", reason=str(reason), where="start")
        stages.enter("end")
        fields = trained(event)
        if plan.reported is not None and fields["status"] == "ok":
            fields["metrics"]["reported_accuracy"] = plan.reported
        return label, TrialRecord(
            session=session,
            row=trial.row,
            seed=trial.seed,
            started=started,
            seconds=round(sum(stages.seconds.values()), 3),
            stages={name: round(seconds, 3) for name, seconds in stages.seconds.items()},
            jobs=jobs,
            log=f"logs/{log.name}" if log.exists() else "",
            **fields,
        )

    queue = Queue(planned, labels)
    calls = [lambda: run(*queue.next())] * len(planned)
    for label, record in spread(calls, jobs, workers):
        folder.append(record)
        queue.took(record)
        listener.recorded(label, record)


def _keep_log(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copyfile(source, target)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that lasts as long as the context."""
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        yield Path(scratch)
