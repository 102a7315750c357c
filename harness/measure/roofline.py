"""The peak performance of a device: its fastest matrix product and copy, measured."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import torch

from harness.measure.clock import timed

_SECONDS = 0.3
_SIDES = {"cpu": (256, 512, 1024), "cuda": (2048, 4096, 8192)}
_COPY_BYTES = {"cpu": 2**28, "cuda": 2**30}


def measure_peaks(device: torch.device) -> dict[str, float]:
    """`peak_flops` and `peak_bandwidth` of `device`."""
    return {"peak_flops": peak_flops(device), "peak_bandwidth": peak_bandwidth(device)}


def peak_flops(device: torch.device) -> float:
    """float32 operations a second of the fastest of several square matrix products.

    A multiplication and an addition count as two. The fastest call, since this is a bound.
    """
    best = 0.0
    for side in _SIDES[device.type]:
        a, b = (torch.rand(side, side, device=device) for _ in range(2))
        out = torch.empty(side, side, device=device)
        best = max(best, 2 * side**3 / _fastest(lambda: torch.mm(a, b, out=out), device))  # noqa: B023
    return best


def peak_bandwidth(device: torch.device) -> float:
    """Bytes a second, read and written, of the fastest copy of an array larger than any cache."""
    source = torch.zeros(_COPY_BYTES[device.type] // 4, device=device)
    target = torch.zeros_like(source)
    return 2 * _COPY_BYTES[device.type] / _fastest(lambda: target.copy_(source), device)


def _fastest(call: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest call in a share of `_SECONDS`, at least three."""
    call()
    times: list[float] = []
    start = perf_counter()
    while len(times) < 3 or perf_counter() - start < _SECONDS / 3:
        times.append(timed(call, device)[0])
    return min(times)
