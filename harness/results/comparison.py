"""Which of two rows is faster: the ratio of their fastest calls, and when a difference is claimed.

Three effects can cause a false claim. Each has its own remedy.

- Other programs only ever add time. So the fastest call represents a round and a process (Chen and Revels
  2016, "Robust benchmarking in noisy environments"): on a shared machine a third of all rounds may take
  half as long again, and a median of few rounds is then one of these.
- Calls within a round share the machine's state, rounds nearly do not. So the unit of a test is a round,
  and all rows take theirs side by side: a drift affects all of them.
- The memory layout of a process changes its speed by a few percent for its whole lifetime; more
  rounds do not average this out (Kalibera and Jones 2013, "Rigorous benchmarking in reasonable
  time"). So every row is measured in two processes that take turns. Their differences, pooled over
  the rows, estimate how much two identical rows differ by chance: a claim has to exceed that. A row whose
  processes differ far more than those of the others is unsteady: it is not pooled, since it would hide
  what is true of the others, and what is said of it has to exceed its own difference.
"""

from __future__ import annotations

import bisect
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.results.record import Outliers
from harness.results.statistics import CONFIDENCE

Verdict = Literal["faster", "slower", "tie"]
Rounds = Sequence[Sequence[float]]
"""The seconds of a row's calls, round by round, in the order taken."""

#: The processes of each row, which take turns with its rounds.
PROCESSES = 2

#: The lowest noise floor: no general-purpose machine is quieter, even if its rows agree by chance.
LEAST_FLOOR = 0.01

#: A row is unsteady if its processes differ by more than so many standard deviations of the others.
UNSTEADY = 3.0

#: The largest logarithm of a ratio that is told from one without bounds.
MOST_SPREAD = 300.0

#: Tukey's fence for far-out values: calls beyond it are flagged, and kept.
FENCE = 3.0


@dataclass(frozen=True)
class Ratio:
    """A row's time over the baseline's: `value` below 1 is faster.

    `low` and `high` are its 95 % interval by what two equal rows differ by, absent where that is not known.
    `p` is the larger one of two: of the rounds (`chance`), and of Student's test with the spread between
    processes.
    """

    value: float
    low: float | None
    high: float | None
    p: float


@dataclass(frozen=True)
class Noise:
    """How much identical rows differ by chance, estimated from the rows that were measured.

    `sd` is the standard deviation of the logarithm of the ratio of two equal rows, `freedom` the
    degrees of freedom of its estimate: 0 where nothing is known. `shift` is the logarithm of what the
    first process of every row takes over the second.
    """

    sd: float
    freedom: float
    shift: float = 0.0

    @property
    def spread(self) -> float:
        """The logarithm of the ratio that two equal rows stay below in 95 % of cases."""
        from scipy import special

        if not self.freedom:
            return math.inf
        return min(
            float(special.stdtrit(self.freedom, (1 + CONFIDENCE) / 2)) * self.sd, MOST_SPREAD
        )

    @property
    def floor(self) -> float:
        """The relative difference that two equal rows stay below in 95 % of cases."""
        return max(LEAST_FLOOR, math.expm1(self.spread)) if self.freedom else math.inf

    def unsteady(self, rounds: Rounds) -> float:
        """The logarithm by which the processes of an unsteady row lie apart; 0 of a steady one."""
        if not self.freedom or len(rounds) < PROCESSES:
            return 0.0
        first, second = processes(rounds)
        apart = abs(first - second - self.shift)
        return apart if apart > _most_apart(math.sqrt(PROCESSES) * self.sd) else 0.0

    def p(self, ratio: float) -> float:
        """How probable it is that two identical rows differ by as much as `ratio`, or more."""
        from scipy import special

        if not self.freedom:
            return 1.0
        distance = abs(math.log(ratio))
        if not self.sd:
            return float(not distance)
        return 2 * float(special.stdtr(self.freedom, -distance / self.sd))


def processes(rounds: Rounds) -> list[float]:
    """The logarithm of the fastest call of each process of a row."""
    logs = [math.log(min(taken)) for taken in rounds]
    return [min(logs[process::PROCESSES]) for process in range(min(PROCESSES, len(logs)))]


def centre(rounds: Rounds) -> float:
    """The logarithm of a row's time: the mean over its processes, which count alike."""
    return math.fsum(each := processes(rounds)) / len(each)


def between(*rows: tuple[Noise, Rounds]) -> Noise:
    """The noise of the ratio of two rows, each given with that of its group.

    An unsteady row has the variance of its own two processes, with the degrees of freedom of its group. One
    would be right for two processes alone, but asks for 13 standard deviations: a row 28 times as slow as
    another was a tie.
    """
    if not all(noise.freedom for noise, _ in rows):
        return Noise(math.inf, 0)
    variances: dict[Noise, float] = {}
    for noise, rounds in rows:
        apart = noise.unsteady(rounds)
        own = (apart / PROCESSES) ** 2 if apart else noise.sd**2 / len(rows)
        variances[noise] = variances.get(noise, 0.0) + own
    variance = math.fsum(variances.values())
    # Satterthwaite's degrees of freedom: rows that share an estimate share its errors.
    divisor = math.fsum(v**2 / noise.freedom for noise, v in variances.items())
    freedom = variance**2 / divisor if divisor else max(noise.freedom for noise in variances)
    return Noise(math.sqrt(variance), freedom)


