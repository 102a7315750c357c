"""Which of two rows is faster: paired ratios round by round, and when a difference is one.

Calls within a round are not independent (they share the machine's state), rounds nearly are. So the
unit is a round's median, and two rows are compared within each round, which they spent side by
side: whatever drifted fell on both. A claim needs three things: a test over rounds, corrected for
the number of claims, a median ratio beyond the noise floor, and an interval that leaves 1 out.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.results.statistics import CONFIDENCE, median_interval

Verdict = Literal["faster", "slower", "tie"]

#: No machine of general purpose is quieter than this, whatever one null pair happened to show.
LEAST_FLOOR = 0.01

#: Tukey's fence for far-out values: calls beyond it are flagged, and kept.
FENCE = 3.0


@dataclass(frozen=True)
class Ratio:
    """A row's time over the baseline's: below 1 is faster.

    `low` and `high` enclose the median ratio with 95 %, absent with fewer than six rounds; `p` is
    that of the two-sided signed-rank test that both take as long.
    """

    median: float
    low: float | None
    high: float | None
    p: float


@dataclass(frozen=True)
class Outliers:
    """Calls far above the others: how many, and the slowest as a multiple of the median."""

    count: int
    slowest: float


def paired_ratio(rounds: Sequence[Sequence[float]], baseline: Sequence[Sequence[float]]) -> Ratio:
    """The ratio of two rows' seconds, from the medians of the rounds that both took.

    Wilcoxon's signed-rank test on the logarithms, exact for few rounds, and the order statistics'
    interval of the median ratio: neither assumes a distribution.
    """
    import numpy as np
    from scipy import stats

    pairs = zip(rounds, baseline, strict=False)
    logs = np.array([math.log(np.median(ours) / np.median(theirs)) for ours, theirs in pairs])
    if not len(logs):
        raise ValueError("no round was taken by both")
    low, high = median_interval(logs)
    p = float(stats.wilcoxon(logs).pvalue) if logs.any() else 1.0
    return Ratio(
        math.exp(float(np.median(logs))),
        None if low is None else math.exp(low),
        None if high is None else math.exp(high),
        p,
    )


def noise_floor(null: Ratio) -> float:
    """The relative difference that one row showed to itself, at the far end of its interval."""
    ends = [null.median, *(end for end in (null.low, null.high) if end is not None)]
    return max(LEAST_FLOOR, math.exp(max(abs(math.log(end)) for end in ends)) - 1)


def verdicts(ratios: Mapping[str, Ratio], floor: float) -> dict[str, Verdict]:
    """What may be said of each row against the baseline.

    p is corrected by Benjamini and Yekutieli's procedure, which holds whatever the dependence:
    the comparisons share their baseline. Of the claims made, at most 5 % are false on average.
    """
    from scipy import stats

    if not ratios:
        return {}
    corrected = stats.false_discovery_control([r.p for r in ratios.values()], method="by")
    return {
        name: _verdict(ratio, float(p), floor)
        for (name, ratio), p in zip(ratios.items(), corrected, strict=True)
    }


def _verdict(ratio: Ratio, p: float, floor: float) -> Verdict:
    if p > 1 - CONFIDENCE or ratio.low is None or ratio.high is None:
        return "tie"
    if ratio.median < 1 / (1 + floor) and ratio.high < 1:
        return "faster"
    if ratio.median > 1 + floor and ratio.low > 1:
        return "slower"
    return "tie"


def outliers(seconds: Sequence[float]) -> Outliers:
    """The calls beyond Tukey's far fence, three interquartile ranges above the third quartile."""
    import numpy as np

    times = np.asarray(seconds, dtype=float)
    first, median, third = np.quantile(times, [0.25, 0.5, 0.75])
    far = int((times > third + FENCE * (third - first)).sum())
    return Outliers(far, float(times.max() / median))


def detectable(null_rounds: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> float:
    """The smallest slowdown that as many rounds as these would have shown, judged by a null pair.

    The null pair's ratios are scaled until the verdict says `slower`, in steps of half a percent.
    """
    floor = noise_floor(paired_ratio(null_rounds, others))

    def shown(factor: float) -> bool:
        slowed = [[factor * s for s in taken] for taken in null_rounds]
        return verdicts({"slowed": paired_ratio(slowed, others)}, floor) == {"slowed": "slower"}

    factors = [1 + halves / 200 for halves in range(401)]
    place = bisect.bisect_left(factors, True, key=shown)
    return factors[place] - 1 if place < len(factors) else math.inf


def as_metrics(ratio: Ratio, verdict: Verdict) -> dict[str, Any]:
    """`{ratio, low, high, p, verdict}` for a record; absent where the rounds support no interval."""
    found = {"ratio": ratio.median, "low": ratio.low, "high": ratio.high, "p": ratio.p}
    return {name: value for name, value in found.items() if value is not None} | {
        "verdict": verdict
    }
