"""Tasks and their data: one worker describes them, or makes them ready once for all trials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.catalogue.tasks import find_task
from harness.config.paths import cache_folder
from harness.coordinator.processes.pool import Workers
from harness.coordinator.scratch import scratch_folder
from harness.errors import UsageError
from harness.protocol.events import Event, Failed, Prepared, TasksDescribed
from harness.protocol.requests import DescribeTasks, Prepare
from harness.subjects import TaskLocation

#: Finding data takes seconds; a download may take minutes.
_PREPARE_SECONDS = 3600.0


def prepare(
    task: str,
    folders: list[str],
    workers: Workers,
    say: Callable[[str], None],
    interpreter: str = "",
) -> Prepared:
    """The task's data, by one process for all trials; UsageError where they cannot be had."""
    try:
        location = find_task(task).location
    except UsageError as error:
        raise UsageError(f"task {task}: {error}") from None
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
