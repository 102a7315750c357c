"""By how much two sessions of one machine differ in speed, as their rows and the probe show it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.results.machines import AGREE

#: What is left of a drift for a single row, at least: a standard deviation of the logarithm of times.
LEAST_DRIFT = 0.01

#: So many other rows show what two sessions differ by; fewer may have changed themselves.
LEAST_ROWS = 4


@dataclass(frozen=True)
class Drift:
    """What the later of two sessions takes longer by: the logarithm of a ratio, known up to `sd`."""

    shift: float = 0.0
    sd: float = LEAST_DRIFT


def drift(others: Sequence[float], probe: float) -> Drift:
    """The drift of one row, from the logarithms by which `others` of the same group changed.

    Rows that are measured side by side share the state of the machine, which the probe, another kind of
    work, shows in part. Their median is right as long as fewer than half of them have changed; its
    standard deviation is sqrt(pi / 2) times that of a mean. More than what sessions in one state differ by
    is a change that all share, and no drift: then, and with few others, `probe` is the standard deviation
    (NaN where it is not known).
    """
    from scipy import stats

    if len(others) >= LEAST_ROWS:
        shift = statistics.median(others)
        if abs(shift) <= math.log1p(AGREE):
            spread = float(stats.median_abs_deviation(others, scale="normal"))
            error = math.sqrt(math.pi / 2 / len(others)) * spread
            return Drift(shift, math.hypot(LEAST_DRIFT, error))
    return Drift(0.0, LEAST_DRIFT if math.isnan(probe) else max(abs(probe), LEAST_DRIFT))
