"""Which of two rows is faster: paired ratios round by round, and when a difference is claimed.

Three effects can cause a false claim. Each has its own remedy.

- Other programs only ever add time. So the fastest call represents a round (Chen and Revels 2016,
  "Robust benchmarking in noisy environments").
- Calls within a round share the machine's state, rounds nearly do not. So the unit is a round, and
  two rows are compared within each round, side by side: a drift affects both.
- The memory layout of a process changes its speed by a few percent for its whole lifetime; more
  rounds do not average this out (Kalibera and Jones 2013, "Rigorous benchmarking in reasonable
  time"). So every row is measured in two processes that take turns. Their differences, pooled over
  all rows, estimate how much two identical rows differ by chance: a claim has to exceed that.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.results.record import Outliers
from harness.results.statistics import CONFIDENCE, median_interval

Verdict = Literal["faster", "slower", "tie"]
Rounds = Sequence[Sequence[float]]
"""The seconds of a row's calls, round by round, in the order taken."""

#: The processes of each row, which take turns with its rounds.
PROCESSES = 2

#: The lowest noise floor: no general-purpose machine is quieter, even if its rows agree by chance.
LEAST_FLOOR = 0.01

#: Tukey's fence for far-out values: calls beyond it are flagged, and kept.
FENCE = 3.0


@dataclass(frozen=True)
class Ratio:
    """A row's time over the baseline's: `value` below 1 is faster.

    `low` and `high` are its 95 % interval over the rounds, absent with fewer than six; `p` is that of
    the two-sided sign test, whose hypothesis is that either row is the faster one equally often.
    """

    value: float
    low: float | None
    high: float | None
    p: float


@dataclass(frozen=True)
class Noise:
    """How much identical rows differ by chance, estimated from the rows that were measured.

    `sd` is the standard deviation of the logarithm of the ratio of two equal rows, `freedom` the
    degrees of freedom of its estimate: 0 where nothing is known.
    """

    sd: float
    freedom: int

    @property
    def floor(self) -> float:
        """The relative difference that two equal rows stay below in 95 % of cases."""
        from scipy import stats

        if not self.freedom:
            return math.inf
        bound = float(stats.t.ppf((1 + CONFIDENCE) / 2, self.freedom)) * self.sd
        return max(LEAST_FLOOR, math.expm1(min(bound, 700.0)))

    def p(self, ratio: float) -> float:
        """How probable it is that two identical rows differ by as much as `ratio`, or more."""
        from scipy import stats

        if not self.freedom:
            return 1.0
        distance = abs(math.log(ratio))
        if not self.sd:
            return float(not distance)
        return 2 * float(stats.t.sf(distance / self.sd, self.freedom))


def paired_ratio(rounds: Rounds, baseline: Rounds) -> Ratio:
    """The ratio of two rows' seconds, from the fastest calls of the rounds that both took.

    The geometric mean of two medians, each over the rounds of one process of either row. The interval
    is that of the order statistics of the rounds about their process's median, the test the exact sign
    test: neither assumes a distribution, and a round that another program disturbed counts as one
    round. Wilcoxon's signed-rank test would give such a round the largest weight.
    """
    import numpy as np
    from scipy import stats

    pairs = zip(rounds, baseline, strict=False)
    logs = np.array([math.log(min(ours) / min(theirs)) for ours, theirs in pairs])
    if not len(logs):
        raise ValueError("no round was taken by both")
    halves = [logs[process::PROCESSES] for process in range(min(PROCESSES, len(logs)))]
    centre = float(np.mean([np.median(half) for half in halves]))
    low, high = median_interval(np.concatenate([half - np.median(half) for half in halves]))
    decided = logs[logs != 0]
    slower = int((decided > 0).sum())
    p = float(stats.binomtest(slower, len(decided)).pvalue) if len(decided) else 1.0
    return Ratio(
        math.exp(centre),
        None if low is None else math.exp(centre + low),
        None if high is None else math.exp(centre + high),
        p,
    )


def group_noise(rows: Iterable[Rounds], quantile: float = 0.5) -> Noise:
    """The noise of a group in which two processes of each row take turns with its rounds.

    The two processes of a row differ by the ratio of the medians of their rounds, each round relative
    to the median row's: this cancels a drift that affects all rows alike, and costs one degree of
    freedom. A row's time is the mean of its two processes, so the variance of the ratio of two rows is
    half that of two processes. Another `quantile` of the rounds than the median may represent a process.
    """
    import numpy as np

    fastest = [[math.log(min(taken)) for taken in rounds] for rounds in rows]
    count = min(map(len, fastest), default=0)
    if count < PROCESSES:
        return Noise(math.inf, 0)
    logs = np.array([taken[:count] for taken in fastest])
    known = len(logs)
    if known > 1:
        logs -= np.median(logs, axis=0)
        known -= 1
    halves = (np.quantile(logs[:, process::2], quantile, axis=1) for process in (0, 1))
    apart = next(halves) - next(halves)
    return Noise(math.sqrt(float(np.sum(apart**2)) / known / 2), known)


def verdicts(ratios: Mapping[str, Ratio], noise: Noise) -> dict[str, Verdict]:
    """The verdict on each row against the baseline.

    The larger of the two p, over rounds and over processes, is corrected by Benjamini and Yekutieli's
    procedure, which holds whatever the dependence: the comparisons share their baseline. Of the claims
    made, at most 5 % are false on average.
    """
    from scipy import stats

    if not ratios:
        return {}
    chances = [max(ratio.p, noise.p(ratio.value)) for ratio in ratios.values()]
    corrected = stats.false_discovery_control(chances, method="by")
    return {
        name: _verdict(ratio, float(p), noise.floor)
        for (name, ratio), p in zip(ratios.items(), corrected, strict=True)
    }


def _verdict(ratio: Ratio, p: float, floor: float) -> Verdict:
    if p > 1 - CONFIDENCE or ratio.low is None or ratio.high is None:
        return "tie"
    if ratio.value < 1 / (1 + floor) and ratio.high < 1:
        return "faster"
    if ratio.value > 1 + floor and ratio.low > 1:
        return "slower"
    return "tie"


def outliers(seconds: Sequence[float]) -> Outliers:
    """The calls beyond Tukey's far fence, three interquartile ranges above the third quartile."""
    import numpy as np

    times = np.asarray(seconds, dtype=float)
    first, median, third = np.quantile(times, [0.25, 0.5, 0.75])
    far = int((times > third + FENCE * (third - first)).sum())
    return Outliers(count=far, calls=len(times), slowest=float(times.max() / median))


def detectable(rounds: Rounds, others: Rounds, noise: Noise) -> float:
    """The smallest slowdown that as many rounds as these would have shown.

    Those of one of two equal rows are scaled until the verdict says `slower`, in steps of half a
    percent.
    """

    def shown(factor: float) -> bool:
        slowed = [[factor * s for s in taken] for taken in rounds]
        return verdicts({"slowed": paired_ratio(slowed, others)}, noise) == {"slowed": "slower"}

    factors = [1 + halves / 200 for halves in range(401)]
    place = bisect.bisect_left(factors, True, key=shown)
    return factors[place] - 1 if place < len(factors) else math.inf
