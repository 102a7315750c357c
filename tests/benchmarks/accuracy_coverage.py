"""How often do intervals of accuracies hold the truth, and verdicts claim a false difference or miss one?

    uv run python -m tests.benchmarks.accuracy_coverage [--families 300] [--seeds 3]

Families of rows whose expected accuracy is known are drawn, and judged as the report does it. The
accuracies of the seeds of a row have a beta distribution; its standard deviation is the spread. Whether
a network predicts a sample correctly depends on the sample's difficulty, which all rows share (half of
the variance), on what the row's networks have in common about it (a fifth), and on the network.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from harness.results.accuracy import Outcomes, accuracy_interval
from harness.results.standings import accuracy_differences, places

ROWS = 13
SHARES = np.sqrt(np.array([0.5, 0.2, 0.3], dtype="f4"))
"""Standard deviations of what is the sample's, the row's and the network's own."""


@dataclass(frozen=True)
class Family:
    """Rows by their expected accuracies and the spread of their seeds, both as fractions of 1."""

    accuracies: Sequence[float]
    spreads: Sequence[float]
    samples: int = 10_000
    seeds: int = 3
    shares: Any = None

    def draw(self, draws: Any) -> dict[str, Outcomes]:
        """One family: the row named "0" is the baseline."""
        shares = SHARES if self.shares is None else self.shares
        rows, seeds, samples = len(self.accuracies), self.seeds, self.samples
        normal = {"dtype": "f4"}
        own = shares[2] * draws.standard_normal((rows, seeds, samples), **normal)
        own += (shares[1] * draws.standard_normal((rows, samples), **normal))[:, None]
        own += shares[0] * draws.standard_normal(samples, **normal)
        right = own < self._thresholds(draws)[:, :, None]
        return {str(row): Outcomes(range(seeds), table) for row, table in enumerate(right)}

    def _thresholds(self, draws: Any) -> Any:
        """[rows, seeds]: what the difficulty has to stay below."""
        drawn = []
        for accuracy, spread in zip(self.accuracies, self.spreads, strict=True):
            size = accuracy * (1 - accuracy) / spread**2 - 1 if spread else np.inf
            ends = accuracy * size, (1 - accuracy) * size
            drawn.append(draws.beta(*ends, self.seeds) if spread else [accuracy] * self.seeds)
        return special.ndtri(np.clip(drawn, 1e-9, 1 - 1e-9)).astype("f4")


@dataclass(frozen=True)
class Judged:
    """Shares of what was judged, as far as it applies.

    Of all intervals, those that hold the truth: of the rows' `accuracy` and of their `difference`s from
    the baseline, `worst` of the row where fewest do. Families with any `false` claim; false claims among
    all claims of a family (`false_share`, the false discovery rate); differences `found`. Families with
    a row `misplaced` below the leader of a better place that is no more accurate.
    """

    accuracy: float
    difference: float
    worst: float
    false: float
    false_share: float
    found: float
    misplaced: float


def judge(family: Family, count: int, draws: Any) -> Judged:
    """So many families: the intervals, every row against the first one, the places."""
    truths = np.array(family.accuracies)
    apart = (truths - truths[0])[1:]
    accuracy, difference, false, false_share, found, misplaced = [], [], [], [], [], []
    for _ in range(count):
        rows = family.draw(draws)
        alone = [accuracy_interval(row.right) for row in rows.values()]
        accuracy.append([c.low <= truth <= c.high for c, truth in zip(alone, truths, strict=True)])
        paired = list(accuracy_differences(rows, "0").values())
        difference.append(
            [d.low <= truth <= d.high for d, truth in zip(paired, apart, strict=True)]
        )
        said = np.array([_SIGNS[each.verdict] for each in paired])
        wrong = (said != 0) & (said != np.sign(apart))
        false.append(wrong.any())
        false_share.append(wrong.sum() / max((said != 0).sum(), 1))
        found.append(np.mean(said[apart != 0] == np.sign(apart[apart != 0])) if apart.any() else 0)
        misplaced.append(_is_misplaced(rows, truths))
    by_row = np.mean(difference, axis=0)
    means = [float(np.mean(each)) for each in (false, false_share, found, misplaced)]
    return Judged(float(np.mean(accuracy)), float(by_row.mean()), float(by_row.min()), *means)


