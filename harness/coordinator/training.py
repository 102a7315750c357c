"""Carries out trials: plugins described, data made ready once, trials side by side."""

from __future__ import annotations

import heapq
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from harness.catalogue.plugins import Plugin
from harness.catalogue.tasks import find_task
from harness.config.options import RunConfig
from harness.config.paths import cache_folder
from harness.coordinator.checkpoints import Checkpoints
from harness.coordinator.executors.job import Executor, Job, Outcome, Stages
from harness.coordinator.executors.local import LocalExecutor
from harness.coordinator.listener import Listener
from harness.coordinator.metrics import OwnMetric
from harness.coordinator.outcome import recorded, trained, unexpected
from harness.coordinator.own_metrics import own_metrics
from harness.coordinator.plan import Planned
from harness.coordinator.pool import Workers, asking, spread
from harness.coordinator.reload import reloaded
from harness.coordinator.scoring import Scorer
from harness.errors import UsageError
from harness.plugin.parameters import Parameter, Presets
from harness.protocol import (
    Describe,
    Described,
    DescribeTasks,
    Event,
    Failed,
    Prepare,
    Prepared,
    Progress,
    TasksDescribed,
    Trained,
)
from harness.results.record import TrialRecord
from harness.results.store import RunFolder
from harness.subjects import TaskLocation

#: Finding data and importing a plugin take seconds; a download may take minutes.
_DESCRIBE_SECONDS, _PREPARE_SECONDS = 300.0, 3600.0


def describe(
    plugins: Sequence[Plugin], workers: Workers, jobs: int, threads: int, logs: Path
) -> dict[str, Presets | Failed]:
    """The presets of each plugin by its label, or why it has none; `logs`/LABEL.log has what it printed."""

    def ask(plugin: Plugin) -> tuple[str, Presets | Failed]:
        with asking(workers, plugin, logs / f"{plugin.label}.log", threads, "import") as ask_worker:
            event = ask_worker(Describe(plugin=plugin.location), _DESCRIBE_SECONDS)
        if isinstance(event, Described):
            parameters = {key: Parameter(**p) for key, p in event.parameters.items()}
            return plugin.label, Presets(parameters, event.values, event.sources, event.family)
        return plugin.label, event if isinstance(event, Failed) else unexpected(event)

    return dict(spread([partial(ask, plugin) for plugin in plugins], jobs, workers))


def prepare(
    task: str,
    folders: list[str],
    workers: Workers,
    say: Callable[[str], None],
    interpreter: str = "",
) -> Prepared:
    """The task's data, by one process for all trials; UsageError where they cannot be had."""
    location = _find(task)
    request = Prepare(task=location, data=folders, cache=str(cache_folder()))
    event = _ask_once(request, task, workers, say, interpreter)
    assert isinstance(event, Prepared)
    return event


def describe_tasks(
    location: TaskLocation, folders: list[str], workers: Workers, prepared: bool = False
) -> list[dict[str, Any]]:
    """What `harness.tasks.describe` tells of each task of a module or file; UsageError if it can't.

    With `prepared`, also what is known from an earlier run: that takes as long as a digest of the data.
    """
    request = DescribeTasks(
        task=location, data=folders, cache=str(cache_folder()), prepared=prepared
    )
    event = _ask_once(request, location.name or location.place.name, workers, lambda _: None)
    assert isinstance(event, TasksDescribed)
    return event.tasks


def _find(task: str) -> TaskLocation:
    try:
        return find_task(task).location
    except UsageError as error:
        raise UsageError(f"task {task}: {error}") from None


def _ask_once(
    request: Prepare | DescribeTasks,
    task: str,
    workers: Workers,
    say: Callable[[str], None],
    interpreter: str = "",
) -> Event:
    with (
        scratch_folder() as folder,
        workers.start(folder / "log", interpreter=interpreter) as worker,
    ):
        event = worker.ask(request, _PREPARE_SECONDS, lambda progress: say(progress.stage))
        if isinstance(event, (Prepared, TasksDescribed)):
            return event
        reason = event.reason if isinstance(event, Failed) else event.type
        lines = (folder / "log").read_text(errors="replace").strip().splitlines()
        if isinstance(event, Failed) and event.status not in ("failed", "invalid") and lines:
            reason = f"{reason}: {lines[-1]}"
        raise UsageError(f"task {task}: {reason}")


