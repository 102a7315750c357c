"""The host's clock: the device is synchronised before it starts and before it stops."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter, process_time
from typing import TypeVar

import psutil
import torch

T = TypeVar("T")


def synchronise(device: torch.device) -> None:
    """Waits until `device` has finished all work that was queued on it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(call: Callable[[], T], device: torch.device) -> tuple[float, T]:
    """The seconds that `call` took on `device`, and its result.

    By the host's clock between two synchronisations of the whole device, so that work counts on
    whatever stream a plugin puts it.
    """
    synchronise(device)
    start = perf_counter()
    result = call()
    synchronise(device)
    return perf_counter() - start, result


def cpu_seconds() -> float:
    """The CPU time of all threads of this process, and of its children where the system lists them (Linux).

    What a hook hands to another process is its work as well.
    """
    ended = os.times()
    total = process_time() + ended.children_user + ended.children_system
    for child in _children("self"):
        with suppress(psutil.Error):
            used = psutil.Process(child).cpu_times()
            total += used.user + used.system + used.children_user + used.children_system
    return total


def _children(process: str) -> Iterator[int]:
    """The children of a process and theirs; psutil would look at every process of the machine."""
    for threads in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # it has ended meanwhile
            for child in threads.read_text().split():
                yield int(child)
                yield from _children(child)


def event_seconds(call: Callable[[], object], device: torch.device) -> float:
    """The seconds between two CUDA events around `call` on the current stream: a cross-check of `timed`.

    Never more than the host's time. Much less where the work is on another stream, or where the host
    waits for something else.
    """
    synchronise(device)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call] # torch's
    begin.record(torch.cuda.current_stream(device))
    call()
    end.record(torch.cuda.current_stream(device))
    synchronise(device)
    return float(begin.elapsed_time(end)) / 1000


def exempt_from_collection() -> None:
    """Excludes all objects that exist now, mostly those of modules, from later garbage collections.

    After torch and a framework are imported, a collection takes a tenth of a second, which would be
    most of a round.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def no_collection() -> Iterator[None]:
    """Collects garbage now and not inside: a collection during a call would count as its time."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
