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

    By the host's clock between two synchronisations of the whole device, so that work counts on
    whatever stream a plugin puts it.
    """
    synchronise(device)
    start = perf_counter()
    result = call()
    synchronise(device)
    return perf_counter() - start, result


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
