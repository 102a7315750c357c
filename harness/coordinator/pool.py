"""Several workers at once, and the end of them all when a run is interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from harness.errors import UsageError
from harness.coordinator.process import Worker

T = TypeVar("T")


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
