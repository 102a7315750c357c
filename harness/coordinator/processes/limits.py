"""What a worker may take: memory, as --memory says, and room for its log.

Memory is polled, not limited by the kernel. RLIMIT_AS and RLIMIT_DATA count what is reserved, not what
is used: CUDA and every thread reserve gigabytes; and they hold for each process alone, not for a worker
with the children that it starts. A worker that takes memory faster than it is polled is the first that
the kernel kills (`harness.worker.descendants.be_killed_first`). What processes share, as forked ones
do, is counted once (PSS, where the system knows it).

A log is a file that the worker writes to itself: it never waits for anybody. It is cut when the worker has
ended. Only one that grows without bounds is cut before: what is written between the last read and the cut,
within microseconds, is lost then. No lock holds a writer, a pipe would make it wait, and not every file
system can free the middle of a file.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from harness.coordinator.processes.process import Worker
from harness.protocol.events import Failed

#: A log holds this many bytes at the most: the first half and the last of what was printed.
LOG_BYTES = 10_000_000
#: While its worker runs it may hold this many.
_GROWING_BYTES = 10 * LOG_BYTES

_EVERY_SECONDS = 0.2
#: Children of a worker are looked for once in so many times: that takes a look at every process.
_CHILDREN_EVERY = 5
#: A worker that prints without end writes while its log is read: it is read on so many times at the most.
_CATCHING_UP = 10
_MARK = b"\n... %d bytes are left out here: a log keeps its beginning and its end ...\n"


@dataclass
class _Watched:
    log: Path
    left_out: int = 0
    looks: int = 0
    processes: list[psutil.Process] = field(default_factory=list)


class Watchdog:
    """Looks after the workers of one command, in a thread of its own; `memory` is in GiB a worker."""

    def __init__(self, memory: float | None = None) -> None:
        self._memory = memory
        self._watched: dict[Worker, _Watched] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def add(self, worker: Worker, log: Path) -> None:
        """Looks after `worker` from now on."""
        with self._lock:
            self._watched[worker] = _Watched(log)

    def remove(self, worker: Worker) -> None:
        """The worker has ended: cuts its log for the last time."""
        with self._lock:
            watched = self._watched.pop(worker, None)
        if watched:
            cut(watched.log, watched.left_out)

    def close(self) -> None:
        """Looks after nobody any more."""
        self._closed.set()

    def _look(self) -> None:
        while not self._closed.wait(_EVERY_SECONDS):
            with self._lock:
                for worker, watched in self._watched.items():
                    watched.left_out = cut(
                        watched.log, watched.left_out, longer_than=_GROWING_BYTES
                    )
                    if self._memory is not None and self._takes_too_much(worker, watched):
                        reason = f"took more than {self._memory:g} GiB of memory (--memory)"
                        worker.end(Failed(status="oom", reason=reason))

    def _takes_too_much(self, worker: Worker, watched: _Watched) -> bool:
        assert self._memory is not None
        with suppress(psutil.Error):
            if watched.looks % _CHILDREN_EVERY == 0:
                process = psutil.Process(worker.pid)
                watched.processes = [process, *process.children(recursive=True)]
            watched.looks += 1
            return used_bytes(watched.processes, self._memory * 2**30) > self._memory * 2**30
        return False


def used_bytes(processes: list[psutil.Process], enough: float) -> int:
    """The memory of `processes`; a coarser and higher figure where that is below `enough` already."""
    resident = own = 0
    for process in processes:
        with suppress(psutil.Error):
            resident += process.memory_info().rss
    if resident < enough:
        return resident
    for process in processes:
        with suppress(psutil.Error):
            taken = process.memory_full_info()
            own += getattr(taken, "pss", taken.uss)
    return own


def cut(log: Path, left_out: int = 0, most: int = LOG_BYTES, longer_than: int = 0) -> int:
    """Cuts the middle out of a log of more than `most` bytes; returns the bytes left out so far.

    One of no more than `longer_than` bytes is left as it is.
    """
    with suppress(OSError):
        size = log.stat().st_size
        if size <= max(most, longer_than):
            return left_out
        head, tail = most // 2, most // 2 - 2 * len(_MARK)
        mark = len(_MARK % left_out) if left_out else 0
        with log.open("r+b") as file, log.open("ab") as end:
            file.seek(size - tail)
            last = b""
            for _ in range(_CATCHING_UP):  # what was written while the others were read is not lost
                if not (more := file.read()):
                    break
                last += more
            left_out += size - tail + len(last) - head - tail - mark
            file.truncate(head)
            end.write(_MARK % left_out + last[-tail:])
    return left_out
