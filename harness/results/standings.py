"""Which rows are more accurate: paired differences from a baseline, and places that ties share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.results.accuracy import Outcomes, kind
from harness.results.crossed import SeedNoise, mean_squares, seed_noise, squeezed
from harness.results.statistics import CONFIDENCE

Verdict = Literal["better", "worse", "tie"]


@dataclass(frozen=True)
class Difference:
    """A row's accuracy minus the baseline's, over the same samples and the seeds that both have.

    `low` and `high` are its 95 % interval, not corrected for the number of rows; `p` is that of no
    difference, and `corrected` the one for the number of rows, which the verdict goes by. Without a
    common seed the interval is absent, and the verdict a tie.
    """

    value: float
    low: float | None
    high: float | None
    p: float
    corrected: float
    verdict: Verdict
    kind: str


def accuracy_differences(rows: Mapping[str, Outcomes], baseline: str) -> dict[str, Difference]:
    """Every other row against `baseline`.

    With two common seeds or more, the test is a t test: the paired difference over its standard error
    from the components of seeds and samples, with Satterthwaite's degrees of freedom (as in Hillis 2007,
    "A comparison of denominator degrees of freedom methods for multiple observer ROC analysis"). The
    variance over seeds is estimated with the help of all rows (`crossed.squeezed`). With one common
    seed, p is McNemar's exact one; it compares these two networks, not two training methods. Both
    intervals add half a sample in favour of either row (Agresti and Min 2005, "Simple improved
    confidence intervals for comparing matched proportions"): rows that agree on all samples may still
    differ. p is corrected by Benjamini and Yekutieli's procedure.
    """
    from scipy import stats

    names = [name for name in rows if name != baseline]
    pairs = [(rows[name], rows[baseline]) for name in names]
    tests = _tests(pairs, _noise(rows))
    corrected = (
        stats.false_discovery_control([test.p for test in tests], method="by") if tests else []
    )
    return {
        name: Difference(
            test.value, test.low, test.high, test.p, float(p), _verdict(test, float(p)), test.kind
        )
        for name, test, p in zip(names, tests, corrected, strict=True)
    }


def paired_differences(pairs: Sequence[tuple[Outcomes, Outcomes]]) -> list[Difference]:
    """Each (row, baseline) pair, as `accuracy_differences` tests it, not corrected for their number.

    All pairs have the same test samples.
    """
    noise = _noise({str(place): row for place, row in enumerate(sum(pairs, ()))})
    return [
        Difference(t.value, t.low, t.high, t.p, t.p, _verdict(t, t.p), t.kind)
        for t in _tests(pairs, noise)
    ]


def places(rows: Mapping[str, Outcomes]) -> dict[str, int]:
    """The place of each row, of one row or more. Those that share one are ties, and nothing sorts them.

    A row is significantly worse than the most accurate row of every better place, and cannot be told
    from the most accurate row of its own. So place 1 is every row that is not significantly worse than
    the most accurate one. The most accurate of the others leads the next place, whose number is 1 + the
    number of rows in better places, and so on. The leader was selected for its accuracy; so p is
    corrected by Bonferroni for all pairs of rows. Corrected for one comparison of each row, 5 to 10 % of
    families of equal rows would be split.
    """
    noise = _noise(rows)
    pairs = len(rows) * (len(rows) - 1) / 2
    left = sorted(rows, key=lambda name: -rows[name].mean)
    place_of: dict[str, int] = {}
    while left:
        leader, *others = left
        tests = _tests([(rows[name], rows[leader]) for name in others], noise)
        worse = {
            name
            for name, test in zip(others, tests, strict=True)
            if _verdict(test, test.p * pairs) == "worse"
        }
        place_of |= dict.fromkeys((name for name in left if name not in worse), len(place_of) + 1)
        left = [name for name in others if name in worse]
    return {name: place_of[name] for name in rows}


@dataclass(frozen=True)
class _Test:
    value: float
    low: float | None
    high: float | None
    p: float
    kind: str


def _noise(rows: Mapping[str, Outcomes]) -> SeedNoise:
    shapes = {row.right.shape[1] for row in rows.values()}
    if len(shapes) > 1:
        raise ValueError(f"rows of a comparison share their samples, and these have {shapes}")
    return seed_noise([row.accuracies for row in rows.values()], *shapes)


def _tests(pairs: Sequence[tuple[Outcomes, Outcomes]], noise: SeedNoise) -> list[_Test]:
    """Each row against its baseline, not corrected for their number."""
    apart = [_paired(row, baseline) for row, baseline in pairs]
    crossed = iter(_crossed([values for values in apart if len(values) > 1], noise))
    tests = []
    for (row, baseline), values in zip(pairs, apart, strict=True):
        if len(values) > 1:
            tests.append(next(crossed))
        elif len(values):
            tests.append(_one_seed(values))
        else:
            value = row.mean - baseline.mean
            tests.append(_Test(value, None, None, 1.0, "no common seed"))
    return tests


def _paired(row: Outcomes, baseline: Outcomes) -> Any:
    """The differences [common seeds, samples]: -1, 0 or 1."""
    ours, theirs = row.right, baseline.right
    if tuple(row.seeds) != tuple(baseline.seeds):
        common = [seed for seed in row.seeds if seed in baseline.accuracies]
        ours = ours[[list(row.seeds).index(seed) for seed in common]]
        theirs = theirs[[list(baseline.seeds).index(seed) for seed in common]]
    return ours.view("int8") - theirs.view("int8")


def _crossed(apart: Sequence[Any], noise: SeedNoise) -> list[_Test]:
    """The t test of each of `apart`, differences [seeds, samples] of two seeds or more."""
    import numpy as np
    from scipy import special

    if not apart:
        return []
    squares = [mean_squares(values) for values in apart]
    samples = apart[0].shape[1]
    seeds = np.array([len(values) for values in apart])
    own = np.array([each.seeds for each in squares]) / samples
    of_seeds, freedom = squeezed(own, seeds - 1, noise)
    of_seeds = of_seeds / seeds
    of_samples = np.array([each.share_of_samples for each in squares]) / (seeds * samples)
    total = of_seeds + of_samples
    divisor = of_seeds**2 / freedom + of_samples**2 / (samples - 1)
    freedom = np.divide(
        total**2, divisor, where=divisor > 0, out=np.full(len(total), samples - 1.0)
    )
    error = np.sqrt(total + 1 / (samples + 2) ** 2)
    value = np.array([each.mean for each in squares])
    p = 2 * special.stdtr(freedom, -np.abs(value) / error)
    half = special.stdtrit(freedom, (1 + CONFIDENCE) / 2) * error
    low, high = np.maximum(value - half, -1), np.minimum(value + half, 1)
    numbers = zip(value.tolist(), low.tolist(), high.tolist(), p.tolist(), strict=True)
    kinds = [kind(len(values), samples) for values in apart]
    return [_Test(*four, text) for four, text in zip(numbers, kinds, strict=True)]


def _one_seed(apart: Any) -> _Test:
    """McNemar's exact test of `apart` [1, samples]."""
    from scipy import special, stats

    samples = apart.shape[1]
    ours, theirs = int((apart > 0).sum()), int((apart < 0).sum())
    p = float(stats.binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0
    value = (ours - theirs) / samples
    variance = ours + theirs + 1 - (ours - theirs) ** 2 / (samples + 2)
    half = float(special.ndtri((1 + CONFIDENCE) / 2)) * variance**0.5 / (samples + 2)
    return _Test(value, max(value - half, -1.0), min(value + half, 1.0), p, kind(1, samples))


def _verdict(test: _Test, p: float) -> Verdict:
    if p > 1 - CONFIDENCE or test.low is None or test.high is None:
        return "tie"
    if test.low > 0:
        return "better"
    return "worse" if test.high < 0 else "tie"
