"""What is left of workers that have died, as the system tells it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import psutil

from harness.coordinator.processes.worker_environment import TOKEN

_SECONDS = 5.0


def survivors(token: str) -> list[psutil.Process]:
    """The living processes that were started with `token`, or one that begins with it, to mark them."""
    processes = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(TOKEN, "").startswith(token):
                processes.append(process)
    return processes


def kill_survivors(token: str) -> None:
    """Kills them, and those that they started meanwhile."""
    until = monotonic() + _SECONDS
    while processes := survivors(token):
        for process in processes:
            with suppress(psutil.Error):
                process.kill()
        for process in processes:
            wait_until_gone(process.pid, _SECONDS)
        if monotonic() > until:  # somebody else's, or the kernel is busy for them
            return


def has_ended(pid: int) -> bool:
    """Whether a process that is no child of ours has ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def is_stopped(pid: int) -> bool:
    """Whether somebody has stopped the process, by SIGSTOP."""
    with suppress(psutil.Error):
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    return False


def wait_until_gone(pid: int, seconds: float) -> None:
    """Waits until a killed process that is no child of ours has ended, for `seconds` at most."""
    until = monotonic() + seconds
    while not has_ended(pid) and monotonic() < until:
        sleep(0.005)


def kills_by_the_kernel(counters: Path = Path("/proc/vmstat")) -> int:
    """How many processes the kernel has killed since it started because memory ran out; 0 if unknown."""
    with suppress(OSError, ValueError):
        for line in counters.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
