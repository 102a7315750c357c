"""Carries out a plan: data once, trials side by side, then the timing group alone on the machine."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Literal, TypeVar

from harness.contract import Parameter, Presets
from harness.errors import UsageError
from harness.plugins import Plugin
from harness.protocol import (
    Describe,
    Described,
    Event,
    Failed,
    Prepare,
    Prepared,
    RunTrial,
    Trained,
    Trial,
)
from harness.results.record import Record, finite
from harness.results.store import RunFolder
from harness.runs.config import RunConfig, cache_folder
from harness.runs.listener import Listener
from harness.runs.worker import Worker

T = TypeVar("T")

#: Finding data and importing a plugin take seconds; a download may take minutes.
_DESCRIBE_SECONDS, _PREPARE_SECONDS = 300.0, 3600.0


@dataclass
class Workers:
    """The living workers, so that an interrupt can end them all."""

    _alive: set[Worker] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: bool = False

    @contextmanager
    def start(self, log: Path, threads: int = 1) -> Iterator[Worker]:
        """A worker that is ended with the context, or by `stop`; UsageError where none can start."""
        try:
            started = Worker(log, threads)
        except OSError as error:
            raise UsageError(f"cannot start a worker that logs to {log}: {error}") from None
        with started as worker:
            with self._lock:
                self._alive.add(worker)
                if self.stopped:
                    worker.kill()
            try:
                yield worker
            finally:
                with self._lock:
                    self._alive.discard(worker)

    def stop(self) -> None:
        """Ends every worker now, and every one that starts later."""
        with self._lock:
            self.stopped = True
            for worker in self._alive:
                worker.kill()


def spread(calls: Sequence[Callable[[], T]], jobs: int, workers: Workers) -> Iterator[T]:
    """Runs `calls`, `jobs` at a time, and yields their results in this thread as they come.

    Whatever ends the iteration early (Ctrl-C, a full disk) ends the workers first.
    """
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        waiting: set[Future[T]] = {pool.submit(call) for call in calls}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            workers.stop()
            raise


def ask_presets(plugins: Iterable[Plugin], workers: Workers, jobs: int) -> dict[str, Presets]:
    """The presets of each plugin that can be imported; one that cannot fails in its own trial."""

    def ask(plugin: Plugin) -> tuple[str, Event]:
        with _scratch_log() as log, workers.start(log) as worker:
            return plugin.name, worker.ask(Describe(plugin=plugin.source), _DESCRIBE_SECONDS)

    answers = spread([partial(ask, plugin) for plugin in plugins], jobs, workers)
    return {
        name: Presets({key: Parameter(**p) for key, p in event.parameters.items()}, event.values)
        for name, event in answers
        if isinstance(event, Described)
    }


def prepare(config: RunConfig, workers: Workers, listener: Listener) -> Prepared:
    """The task's data, by one process for all trials; UsageError where they cannot be had."""
    request = Prepare(task=config.task, data=config.data_folders(), cache=str(cache_folder()))
    with _scratch_log() as log, workers.start(log) as worker:
        event = worker.ask(request, _PREPARE_SECONDS, lambda p: listener.message(p.stage))
        if isinstance(event, Prepared):
            return event
        reason = event.reason if isinstance(event, Failed) else event.type
        lines = log.read_text(errors="replace").strip().splitlines()
        if isinstance(event, Failed) and event.status != "failed" and lines:
            reason = f"{reason}: {lines[-1]}"
        raise UsageError(f"task {config.task}: {reason}")


def run_trials(
    trials: Sequence[Trial],
    plugins: dict[str, Plugin],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    workers: Workers,
    listener: Listener,
) -> None:
    """Runs `trials`, several at a time, and appends what became of each."""
    jobs = config.parallel(trials[0].device) if trials else 1

    def run(trial: Trial) -> Record:
        plugin = plugins[trial.plugin.name]
        log = folder.file("logs", trial.key, ".log")
        started, start = datetime.now(UTC).isoformat(timespec="seconds"), monotonic()
        if plugin.status == "ready":
            state = folder.file("state", trial.key, ".safetensors")
            request = RunTrial(trial=trial, data=data.path, state=str(state.resolve()))
            with workers.start(log, trial.threads) as worker:
                event = worker.ask(
                    request, config.timeout, lambda p: listener.progress(trial.key, p)
                )
        else:
            event = not_ready(plugin)
        return record_of(
            trial,
            plugin,
            "trial",
            **outcome(event),
            started=started,
            seconds=round(monotonic() - start, 3),
            jobs=jobs,
            log=f"logs/{log.name}" if log.exists() else "",
        )

    calls = [partial(run, trial) for trial in trials]
    for record in spread(calls, jobs, workers):
        folder.append(record)
        listener.recorded(record)


def not_ready(plugin: Plugin) -> Failed:
    """What becomes of a trial whose plugin cannot start: missing is skipped, broken has failed."""
    if plugin.status == "missing":
        return Failed(status="skipped", reason=f"{plugin.reason}; {plugin.install}")
    return Failed(status="failed", reason=plugin.reason, where="import")


def outcome(event: Event) -> dict[str, Any]:
    """The fields of a record that an answer to `RunTrial` fills."""
    match event:
        case Trained():
            return {
                "status": "ok",
                "params": event.params,
                "versions": event.versions,
                "metrics": finite(event.metrics),
                "layers": event.layers,
                "history": event.history,
            }
        case Failed():
            # An invalid output names its hook itself, and a skip is what the plugin says.
            told = event.where and event.status not in ("invalid", "skipped")
            reason = f"{event.where}: {event.reason}" if told else event.reason
            return {"status": event.status, "reason": reason}
        case _:
            return {"status": "crashed", "reason": f"the worker answered {event.type!r}"}


def record_of(
    trial: Trial, plugin: Plugin, stage: Literal["trial", "timing"], **outcome: Any
) -> Record:
    """The record of what became of `trial` in `stage`."""
    fields: dict[str, Any] = {
        "stage": stage,
        "key": trial.key,
        "plugin": trial.plugin.name,
        "label": trial.label,
        "framework": plugin.framework,
        "framework_version": plugin.framework_version,
        "task": trial.task,
        "preset": trial.preset,
        "params": trial.overrides,
        "seed": trial.seed,
        "device": trial.device,
        "threads": trial.threads,
    }
    return Record(**fields | outcome)


@contextmanager
def _scratch_log() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        yield Path(scratch) / "log"