def compared(rounds: Rounds, baseline: Rounds, noise: Noise) -> Ratio:
    """The ratio of two rows' times in a group of this `noise`; ValueError where one took no round."""
    if not (rounds and baseline):
        raise ValueError("a row that took no round cannot be compared")
    noise = between((noise, rounds), (noise, baseline))
    log = centre(rounds) - centre(baseline)
    value, spread = math.exp(log), noise.spread
    p = max(chance(rounds, baseline), noise.p(value))
    if math.isinf(spread):
        return Ratio(value, None, None, p)
    return Ratio(value, math.exp(log - spread), math.exp(log + spread), p)


def chance(rounds: Rounds, baseline: Rounds) -> float:
    """How probable it is that rounds of two equal rows differ so: twice the smaller p of two exact tests.

    The sign test of the rounds that both took side by side: a drift of the machine falls on both. And the
    precedence test, which counts the rounds of one row that were faster than every round of the other
    (Nelson 1963, "Tables for a precedence life test"): rounds that other programs disturbed are never the
    fastest, and do not count. Neither assumes a distribution.
    """
    ours, theirs = ([min(taken) for taken in each] for each in (rounds, baseline))
    return min(1.0, 2 * min(_signs(ours, theirs), _precedence(ours, theirs)))


def _signs(ours: Sequence[float], theirs: Sequence[float]) -> float:
    from scipy import stats

    decided = [one > other for one, other in zip(ours, theirs, strict=False) if one != other]
    return float(stats.binomtest(sum(decided), len(decided)).pvalue) if decided else 1.0


def _precedence(ours: Sequence[float], theirs: Sequence[float]) -> float:
    chances = [1.0]
    for one, other in ((ours, theirs), (theirs, ours)):
        ahead = sum(call < min(other) for call in one)
        # Of all orders of the rounds, the share in which the first `ahead` are of `one`.
        chances.append(math.comb(len(one), ahead) / math.comb(len(one) + len(other), ahead))
    return min(1.0, 2 * min(chances))


def group_noise(rows: Iterable[Rounds]) -> Noise:
    """The noise of a group in which two processes of each row take turns with its rounds.

    The two processes of a row differ by the ratio of their fastest calls; what they differ by in all rows
    alike is no noise, and costs one degree of freedom. A row's time is the mean of its two processes, so
    the variance of the ratio of two rows is half that of two processes. Unsteady rows are left out.
    """
    every = list(rows)
    count = min(map(len, every), default=0)
    if count < PROCESSES:
        return Noise(math.inf, 0)
    apart = [one - other for one, other in (processes(taken[:count]) for taken in every)]
    if len(apart) == 1:
        return Noise(abs(apart[0]) / math.sqrt(PROCESSES), 1)
    steady = _steady(apart)
    shift = math.fsum(steady) / len(steady)
    squares = math.fsum((each - shift) ** 2 for each in steady)
    known = max(len(steady) - 1, 1)
    return Noise(math.sqrt(squares / known / PROCESSES), known, shift)


def _steady(apart: Sequence[float]) -> list[float]:
    """Those of two numbers or more that lie within `UNSTEADY` standard deviations of the others.

    The first estimate is by the median of the distances from the median, which up to half of the rows
    cannot change; the next are by those that lie within.
    """
    from scipy import stats

    middle, sd = statistics.median(apart), float(stats.median_abs_deviation(apart, scale="normal"))
    steady: list[float] = []
    while True:
        within = [each for each in apart if abs(each - middle) <= _most_apart(sd)]
        if len(within) <= len(steady):
            return steady
        steady, middle, sd = within, statistics.fmean(within), statistics.stdev(within)


def _most_apart(sd: float) -> float:
    """The logarithm of what the processes of a steady row differ by at most."""
    return UNSTEADY * max(sd, LEAST_FLOOR)


def verdicts(ratios: Mapping[str, Ratio], noise: Noise) -> dict[str, Verdict]:
    """The verdict on each row against the baseline.

    p is corrected by Benjamini and Yekutieli's procedure, which holds whatever the dependence: the
    comparisons share their baseline. Of the claims made, at most 5 % are false on average.
    """
    from scipy import stats

    if not ratios:
        return {}
    corrected = stats.false_discovery_control([ratio.p for ratio in ratios.values()], method="by")
    return {
        name: _verdict(ratio.value, float(p), noise.floor)
        for (name, ratio), p in zip(ratios.items(), corrected, strict=True)
    }


def _verdict(ratio: float, p: float, floor: float) -> Verdict:
    if p <= 1 - CONFIDENCE and not 1 / (1 + floor) <= ratio <= 1 + floor:
        return "slower" if ratio > 1 else "faster"
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
        ratio = compared(slowed, others, noise)
        return verdicts({"slowed": ratio}, noise) == {"slowed": "slower"}

    factors = [1 + halves / 200 for halves in range(401)]
    place = bisect.bisect_left(factors, True, key=shown)
    return factors[place] - 1 if place < len(factors) else math.inf
