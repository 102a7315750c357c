"""Which batches fit: by the memory and the time of smaller ones, never tried out."""

from __future__ import annotations

from collections.abc import Callable

import torch

from harness.measure.memory import available_memory, peak_memory

#: The batch of throughput is doubled from here, as long as it fits and a call stays this short.
FIRST_BATCH, _LONGEST_CALL = 250, 0.1
#: The share of the free memory that a batch may take by its forecast.
_MEMORY_SHARE = 0.5
#: A batch of a sweep that is tried without a forecast of its memory.
_SURE_TO_FIT = 32

Call = Callable[[int], float]
"""The seconds of a call on so many samples."""


def largest_batch(call: Call, first: int, most: int, device: torch.device) -> int:
    """The largest batch that is sure to fit and keeps a call short: `first`, doubled while it does.

    Halved, where not even the first fits; `most` at most. The memory of the doubled batch is forecast
    from this one's.
    """
    size = first
    while (peak := _peak(call, size, device)) is None and size > 1:
        size //= 2
    while peak is not None and size < most:
        doubled = min(2 * size, most)
        if peak * doubled / size > _MEMORY_SHARE * available_memory(device):
            break
        if call(size) * doubled / size > _LONGEST_CALL:
            break
        size = doubled
        peak = _peak(call, size, device)
    return size


def fits(call: Call, size: int, device: torch.device) -> bool:
    """Whether a batch of `size` is sure to fit, by the memory of one half as large."""
    if size <= _SURE_TO_FIT:
        return True
    peak = _peak(call, size // 2, device)
    return peak is not None and 2 * peak <= _MEMORY_SHARE * available_memory(device)


def _peak(call: Call, size: int, device: torch.device) -> float | None:
    """The peak memory of a call on `size` samples, in bytes; None where it does not fit the GPU."""
    kind = "device_memory_bytes" if device.type == "cuda" else "peak_memory_bytes"
    try:
        return peak_memory(lambda: call(size), device)[kind]
    except torch.OutOfMemoryError:
        return None
