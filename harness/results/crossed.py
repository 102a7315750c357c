"""Variances of a mean over trained networks and test samples, each network tested on each sample.

Another training run gives another accuracy, and so does another test set: two crossed random factors.
Studies in which several readers judge the same cases have the same design, and the methods are theirs
(Obuchowski and Rockette 1995, "Hypothesis testing of diagnostic accuracy for multiple readers and
multiple tests"; Gallas, Pennello and Myers 2007, "Multireader multicase variance analysis for binary
data"). A percentile bootstrap of three seeds draws from three values, and covers far too little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: A variance over seeds is suspect if less than this share of equally noisy rows had as large a one.
SUSPECT = 0.25


@dataclass(frozen=True)
class Squares:
    """The mean squares of a table [seeds, samples] of numbers: its analysis of variance without repeats.

    `seeds` is NaN for a single seed; then `samples` holds all variance, and `rest` is 0.
    """

    shape: tuple[int, int]
    mean: float
    seeds: float
    samples: float
    rest: float

    @property
    def share_of_samples(self) -> float:
        """What samples add to the mean square of seeds, never below 0 (Hillis 2007)."""
        return max(self.samples - self.rest, 0.0)


def mean_squares(values: Any) -> Squares:
    """The mean squares of `values` [seeds, samples], which are -1, 0 or 1 (int8)."""
    import numpy as np

    seeds, samples = values.shape
    by_seed = values.sum(axis=1, dtype=np.int64)
    by_sample = values.sum(axis=0, dtype=np.int64)
    total = int(by_seed.sum())
    cells = seeds * samples
    # Whole numbers until the division: seeds that agree have exactly 0.
    of_seeds = (seeds * int(by_seed @ by_seed) - total**2) / cells
    of_samples = (samples * int(by_sample @ by_sample) - total**2) / cells
    of_all = (cells * int(np.count_nonzero(values)) - total**2) / cells
    rest = max(of_all - of_seeds - of_samples, 0.0)
    return Squares(
        shape=(seeds, samples),
        mean=total / cells,
        seeds=of_seeds / (seeds - 1) if seeds > 1 else math.nan,
        samples=of_samples / (samples - 1),
        rest=rest / ((seeds - 1) * (samples - 1)) if seeds > 1 else 0.0,
    )


@dataclass(frozen=True)
class SeedNoise:
    """The variance of one network's accuracy over its seeds, pooled over rows: a prior for each row.

    `freedom` says how alike the rows are, as degrees of freedom: 0 where nothing is known, infinite
    where no row differs. `pooled` are those of all rows together, which no estimate can exceed.
    """

    variance: float
    freedom: float
    pooled: float


def seed_noise(tables: Sequence[dict[int, float]], samples: int) -> SeedNoise:
    """The prior from the rows' accuracies, each `{seed: accuracy}` of so many samples.

    What a seed changes in all rows alike cancels in a paired difference, and is removed first. The
    variances that remain are fitted by a scaled F distribution (Smyth 2004, "Linear models and
    empirical Bayes methods for assessing differential expression", section 6.2).
    """
    import numpy as np
    from scipy import optimize, special

    tables = [table for table in tables if len(table) > 1]
    numbers = sorted({seed for table in tables for seed in table})
    counts = np.array([len(table) - 1.0 for table in tables])
    pooled = float(counts.sum()) - (len(numbers) - 1)
    if not tables or pooled <= 0:
        return SeedNoise(0.0, 0.0, 0.0)
    apart = np.array([[table.get(seed, math.nan) for seed in numbers] for table in tables])
    for _ in range(20):  # an additive fit; where no cell is missing, the first pass is exact
        apart -= np.nanmean(apart, axis=0)
        apart -= np.nanmean(apart, axis=1, keepdims=True)
    freedom = counts * pooled / counts.sum()
    rounding = 1 / (12 * samples**2)  # an accuracy is a multiple of 1 / samples
    variances = np.maximum(np.nansum(apart**2, axis=1) / freedom, rounding)
    logs = np.log(variances) - special.digamma(freedom / 2) + np.log(freedom / 2)
    centre = float(logs.mean())
    extra = float(np.sum((logs - centre) ** 2)) / max(len(logs) - 1, 1)
    extra -= float(special.polygamma(1, freedom / 2).mean())
    if extra < 1e-6:
        return SeedNoise(float(np.average(variances, weights=freedom)), math.inf, pooled)
    half = optimize.brentq(lambda x: float(special.polygamma(1, x)) - extra, 1e-4, 2e6)
    variance = math.exp(centre + float(special.digamma(half)) - math.log(half))
    return SeedNoise(variance, 2 * half, pooled)


def squeezed(variances: Any, freedom: Any, noise: SeedNoise) -> tuple[Any, Any]:
    """The variances [n] over seeds of differences, and their degrees of freedom, with the prior.

    The variance of three seeds alone has two degrees of freedom; hardly any difference would be found.
    So each is drawn towards the prior (Smyth 2004). If it is larger than the prior makes likely, the row
    may be noisier than the others: then it keeps its own variance, and the less likely that is, the
    more its degrees of freedom fall to its own (after Phipson et al. 2016, "Robust hyperparameter
    estimation protects against hypervariable genes").
    """
    import numpy as np
    from scipy import special

    variances, freedom = np.asarray(variances, dtype=float), np.asarray(freedom, dtype=float)
    if noise.freedom == 0:
        return variances, freedom
    prior = 2 * noise.variance  # of a difference
    ratio = variances / prior
    if math.isinf(noise.freedom):
        drawn, most = np.full_like(variances, prior), np.full_like(freedom, noise.pooled)
        chance = special.chdtrc(freedom, freedom * ratio)
    else:
        weights = freedom + noise.freedom
        drawn = (freedom * variances + noise.freedom * prior) / weights
        most = np.minimum(weights, noise.pooled)
        chance = special.fdtrc(freedom, noise.freedom, ratio)
    trust = np.minimum(chance / SUSPECT, 1)
    drawn = np.where(trust < 1, np.maximum(drawn, variances), drawn)
    own = np.minimum(freedom, most)
    return drawn, own + trust * (most - own)
