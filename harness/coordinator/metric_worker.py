"""The process that computes metrics by hook: it holds no plugin."""

from __future__ import annotations

import threading
from pathlib import Path

from harness.catalogue.plugins import Plugin
from harness.coordinator.processes.pool import Workers, asking
from harness.protocol.events import Event
from harness.protocol.requests import ComputeMetric, DescribeMetrics
from harness.subjects import PluginLocation


class MetricWorker:
    """A process that computes metrics; after one that died, another answers."""

    def __init__(self, workers: Workers, log: Path | None = None) -> None:
        nobodys = Plugin("metrics", PluginLocation("metrics"), framework="")
        self._worker = asking(workers, nobodys, log or workers.scratch("metrics.log"), 1, where="")
        self._lock = threading.Lock()

    def __enter__(self) -> MetricWorker:
        self._ask = self._worker.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        self._worker.__exit__(None, None, None)

    def ask(self, request: DescribeMetrics | ComputeMetric, timeout: float) -> Event:
        """The answer to a request, one at a time."""
        with self._lock:
            return self._ask(request, timeout)
