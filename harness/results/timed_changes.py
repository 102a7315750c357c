"""Times of the rows of two sessions, compared beside what all of them changed by."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.results.change import Change, over_rounds
from harness.results.comparison import Noise, Rounds, centre
from harness.results.drift import LEAST_DRIFT, LEAST_ROWS, drift
from harness.results.metrics import METRICS


@dataclass(frozen=True)
class Timed:
    """One series of one row in two sessions: the seconds for each sample, `old` and `new`.

    `measured` has the row, the metric and the reported values. What was measured side by side has one
    `group` and the same two `sessions`. `probe` is the logarithm of the ratio of what the machine did.
    """

    measured: Change
    group: str
    sessions: tuple[int, int]
    old: Rounds
    new: Rounds
    noise: Noise
    probe: float

    @property
    def ratio(self) -> float:
        """The logarithm of what the new session takes over the old one."""
        return centre(self.new) - centre(self.old)


def timed_changes(rows: Sequence[Timed]) -> list[Change]:
    """The change of each row, beside the drift that the others of its group show in the same metric."""
    changes = []
    for group in _side_by_side(rows):
        ratios = [row.ratio for row in group]
        for place, row in enumerate(group):
            between = drift(ratios[:place] + ratios[place + 1 :], row.probe)
            changes.append(over_rounds(row.measured, row.old, row.new, row.noise, between))
    return changes


def shared(rows: Sequence[Timed]) -> Iterator[str]:
    """A sentence for each group and metric whose rows all changed by more than a row's drift."""
    for group in _side_by_side(rows):
        first, ratios = group[0], [row.ratio for row in group]
        middle = statistics.median(ratios)
        if len(ratios) <= LEAST_ROWS or abs(middle) <= LEAST_DRIFT:
            continue
        took = f"the rows took {math.exp(middle):.2f} times as long as in the old run (median)"
        if drift(ratios, math.nan).shift:
            means = "a row's difference is what it has beyond that"
        else:
            means = "more than two sessions of one machine differ by, so it counts for each row"
        yield f"{METRICS[first.measured.metric].title}, {first.group}: {took}; {means}."


def _side_by_side(rows: Sequence[Timed]) -> Iterable[list[Timed]]:
    """Those of the same metric, group and sessions."""
    groups: dict[tuple[str, str, tuple[int, int]], list[Timed]] = {}
    for row in rows:
        groups.setdefault((row.measured.metric, row.group, row.sessions), []).append(row)
    return groups.values()
