"""The statistics of the report: one function for each kind of number, each choice cited.

An interval is given where the data support one and left out where they do not. All are 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any, Literal

CONFIDENCE = 0.95

#: A percentile is printed only where n(1-p) is at least this: the number of samples beyond it is
#: binomial, 10 plus or minus 3; with fewer, the percentile is mostly chance.
BEYOND = 10


@dataclass(frozen=True)
class Cell:
    """One number; `low` and `high` are its 95 % interval, of `kind`, where the data support one.

    `n` is the number of seeds, or of timed calls, that it comes from. `source` says which method the
    interval of an accuracy is of: Student's over seeds, Wilson's, or that of `accuracy_interval` for one
    seed or several.
    """

    value: float
    low: float | None = None
    high: float | None = None
    kind: str = ""
    n: int = 1
    source: Literal["", "t", "Wilson", "seed", "seeds"] = ""


def summarise_latency(
    seconds: Sequence[float], rounds: Sequence[Sequence[float]] = ()
) -> dict[str, float]:
    """`{median, low, high, n}` of calls that took `seconds`, in milliseconds.

    The median, because a few interrupted calls can change a mean by any amount; its interval from the order
    statistics of the medians of `rounds`, or of the calls where there are none (Conover, "Practical
    Nonparametric Statistics", 3.2; Le Boudec, "Performance Evaluation of Computer and Communication
    Systems", 2.2), which assumes that those are independent, but no distribution. It needs six: with
    fewer, `low` and `high` are absent.
    """
    summary = _median(seconds, rounds)
    return {name: 1e3 * value for name, value in summary.items()} | {"n": len(seconds)}


def percentile_ms(seconds: Sequence[float], p: float) -> float | None:
    """The percentile `p` of calls that took `seconds`, in milliseconds, where there are enough calls.

    Enough is `BEYOND` calls above it: p95 from 200 calls on, p99 from 1000. It is a value that was
    observed (Hyndman and Fan, type 1).
    """
    import numpy as np

    times = _durations(seconds) * 1e3
    if len(times) * (1 - p) < BEYOND:
        return None
    return float(np.quantile(times, p, method="inverted_cdf"))


def summarise_rate(
    seconds: Sequence[float], batch: int, rounds: Sequence[Sequence[float]] = ()
) -> dict[str, float]:
    """`{median, low, high, n}` in samples a second, of calls of `batch` samples each.

    The rate of the median call, and its interval: both follow from the durations, because a
    monotone transformation preserves quantiles. A mean of rates would overstate the
    throughput (Smith 1988, "Characterizing computer performance with a single number").
    """
    if batch < 1:
        raise ValueError(f"a batch of {batch} samples has no rate")
    summary = _median(seconds, rounds)
    rate = {"median": batch / summary["median"]}
    if "low" in summary:
        rate |= {"low": batch / summary["high"], "high": batch / summary["low"]}
    return rate | {"n": len(seconds)}


def _median(seconds: Sequence[float], rounds: Sequence[Sequence[float]]) -> dict[str, float]:
    """`{median, low, high}` in seconds, by the rounds where there are any."""
    import numpy as np

    times = _durations(seconds)
    summary = {"median": float(np.median(times))}
    low, high = median_interval(medians(rounds) if rounds else times)
    return summary if low is None or high is None else summary | {"low": low, "high": high}


def medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    """The median of each round.

    Calls within a round share the state of the machine; rounds, which are interleaved, hardly do.
    """
    import numpy as np

    return [float(np.median(taken)) for taken in rounds]


def mean_interval(
    values: Sequence[float], n_test: int | None = None, bounds: tuple[float, float] = (0.0, 1.0)
) -> Cell:
    """The mean over seeds, with Student's t interval, clipped to `bounds`.

    It covers what the seed changes (initial weights, data order, noise) on this one test set
    (Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks"). One seed
    gives no variation over seeds: an accuracy then has the Wilson score interval of `n_test` samples
    (Brown, Cai and DasGupta 2001), the sampling error of the test set. If all seeds agree, the t
    interval has zero width; the Wilson interval is used instead. Without `n_test` there is none.
    """
    n = len(values)
    if n == 0:
        raise ValueError("no values have no mean")
    mean = math.fsum(values) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / max(n - 1, 1))
    # Of equal values the spread may be a rounding error instead of 0.
    if n > 1 and spread > 1e-12 * max(abs(mean), 1e-300):
        half = _t_quantile(n - 1) * spread / math.sqrt(n)
        low, high = (min(max(end, bounds[0]), bounds[1]) for end in (mean - half, mean + half))
        return Cell(mean, min(low, mean), max(high, mean), f"t over {n} seeds", n, "t")
    if n_test:
        low, high = _wilson(mean, n_test)
        return Cell(mean, min(low, mean), max(high, mean), f"Wilson, {n_test} samples", n, "Wilson")
    return Cell(mean, n=n)


def single_run(values: Sequence[float]) -> tuple[float, float] | None:
    """Where a single further run falls with 95 %: the prediction interval of the normal distribution.

    None of fewer than two values. A source that ran once is to be compared with it.
    """
    n = len(values)
    if n < 2:
        return None
    mean = math.fsum(values) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = _t_quantile(n - 1) * spread * math.sqrt(1 + 1 / n)
    return mean - half, mean + half


@cache
def _t_quantile(freedom: int) -> float:
    """The quantile of Student's t; from scipy.special, for scipy.stats takes a second to import."""
    from scipy import special

    return float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))


def _wilson(proportion: float, n: int) -> tuple[float, float]:
    """The score interval of `proportion` of `n` samples, without a continuity correction."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    p = round(proportion * n) / n
    centre, scale = p + z * z / (2 * n), 1 + z * z / n
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def median_interval(values: Any) -> tuple[float | None, float | None]:
    """The narrowest pair of order statistics that contains the median with 95 %, by scipy."""
    from scipy import stats

    interval = stats.quantile_test(values, p=0.5).confidence_interval(CONFIDENCE)
    if math.isfinite(interval.low) and math.isfinite(interval.high):
        return float(interval.low), float(interval.high)
    return None, None


def _durations(seconds: Sequence[float]) -> Any:
    import numpy as np

    times = np.asarray(seconds, dtype=float)
    if times.ndim != 1 or times.size == 0:
        raise ValueError("no durations to summarise")
    if not (np.isfinite(times).all() and (times > 0).all()):
        raise ValueError("a duration is a finite number above 0")
    return times
