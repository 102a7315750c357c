"""Nothing that a plugin starts outlives its worker, not even a process in a session of its own.

A subreaper is given the orphans among its descendants in place of init (prctl(2), Linux). Workers and
starters are subreapers: what a worker leaves behind becomes a child of its starter, which kills it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress

import psutil

_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Orphans among this process's descendants become its children; on Linux only."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def be_killed_first() -> None:
    """Where memory runs out, the kernel ends this process before the coordinator; on Linux only."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 (starts quickly)
        file.write("500")


def children() -> set[int]:
    """The process ids of the children of this process."""
    return {child.pid for child in psutil.Process().children()}


def kill_children(spared: Iterable[int] = ()) -> None:
    """Kills all children but `spared`, and what becomes a child by that, until none is left."""
    spared = set(spared)
    while pids := children() - spared:
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                spared.add(pid)  # somebody else has waited for it


def kill_descendants() -> None:
    """Kills everything below this process; leaves the waiting for it to whoever inherits it."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            process.kill()
