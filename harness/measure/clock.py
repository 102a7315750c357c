"""The host's clock: the device is synchronised before it starts and before it stops."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

import torch

T = TypeVar("T")


def synchronise(device: torch.device) -> None:
    """Waits until `device` has finished all work that was queued on it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(call: Callable[[], T], device: torch.device) -> tuple[float, T]:
    """The seconds that `call` took on `device`, and its result.

    By the device's own events on CUDA, by the host's clock elsewhere.
    """
    synchronise(device)
    if device.type == "cuda":
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call] # torch's
        begin.record(torch.cuda.current_stream(device))
        result = call()
        end.record(torch.cuda.current_stream(device))
        synchronise(device)
        return begin.elapsed_time(end) / 1000, result
    start = perf_counter()
    result = call()
    synchronise(device)
    return perf_counter() - start, result


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