class Queue:
    """The trials that have not begun, seed by seed; within a seed, the longest rows first.

    How long a row takes is known from its seeds before. Begun last, the longest would hold up the end.
    """

    def __init__(self, planned: Sequence[Planned]) -> None:
        self._open: dict[int, dict[str, Planned]] = {}
        for plan in planned:
            self._open.setdefault(plan.trial.seed, {})[plan.trial.row.key] = plan
        self._seconds: dict[str, float] = {}
        self._heap: list[tuple[float, int, str]] = []  # of the seed that is next, the longest first
        self._lock = threading.Lock()

    def took(self, record: TrialRecord) -> None:
        """Keeps what a trial of the record's row takes."""
        key = record.row.key
        with self._lock:
            self._seconds[key] = record.seconds
            if self._heap:
                heapq.heappush(self._heap, (-record.seconds, 0, key))

    def next(self) -> Planned:
        """Takes the trial that should begin now."""
        with self._lock:
            seed, same = next(iter(self._open.items()))
            if not self._heap:
                times = self._seconds
                self._heap = [(-times.get(key, 0.0), n, key) for n, key in enumerate(same)]
                heapq.heapify(self._heap)
            while (longest := heapq.heappop(self._heap)[2]) not in same:
                pass  # its time became known since, and it was taken by that
            plan = same.pop(longest)
            if not same:
                del self._open[seed]
                self._heap = []
            return plan


def run_trials(
    planned: Sequence[Planned],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    session: int,
    described_logs: Path,
    workers: Workers,
    listener: Listener,
    labels: Path,
    chosen: Sequence[OwnMetric] = (),
    executor: Executor | None = None,
) -> bool:
    """Runs the trials, several at a time, and appends what became of each, with the `chosen` metrics.

    The true classes of the test samples are kept in `labels`. Trials run where `executor` runs them, on
    this machine by `workers` without one. False where one failed that was to end the run, as
    `config.fail_fast` says.
    """
    if executor is None:
        slots = config.parallel(planned[0].trial.row.device) if planned else 1
        executor = LocalExecutor(workers, config, data, slots)
    scorer = Scorer(data.task, data.labels, folder, labels, config.limit)
    stack = ExitStack()
    own = stack.enter_context(
        own_metrics(
            chosen if data.labels else (),
            workers,
            labels,
            data.task.classes if data.task else 0,
            described_logs,
            folder.file("logs", "metrics", ".log"),
        )
    )

    checkpoints = Checkpoints(config.checkpoint, folder, listener.message)
    stack.callback(checkpoints.close)

    def run(plan: Planned) -> tuple[str, TrialRecord]:
        def heard(progress: Progress) -> None:
            checkpoints.heard(plan, progress)
            listener.progress(plan.label, progress)

        trial, log = plan.trial, folder.file("logs", plan.trial.key, ".log")
        if plan.refused:
            outcome = Outcome(plan.refused, datetime.now(UTC).isoformat(timespec="seconds"))
            with suppress(FileNotFoundError):
                shutil.copyfile(described_logs / f"{plan.plugin.label}.log", log)
        else:
            job = Job(
                plan.plugin,
                trial,
                log=log,
                state=folder.file("state", trial.key, ".safetensors"),
                predictions=folder.file("predictions", trial.key, ".safetensors"),
                asked={**own.asked(trial.key), **checkpoints.asked(trial)},
            )
            outcome = executor.run(job, heard)
        stages = Stages(outcome.stages, "score")
        event = scorer.check(outcome.event, trial, set(outcome.stages))
        fields = scorer.score(trained(event), trial)
        unchanged = outcome.event.unchanged if isinstance(outcome.event, Trained) else {}
        fields = own.add(fields, trial.key, unchanged)
        if fields["status"] == "ok":
            stages.enter("reload")
            fields = reloaded(fields, executor.reload(job, outcome))
        stages.enter("end")
        if plan.source and plan.source.accuracy is not None and fields["status"] == "ok":
            fields["metrics"]["reported_accuracy"] = plan.source.accuracy
        return plan.label, recorded(
            TrialRecord,
            fields,
            session=session,
            row=trial.row,
            seed=trial.seed,
            started=outcome.started,
            seconds=round(sum(stages.seconds.values()), 3),
            stages={name: round(seconds, 3) for name, seconds in stages.seconds.items()},
            jobs=executor.slots,
            node=outcome.node,
            source=plan.source,
            family=plan.family,
            unused=plan.unused,
            log=f"logs/{log.name}" if log.exists() else "",
        )

    queue = Queue(planned)
    calls = [lambda: run(queue.next())] * len(planned)
    with stack:
        for label, record in spread(calls, executor.parallel, executor):
            folder.append(record)
            checkpoints.recorded(record)
            queue.took(record)
            listener.recorded(label, record)
            if config.fail_fast and record.status not in ("ok", "skipped"):
                listener.message("stopped at the first failure (--fail-fast)")
                executor.stop()
                return False
    return True


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that lasts as long as the context."""
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        yield Path(scratch)
