"""Carries out a plan: presets asked for, data made ready once, trials side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

from harness.plugin import Parameter, Presets
from harness.errors import UsageError
from harness.catalogue.plugins import Plugin
from harness.protocol import (
    Describe,
    Described,
    Event,
    Failed,
    Prepare,
    Prepared,
    RunTrial,
    Trial,
)
from harness.results.record import Record
from harness.results.store import RunFolder
from harness.coordinator.config import RunConfig, cache_folder
from harness.coordinator.listener import Listener
from harness.coordinator.outcome import not_ready, outcome, record_of
from harness.coordinator.pool import Workers, spread

#: Finding data and importing a plugin take seconds; a download may take minutes.
_DESCRIBE_SECONDS, _PREPARE_SECONDS = 300.0, 3600.0


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


@contextmanager
def _scratch_log() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        yield Path(scratch) / "log"
