"""By how much one metric of one row differs between two runs, and when a difference is claimed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.results.comparison import Noise, Rounds, centre
from harness.results.drift import Drift
from harness.results.metrics import METRICS, Metric
from harness.results.standings import Difference
from harness.results.statistics import CONFIDENCE

#: `untested`: measured once in each run, so nothing says how far two equal runs lie apart.
Verdict = Literal["better", "worse", "tie", "untested"]


@dataclass(frozen=True)
class Change:
    """One metric of one row in two runs.

    `difference` is new - old, as a share of the old value if `relative`; `low` and `high` are its 95 %
    interval, not corrected for the number of comparisons. `p` is that of no difference (None where
    nothing was tested), `corrected` the one for all comparisons, by which the verdict goes. `kind`
    says what was compared.
    """

    row: str
    metric: str
    old: float
    new: float
    difference: float
    low: float | None = None
    high: float | None = None
    relative: bool = False
    p: float | None = None
    corrected: float | None = None
    verdict: Verdict = "untested"
    kind: str = ""


def from_outcomes(row: str, old: float, new: float, difference: Difference) -> Change:
    """A change of accuracy, from paired predictions."""
    tested = None if difference.low is None else difference.p
    return Change(
        row, "test_accuracy", old, new, difference.value, difference.low, difference.high,
        p=tested, kind=f"paired, {difference.kind}",
    )  # fmt: skip


def over_seeds(
    row: str, metric: Metric, old: Mapping[int, float], new: Mapping[int, float]
) -> Change:
    """A change of a trial's metric, from its values by seed.

    Seeds that both runs have are paired, by the t test of their differences; without two of them, the
    two runs are compared by Welch's t test. A number that depends on the network's shape only, the same
    for every seed, is compared as it is.
    """
    common = sorted(old.keys() & new.keys())
    if len(common) > 1 or old.keys() == new.keys():
        old, new = ({seed: each[seed] for seed in common} for each in (old, new))
    before, after = list(old.values()), list(new.values())
    means = math.fsum(before) / len(before), math.fsum(after) / len(after)
    change = _change(row, metric.name, *means)
    exact = metric.combine == "mean" and metric.unit in {"count", "bytes"}
    if before == after or (exact and len({*before}) == len({*after}) == 1):
        value = change.difference
        p = 1.0 if before == after else 0.0
        return replace(change, low=value, high=value, p=p, kind="exact")
    if len(common) > 1:
        interval_and_p = _paired([new[seed] - old[seed] for seed in common])
        kind = f"paired, {len(common)} seeds"
    elif min(len(before), len(after)) > 1:
        interval_and_p = _welch(before, after)
        kind = f"unpaired, {len(before)} and {len(after)} seeds"
    else:
        return replace(change, kind="1 seed: no interval")
    low, high, p = interval_and_p
    scale = abs(means[0]) if change.relative else 1.0
    return replace(change, low=low / scale, high=high / scale, p=p, kind=kind)


def over_rounds(measured: Change, old: Rounds, new: Rounds, noise: Noise, drift: Drift) -> Change:
    """A change of a time, or a rate, from the rounds of two sessions; `old` and `new` by sample.

    `measured` has the row, the metric and the reported values, which are those of the median call.
    A process is represented by its fastest call, as within a group. What the sessions differ by (`drift`)
    is taken off. The rest has the variance of two rows that are equal (`noise`, by both groups), and that
    of the drift. The test is a t test with Satterthwaite's degrees of freedom, where the latter counts as
    known.
    """
    from scipy import special

    ratio = centre(new) - centre(old) - drift.shift
    if METRICS[measured.metric].better == "more":  # a rate
        ratio = -ratio
    value = math.expm1(ratio) + 0.0  # no -0.0
    change = replace(measured, difference=value, relative=True)
    if not noise.freedom:
        return replace(change, kind="too few rounds")
    variance = noise.sd**2 + drift.sd**2
    freedom = variance**2 * noise.freedom / noise.sd**4 if noise.sd else 1e9
    error = math.sqrt(variance)
    half = float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    p = 2 * float(special.stdtr(freedom, -abs(ratio) / error))
    kind = f"two sessions, {len(old)} and {len(new)} rounds"
    if drift.shift:
        kind += f", the other rows {100 * math.expm1(drift.shift):+.1f} %"
    return replace(
        change, low=math.expm1(ratio - half), high=math.expm1(ratio + half), p=p, kind=kind
    )


def untested(row: str, metric: Metric, old: float, new: float, why: str) -> Change:
    """A metric that was measured once in each run."""
    return replace(_change(row, metric.name, old, new), kind=why)


def judged(changes: Sequence[Change]) -> list[Change]:
    """The verdicts, corrected for the number of comparisons by Holm's procedure.

    The chance of any false claim among all of a comparison is at most 5 %, whatever the dependence. What
    is equal in both runs cannot be claimed and does not count as a comparison: most of two runs of the
    same code is equal to the last digit.
    """
    places = [n for n, change in enumerate(changes) if change.p is not None and change.difference]
    places.sort(key=lambda place: changes[place].p or 0.0)
    made, highest = list(changes), 0.0
    for done, place in enumerate(places):
        highest = min(1.0, max(highest, (changes[place].p or 0.0) * (len(places) - done)))
        made[place] = replace(changes[place], corrected=highest)
    return [_judged(change) for change in made]


def _judged(change: Change) -> Change:
    if change.p is None or change.low is None or change.high is None:
        return replace(change, verdict="untested")
    if not change.difference:
        return replace(change, corrected=1.0, verdict="tie")
    sign = (change.low > 0) - (change.high < 0)
    if not sign or (change.corrected or 0.0) > 1 - CONFIDENCE:
        return replace(change, verdict="tie")
    good = sign if METRICS[change.metric].better == "more" else -sign
    return replace(change, verdict="better" if good > 0 else "worse")


def _change(row: str, metric: str, old: float, new: float) -> Change:
    """Fractions differ by points; all else by a share of the old value, where that is not 0."""
    relative = METRICS[metric].unit != "fraction" and old != 0
    difference = (new - old) / abs(old) if relative else new - old
    return Change(row, metric, old, new, difference, relative=relative)


def _paired(apart: Sequence[float]) -> tuple[float, float, float]:
    """The ends of the interval of the mean, and p."""
    from scipy import special

    n = len(apart)
    mean = math.fsum(apart) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in apart) / (n - 1))
    if spread <= 1e-12 * abs(mean):
        # The t test would be certain; the signs alone are not.
        return mean, mean, 0.5 ** (n - 1)
    error = spread / math.sqrt(n)
    half = float(special.stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * error
    p = 2 * float(special.stdtr(n - 1, -abs(mean) / error))
    return mean - half, mean + half, p


def _welch(old: Sequence[float], new: Sequence[float]) -> tuple[float, float, float]:
    from scipy import stats

    if len({*old}) == len({*new}) == 1:  # no variance: by the order of the values alone
        apart = new[0] - old[0]
        return apart, apart, 2 / math.comb(len(old) + len(new), len(old))
    with warnings.catch_warnings():  # nearly equal values: the interval is as narrow as they are
        warnings.simplefilter("ignore", RuntimeWarning)
        t_test: Any = stats.ttest_ind(new, old, equal_var=False)
    interval = t_test.confidence_interval(CONFIDENCE)
    return float(interval.low), float(interval.high), float(t_test.pvalue)
