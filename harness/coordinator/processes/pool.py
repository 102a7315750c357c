"""The processes of one command: workers of every plugin, and the end of them all."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from harness.catalogue.plugins import Plugin, preloads
from harness.coordinator.processes.failures import not_ready
from harness.coordinator.processes.limits import Watchdog
from harness.coordinator.processes.process import Worker
from harness.coordinator.processes.starter import COMMON, Starter, StarterDied
from harness.coordinator.processes.survivors import kill_survivors
from harness.errors import UsageError
from harness.protocol.events import Event, Failed, Progress
from harness.protocol.requests import Request

T = TypeVar("T")

#: HARNESS_FORK=0 starts every worker as a fresh process: slower, and equal in every result.
FORK = "HARNESS_FORK"


class Stoppable(Protocol):
    """What is at work, here or elsewhere."""

    def stop(self) -> None:
        """Ends whatever is at work now, and what starts later."""


def can_fork() -> bool:
    """Whether workers are forked here: not on macOS, where Metal does not survive it, nor on Windows."""
    return sys.platform.startswith("linux") and os.environ.get(FORK, "1") != "0"


class Workers:
    """Starts workers, by starters where the system can fork, and ends whatever is alive.

    A starter belongs to an interpreter, a framework, a number of threads and a `copy`: the two
    processes of a measured row come from two copies, so that their memory layouts differ. Framework
    starters are forked from one that has imported torch and the host. A worker that takes more than
    `memory` GiB is ended. Used as a context: leaving it ends everything.
    """

    def __init__(self, fork: bool | None = None, memory: float | None = None) -> None:
        self._fork = can_fork() if fork is None else fork
        self._alive: set[Worker] = set()
        self._starters: dict[tuple[str, str, int, int], Starter] = {}
        self._lock, self._starting = threading.Lock(), threading.Lock()
        self._closed = False
        self._token = uuid.uuid4().hex
        self._watchdog = Watchdog(memory)
        self.stopped = False

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        self._closed = True
        for _ in range(2):  # first those that another thread may wait for, then those it has begun
            for starter in reversed(list(self._starters.values())):  # branches before their base
                starter.end()
            with self._starting:
                pass
        self._watchdog.close()
        kill_survivors(self._token)
        self._scratch.cleanup()

    @contextmanager
    def start(
        self,
        log: Path,
        threads: int = 1,
        framework: str | None = None,
        copy: int = 0,
        interpreter: str = "",
    ) -> Iterator[Worker]:
        """A worker that is ended with the context, or by `stop`; UsageError where none can start.

        Without a `framework` it is a fresh process; with one (which may be ""), it is forked from the
        starter of that framework: where its import has started threads, which may hold a lock while the
        process is forked, it is a fresh process too. `interpreter` is the Python that runs it, "" for this
        one.
        """
        try:
            if framework is None or not self._fork:
                started = Worker.spawn(log, threads, interpreter, self._token)
            else:
                starter = self.starter(framework, threads, copy, interpreter)
                starter.wait_until_ready()
                if starter.threads:
                    started = Worker.spawn(log, threads, interpreter, self._token)
                else:
                    started = starter.worker(log, threads)
        except OSError as error:
            raise UsageError(f"cannot start a worker that logs to {log}: {error}") from None
        try:
            with started as worker:
                self._watchdog.add(worker, log)
                with self._lock:
                    self._alive.add(worker)
                    if self.stopped:
                        worker.kill()
                try:
                    yield worker
                finally:
                    with self._lock:
                        self._alive.discard(worker)
        finally:
            self._watchdog.remove(started)

    def starter(
        self, framework: str, threads: int, copy: int = 0, interpreter: str = ""
    ) -> Starter:
        """The starter of `framework`; "" is that of torch and the host alone. May still be importing."""
        module = self._preloads.get(framework, "")
        with self._starting:
            if self._closed:
                raise StarterDied("the command has ended")
            return self._begun(interpreter, framework if module else "", module, threads, copy)

    def _begun(self, interpreter: str, name: str, module: str, threads: int, copy: int) -> Starter:
        """The starter of that name: begun where there is none, or where it was lost."""
        key = (interpreter, name, threads, copy)
        if key not in self._starters or self._starters[key].lost:
            if module:
                base = self._begun(interpreter, "", "", threads, copy)
                base.wait_until_ready()
                branched = base if base.threads else base.branch([module], self._log())
                self._starters[key] = branched
            else:
                self._starters[key] = Starter.spawn(
                    [COMMON], threads, self._log(), self._token, interpreter
                )
        return self._starters[key]

    def warm(
        self, frameworks: Sequence[str], threads: int, copies: int = 1, interpreter: str = ""
    ) -> None:
        """Begins to import `frameworks`, in the background; a failure is told by the worker's start.

        Torch first, for all copies at once: the import of one takes one core.
        """
        if not self._fork:
            return

        def begin() -> None:
            for framework in dict.fromkeys(("", *frameworks)):
                for copy in range(copies):
                    with suppress(Exception):
                        if self.stopped:
                            return
                        self.starter(framework, threads, copy, interpreter)

        threading.Thread(target=begin, daemon=True).start()

    def stop(self) -> None:
        """Ends every worker now, and every one that starts later."""
        with self._lock:
            self.stopped = True
            for worker in self._alive:
                worker.kill()

    @cached_property
    def _preloads(self) -> dict[str, str]:
        return preloads()

    @cached_property
    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="harness-", ignore_cleanup_errors=True)

    def scratch(self, name: str) -> Path:
        """A file that is gone when the command has ended."""
        return Path(self._scratch.name) / name

    def _log(self) -> Path:
        """Where the starters' own output goes: to a temporary file, shown to nobody unless they die."""
        return Path(self._scratch.name) / "starters.log"


@contextmanager
def asking(
    workers: Workers, plugin: Plugin, log: Path, threads: int, where: str = "start"
) -> Iterator[Callable[..., Event]]:
    """What asks a worker of `plugin`, as `Worker.ask` does; after one that died, another answers.

    Where none can start, that is the answer.
    """
    worker: Worker | None = None

    def ask(
        request: Request,
        timeout: float | None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Event:
        nonlocal worker
        if plugin.status != "ready":
            return not_ready(plugin)
        try:
            worker = worker or stack.enter_context(
                workers.start(log, threads, plugin.framework, interpreter=plugin.interpreter)
            )
        except StarterDied as reason:
            return Failed(status="crashed", reason=str(reason), where=where)
        event = worker.ask(request, timeout, progress)
        if isinstance(event, Failed) and event.status in ("timeout", "crashed", "oom"):
            worker = None
        return event

    with ExitStack() as stack:
        yield ask


def spread(calls: Sequence[Callable[[], T]], jobs: int, workers: Stoppable) -> Iterator[T]:
    """Runs `calls`, `jobs` at a time, and yields their results in this thread as they come.

    Whatever ends the iteration early (Ctrl-C, a full disk) ends the workers first. A call is submitted
    when it is soon to begin: what has been yielded is not kept, however many calls there are.
    """
    waiting = iter(calls)
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        # As many more wait in the pool, so that no thread idles while a result is dealt with.
        pending = [pool.submit(call) for call in islice(waiting, 2 * max(1, jobs))]
        try:
            while pending:
                finished = wait(pending, return_when=FIRST_COMPLETED).done
                done = [future for future in pending if future in finished]  # in the order of calls
                pending = [future for future in pending if future not in finished]
                pending += [pool.submit(call) for call in islice(waiting, len(done))]
                while done:
                    yield done.pop(0).result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            workers.stop()
            raise
