"""The comparison's rows as the report shows them: ordered, named, each with its own look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.numbers import plain
from harness.results.frame import GROUP, groups, summary_rows
from harness.results.record import Record

#: Okabe and Ito's colours, told apart with any colour vision, without black and yellow, which
#: vanish on a dark or a white page; and grey.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#7f8790")
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Look:
    """A row's colour, marker and dash: the same in every figure, and no other row's."""

    colour: str
    marker: str
    dash: str


@dataclass(frozen=True)
class Row:
    """One row: its name as shown, its summary, the records of its successful trials."""

    name: str
    summary: dict[str, Any]
    trials: Sequence[Record]
    look: Look

    def has(self, metric: str) -> bool:
        """Whether `metric` was measured."""
        return metric in self.summary


def report_rows(records: Sequence[Record]) -> list[Row]:
    """The rows, the highest test accuracy first, then the lowest van Rossum loss; without either last.

    Looks follow the labels' alphabetical order, so that a row keeps its colour when results change.
    """
    summaries = summary_rows(records)
    names = _names(summaries)
    rank = {name: place for place, name in enumerate(sorted(names))}
    rows = [
        Row(
            name=name,
            summary=summary,
            trials=[r for r in members if r.stage == "trial" and r.status == "ok"],
            look=_look(rank[name]),
        )
        for name, summary, members in zip(names, summaries, groups(records).values(), strict=True)
    ]
    return sorted(rows, key=_order)


def _order(row: Row) -> tuple[float, float, str]:
    accuracy, loss = row.summary.get("test_accuracy"), row.summary.get("van_rossum_loss")
    return (
        1.0 if accuracy is None else -accuracy,
        float("inf") if loss is None else loss,
        row.name,
    )


def _names(summaries: Sequence[dict[str, Any]]) -> list[str]:
    """Labels; where one occurs more than once, with all that tells its rows apart."""
    count = Counter(summary["label"] for summary in summaries)
    return [
        plain(s["label"] if count[s["label"]] == 1 else " ".join(s[name] for name in GROUP))
        for s in summaries
    ]


def _look(place: int) -> Look:
    turn = place // len(PALETTE)
    return Look(
        colour=PALETTE[place % len(PALETTE)],
        marker=MARKERS[(place + turn) % len(MARKERS)],
        dash=DASHES[turn % len(DASHES)],
    )
