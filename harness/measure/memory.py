"""Peak memory of a call above the level before it, and the size of a model's tensors."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch
from torch import nn

from harness import cgroup
from harness.measure.heap import small_pages

_CLEAR_REFS = Path("/proc/self/clear_refs")
_POLL_SECONDS = 0.001


def peak_memory(call: Callable[[], object], device: torch.device) -> dict[str, float]:
    """Runs `call`; `peak_memory_bytes` of the host and, on CUDA, `device_memory_bytes`.

    Both are peaks above the level at the start: the interpreter, the imported
    framework, the data set and the model are not included. What `call` allocates itself, such as a
    batch, is.
    """
    gc.collect()
    release_device_memory()
    metrics: dict[str, float] = {}
    with small_pages(), _host_peak() as peak:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            torch.cuda.reset_peak_memory_stats(device)
            before = torch.cuda.memory_allocated(device)
            call()
            torch.cuda.synchronize(device)
            metrics["device_memory_bytes"] = torch.cuda.max_memory_allocated(device) - before
        else:
            call()
    metrics["peak_memory_bytes"] = max(0, peak[-1])
    return metrics


def available_memory(device: torch.device) -> int:
    """The bytes that are free on `device`; those that this process's container leaves it, on the CPU."""
    if device.type == "cuda":
        release_device_memory()  # what torch only keeps for later is free
        return int(torch.cuda.mem_get_info(device)[0])
    free, left = int(psutil.virtual_memory().available), cgroup.free_bytes()
    return free if left is None else min(free, left)


def footprint(model: nn.Module) -> dict[str, int]:
    """The number of `parameters`, and the `footprint_bytes` of parameters and buffers."""
    parameters = list(model.parameters())
    return {
        "parameters": sum(p.numel() for p in parameters),
        "footprint_bytes": sum(tensor.nbytes for tensor in (*parameters, *model.buffers())),
    }


def release_device_memory() -> None:
    """Returns what torch's allocator keeps of a GPU's memory to the card, where other processes find it."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call] # torch's
        torch.cuda.empty_cache()


@contextmanager
def _host_peak() -> Iterator[list[int]]:
    """Yields a list whose last entry is, afterwards, the peak resident bytes above the start."""
    process = psutil.Process()
    peaks: list[int] = []
    try:
        _CLEAR_REFS.write_text("5")  # Linux: resets the peak that the kernel itself keeps
    except OSError:
        yield from _polled_peak(process, peaks)
        return
    start = process.memory_info().rss
    yield peaks
    peaks.append(_kernel_peak() - start)


def _polled_peak(process: psutil.Process, peaks: list[int]) -> Iterator[list[int]]:
    """The same where the kernel has no peak that can be reset: sampled, hence a lower bound."""
    start = highest = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.wait(_POLL_SECONDS):
            highest = max(highest, process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        done.set()
        watcher.join()
    peaks.append(max(highest, process.memory_info().rss) - start)


def _kernel_peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel reports no peak resident size")
