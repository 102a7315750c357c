"""The rate by batch size: batches doubled from 1 until more samples at once no longer pay."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

from harness.protocol.events import Sweep, SweepPoint

#: The rate is flat where twice in a row a doubled batch gains less than this.
GAIN, _FLAT = 0.05, 2
#: Timed calls of a batch, after one that warms up: the fewest, and the most where they are quick.
_FEWEST, _MOST = 3, 30
#: The share of the sweep's time that the calls of one batch may take beyond the fewest.
_SHARE = 0.05


def sweep(
    call: Callable[[int], float],
    largest: int,
    seconds: float,
    fits: Callable[[int], bool] = lambda _batch: True,
) -> Sweep:
    """The median of `call(batch)`, in seconds, for each batch up to `largest`, in about `seconds`.

    `fits(batch)` is asked before a batch is tried. The last batch is `largest`, where it is reached.
    """
    points: list[SweepPoint] = []
    start, batch, flat, best = perf_counter(), 1, 0, 0.0
    while True:
        if not fits(batch):
            return Sweep(points=tuple(points), ended="memory")
        times = _times(call, batch, _SHARE * seconds)
        median, undisturbed = statistics.median(times), batch / min(times)
        points.append(SweepPoint(batch=batch, ms=1000 * median, rate=batch / median))
        # By the fastest calls: other programs only ever add time, and must not look like a plateau.
        flat = flat + 1 if undisturbed < (1 + GAIN) * best else 0
        best = max(best, undisturbed)
        if flat == _FLAT:
            return Sweep(points=tuple(points), ended="flat")
        if batch >= largest:
            return Sweep(points=tuple(points), ended="data")
        doubled = min(2 * batch, largest)
        forecast = (1 + _FEWEST) * median * doubled / batch
        if perf_counter() - start + forecast > seconds:
            return Sweep(points=tuple(points), ended="time")
        batch = doubled


def _times(call: Callable[[int], float], batch: int, seconds: float) -> list[float]:
    call(batch)
    times: list[float] = []
    start = perf_counter()
    while len(times) < _FEWEST or (len(times) < _MOST and perf_counter() - start < seconds):
        times.append(call(batch))
    return times
