"""The process that computes metrics by hook: it holds no plugin."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

from harness.coordinator.pool import Workers
from harness.coordinator.process import Worker
from harness.coordinator.starter import StarterDied
from harness.protocol import ComputeMetric, DescribeMetrics, Event, Failed


class MetricWorker:
    """A process that computes metrics; after one that died, another answers."""

    def __init__(self, workers: Workers, log: Path | None = None) -> None:
        self._workers, self._log = workers, log
        self._worker: Worker | None = None
        self._lock = threading.Lock()
        self._stack = ExitStack()

    def __enter__(self) -> MetricWorker:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def ask(self, request: DescribeMetrics | ComputeMetric, timeout: float) -> Event:
        """The answer to a request, one at a time."""
        with self._lock:
            try:
                self._worker = self._worker or self._started()
            except StarterDied as reason:
                return Failed(status="crashed", reason=str(reason))
            event = self._worker.ask(request, timeout)
            if isinstance(event, Failed) and event.status in ("timeout", "crashed", "oom"):
                self._worker = None
            return event

    def _started(self) -> Worker:
        log = self._log or self._workers.scratch("metrics.log")
        return self._stack.enter_context(self._workers.start(log, 1, ""))
