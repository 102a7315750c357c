"""How accurate a row is: over its seeds and the test samples, and for each class.

The accuracy that is estimated is the expected one: that of a new training run on new test samples of
the same distribution, on average. So both seeds and samples count as drawn by chance. `standings.py`
compares rows. `tests/benchmarks/accuracy_coverage.py` measures how often the intervals are right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.results.crossed import mean_squares
from harness.results.statistics import CONFIDENCE, Cell


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Which test samples the networks of a row predict correctly.

    `right` [seeds, samples], bool: the networks in the order of `seeds`, the samples the same, in the
    same order, for all rows of a comparison. A ValueError without a seed, or with fewer than two samples.
    """

    seeds: Sequence[int]
    right: Any

    def __post_init__(self) -> None:
        table = as_outcomes(self.right)
        if len(set(self.seeds)) != len(table) or len(self.seeds) != len(table):
            raise ValueError(f"{len(table)} networks of seeds {list(self.seeds)}")
        object.__setattr__(self, "right", table)

    @cached_property
    def accuracies(self) -> dict[int, float]:
        """The accuracy of each seed."""
        means = self.right.mean(axis=1)
        return {seed: float(mean) for seed, mean in zip(self.seeds, means, strict=True)}

    @property
    def mean(self) -> float:
        """The accuracy, over all seeds and samples."""
        return float(self.right.mean())


def accuracy_interval(right: Any) -> Cell:
    """The mean of `right` [seeds, samples], bool, and the 95 % interval of the expected accuracy.

    The variance is the sum of the components of seeds and of samples (Gallas, Pennello and Myers 2007).
    The quantile is the mean of Student's for seeds and that for samples, weighted by their variances
    (Cochran and Cox 1950, "Experimental Designs"). Satterthwaite's covers only 92 % with three seeds: a
    variance that is too small by chance gets more degrees of freedom. The interval is Wilson's score
    interval of the effective number of samples, the number of independent ones with this variance
    (Korn and Graubard 1998, "Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data"), because a symmetric one is wrong near 0 and 1. One seed has the
    interval of the samples alone, and `kind` says so; an accuracy of exactly 0 or 1 has it too.
    """
    from scipy import special

    squares = mean_squares(as_outcomes(right).view("int8"))
    (seeds, samples), mean = squares.shape, squares.mean
    binomial = mean * (1 - mean)
    count, t = float(samples), float(special.ndtri((1 + CONFIDENCE) / 2))
    if seeds > 1 and binomial:
        total = squares.seeds + squares.share_of_samples
        weight = squares.seeds / total if total else 0.0
        t += weight * (float(special.stdtrit(seeds - 1, (1 + CONFIDENCE) / 2)) - t)
        # At most one for each prediction: by chance both components can be 0.
        count *= seeds / max(total / binomial, 1.0)
    centre, scale = mean + t * t / (2 * count), 1 + t * t / count
    half = t * math.sqrt(binomial / count + (t / count) ** 2 / 4)
    low, high = max((centre - half) / scale, 0.0), min((centre + half) / scale, 1.0)
    return Cell(
        mean, min(low, mean), max(high, mean), kind(seeds, samples), seeds,
        "seed" if seeds == 1 else "seeds",
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ClassAccuracy:
    """The accuracy within each class, over all seeds.

    `n` [classes]: the test samples of each class; `accuracy` [classes]: NaN for a class without samples;
    `confusion` [true, predicted]: predictions counted, of all seeds together.
    """

    n: Any
    accuracy: Any
    confusion: Any


def class_accuracy(predictions: Any, labels: Any, classes: int) -> ClassAccuracy:
    """From `predictions` [seeds, samples] and `labels` [samples], both in 0 to classes - 1.

    A ValueError if the shapes do not fit, or a value lies outside.
    """
    import numpy as np

    predictions, labels = np.asarray(predictions), np.asarray(labels)
    if predictions.ndim != 2 or labels.shape != predictions.shape[1:] or not predictions.size:
        raise ValueError(f"predictions {predictions.shape} do not fit labels {labels.shape}")
    for name, values in (("prediction", predictions), ("label", labels)):
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() >= classes:
            raise ValueError(f"a {name} is a whole number from 0 to {classes - 1}")
    cells = labels.astype(np.int64) * classes + predictions
    confusion = np.bincount(cells.ravel(), minlength=classes**2).reshape(classes, classes)
    shown = confusion.sum(axis=1)
    right = np.full(classes, math.nan)
    np.divide(confusion.diagonal(), shown, out=right, where=shown > 0)
    return ClassAccuracy(shown // len(predictions), right, confusion)


def as_outcomes(right: Any) -> Any:
    """`right` as a bool array [seeds, samples]; a ValueError if it is none, or too small."""
    import numpy as np

    table = np.asarray(right)
    if table.dtype != bool or table.ndim != 2 or not len(table) or table.shape[1] < 2:
        raise ValueError(
            f"{table.dtype} {table.shape} is not bool [seeds, samples] of a seed and two samples"
        )
    return table


def kind(seeds: int, samples: int) -> str:
    """What an interval covers, in words."""
    if seeds == 1:
        return "1 seed: samples alone"
    return f"{seeds} seeds x {samples:,} samples".replace(",", " ")
