"""The peak performance of a device: its fastest matrix product in each precision, and its fastest copy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter

import torch

from harness.measure.clock import timed
from harness.measure.precision import precision, tf32
from harness.protocol.events import Measured

_SECONDS = 0.3
_SIDES = {"cpu": (256, 512, 1024), "cuda": (2048, 4096, 8192)}
_REDUCED_SIDES = {"cpu": (256, 512), "cuda": (4096, 8192)}
#: No larger product is tried after one this slow: a processor that has no arithmetic of its own for a
#: precision takes seconds.
_SLOW_SECONDS = 0.05
_COPY_BYTES = {"cpu": 2**28, "cuda": 2**30}

_REDUCED = {"bf16": torch.bfloat16, "fp16": torch.float16}


def measure_peaks(device: torch.device) -> Measured:
    """`peak_flops` (float32), that of each other precision, and `peak_bandwidth` of `device`.

    What cannot be measured is absent, with the reason.
    """
    kind = device.type
    passes: dict[str, Callable[[], float]] = {
        "peak_flops": lambda: peak_flops(device, torch.float32, _SIDES[kind]),
        "peak_bandwidth": lambda: peak_bandwidth(device),
    }
    if kind == "cuda":
        passes["peak_flops_tf32"] = lambda: peak_flops(
            device, torch.float32, _REDUCED_SIDES[kind], tf32()
        )
    for name, dtype in _REDUCED.items():
        passes[f"peak_flops_{name}"] = lambda dtype=dtype: peak_flops(  # type: ignore[misc]
            device, dtype, _REDUCED_SIDES[kind]
        )
    metrics: dict[str, float] = {}
    absent: dict[str, str] = {}
    for name, measure in passes.items():
        try:
            metrics[name] = measure()
        except (RuntimeError, MemoryError) as error:  # no memory, or no such product on this device
            absent[name] = str(error).strip().partition("\n")[0] or type(error).__name__
    return Measured(metrics=metrics, absent=absent, facts=dict(precision()))


def peak_flops(
    device: torch.device,
    dtype: torch.dtype,
    sides: tuple[int, ...],
    within: AbstractContextManager[None] | None = None,
) -> float:
    """Operations a second of the fastest of several square matrix products in `dtype`.

    A multiplication and an addition count as two. The fastest call, since this is a bound.
    """
    best = 0.0
    with within or nullcontext():
        for side in sides:
            a, b = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
            out = torch.empty(side, side, device=device, dtype=dtype)
            seconds = _fastest(lambda: torch.mm(a, b, out=out), device)  # noqa: B023
            best = max(best, 2 * side**3 / seconds)
            if seconds > _SLOW_SECONDS:
                break
    return best


def peak_bandwidth(device: torch.device) -> float:
    """Bytes a second, read and written, of the fastest copy of an array larger than any cache."""
    source = torch.zeros(_COPY_BYTES[device.type] // 4, device=device)
    target = torch.zeros_like(source)
    return 2 * _COPY_BYTES[device.type] / _fastest(lambda: target.copy_(source), device)


def _fastest(call: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest call in a share of `_SECONDS`, at least four; one call where it is slow."""
    if device.type == "cuda":
        call()  # loads the kernel, and at first the library: that can take longer than `_SLOW_SECONDS`
    times = [timed(call, device)[0]]
    start = perf_counter()
    while times[0] < _SLOW_SECONDS and (len(times) < 4 or perf_counter() - start < _SECONDS / 3):
        times.append(timed(call, device)[0])
    return min(times)
