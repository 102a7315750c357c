"""Two rows of a measurement group beside each other, by what both take over their baseline."""

from __future__ import annotations

import math
from typing import NamedTuple

from harness.report.versus import Timing, versus


class Pair(NamedTuple):
    """The time of one row over that of another, and whether the two cannot be told apart."""

    ratio: float
    tie: bool


def pair(record: Timing | None, other: Timing | None, name: str) -> Pair | None:
    """The time of `record` over that of `other` in a series; None where they have no common baseline.

    The quotient of two ratios to one baseline is the ratio of the two rows: all are of fastest calls. Where
    one of them is the baseline, the verdict is that of the group. Else they are a tie within the noise
    floor, and within what an unsteady one of them may differ by.
    """
    if record is None or other is None or not record.baseline:
        return None
    if (record.session, record.baseline) != (other.session, other.baseline):
        return None
    logs, spreads, verdicts = [], [], []
    for each in (record, other):
        comparison = versus(each, name)
        if each.row.key == each.baseline:
            logs.append(0.0)
        elif comparison is None or not comparison.ratio:
            return None
        else:
            logs.append(math.log(comparison.ratio))
            spreads.append(
                math.log(comparison.high / comparison.ratio) if comparison.high else math.inf
            )
            verdicts.append(comparison.verdict)
        floor = each.series[name].noise_floor if name in each.series else None
        spreads.append(math.inf if floor is None else math.log1p(floor))
    log = logs[0] - logs[1]
    tie = verdicts[0] == "tie" if len(verdicts) == 1 else abs(log) <= max(spreads)
    return Pair(math.exp(log), tie)
