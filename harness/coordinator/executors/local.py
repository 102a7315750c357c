"""Trials on this machine, several side by side."""

from __future__ import annotations

from collections.abc import Callable

from harness.config.options import RunConfig
from harness.coordinator.executors.job import Job, Outcome, reload_here, run_here
from harness.coordinator.processes.pool import Workers
from harness.protocol.events import Event, Prepared, Progress


class LocalExecutor:
    """Starts the worker of each trial here."""

    def __init__(self, workers: Workers, config: RunConfig, data: Prepared, slots: int) -> None:
        self.slots = self.parallel = slots
        self._workers, self._timeout, self._data = workers, config.timeout, data.path

    def run(self, job: Job, progress: Callable[[Progress], None]) -> Outcome:
        """As `Executor.run`."""
        return run_here(self._workers, job, self._data, self._timeout, progress)

    def reload(self, job: Job, outcome: Outcome) -> Event:
        """As `Executor.reload`: after the predictions were scored, so for good networks alone."""
        return reload_here(self._workers, job, self._data, self._timeout, outcome.event)

    def stop(self) -> None:
        """As `Executor.stop`."""
        self._workers.stop()