_SIGNS = {"better": 1, "worse": -1, "tie": 0}


def _is_misplaced(rows: dict[str, Outcomes], truths: Any) -> bool:
    placed = np.array(list(places(rows).values()))
    means = np.array([row.mean for row in rows.values()])
    for place in set(placed):
        leader = max(np.flatnonzero(placed == place), key=lambda row: means[row])
        if (truths[placed > place] >= truths[leader]).any():
            return True
    return False


def constant_networks(count: int, draws: Any, samples: int = 360, classes: int = 10) -> float:
    """How often the interval holds 1 / classes, of networks that always predict the same class each."""
    held = []
    for _ in range(count):
        labels = draws.integers(classes, size=samples)
        found = accuracy_interval(labels == draws.integers(classes, size=(3, 1)))
        held.append(found.low <= 1 / classes <= found.high)
    return float(np.mean(held))


def main() -> None:
    """Draws, judges, prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--families", type=int, default=300, help="of each cell")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    draws, count = np.random.default_rng(0), options.families
    print(
        f"{count} families of {ROWS} rows, {options.seeds} seeds; spreads in points, "
        "* where as large as the error rate\n"
    )
    print(f"{'equal rows':28}{_HEAD}")
    cells = itertools.product((360, 10_000), (0.5, 0.8, 0.9, 0.97, 0.995), (0, 0.3, 1, 3))
    for samples, accuracy, spread in cells:
        mark = " *" if spread / 100 >= 1 - accuracy else ""
        if mark and spread / 100 > 1.9 * (1 - accuracy):
            continue
        family = Family(
            [accuracy] * ROWS, [spread / 100] * ROWS, samples=samples, seeds=options.seeds
        )
        _print(f"{accuracy:<5} spread {spread}{mark}", family, count, draws)
    for name, spreads in _MIXED.items():
        for samples in (360, 10_000):
            family = Family([0.9] * ROWS, spreads, samples=samples, seeds=options.seeds)
            _print(f"0.9 {name}", family, count, draws)
    agreeing = np.sqrt(np.array([0.7, 0.3, 0], dtype="f4"))
    for accuracy in (0.9, 0.995):
        family = Family([accuracy] * ROWS, [0] * ROWS, 360, options.seeds, shares=agreeing)
        _print(f"{accuracy:<5} seeds agree", family, count, draws)
    print(f"{'constant networks':28}    360  {constant_networks(10 * count, draws):8.3f}")
    print(f"\n{'2 points apart, spread 0.3':28}{_HEAD}")
    for accuracy, better in itertools.product((0.5, 0.8, 0.9, 0.95, 0.97), (1, 6, 12)):
        accuracies = [accuracy] * (ROWS - better) + [accuracy + 0.02] * better
        family = Family(accuracies, [0.003] * ROWS, seeds=options.seeds)
        _print(f"{accuracy:<5} {better:2} of 12 rows", family, count, draws)


_HEAD = "samples  accuracy  difference (worst)  false  false share  found  misplaced"
_STEADY = [0.0] * 4 + [0.003] * 4 + [0.01] * 3
_MIXED = {
    "spreads 0 to 3": [*_STEADY, 0.03, 0.03],
    "0 to 3, base 1": [0.01, *_STEADY[:-1], 0.03, 0.03],
    "0.3, one row 1": [0.003] * 12 + [0.01],
    "0.3, one row 3": [0.003] * 12 + [0.03],
    "0.3, base 3": [0.03] + [0.003] * 12,
}


def _print(name: str, family: Family, count: int, draws: Any) -> None:
    judged = judge(family, count, draws)
    print(
        f"{name:28}{family.samples:7}  {judged.accuracy:8.3f}  {judged.difference:10.3f} "
        f"({judged.worst:.3f})  {judged.false:.3f}  {judged.false_share:11.3f}  {judged.found:.3f}  "
        f"{judged.misplaced:.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
