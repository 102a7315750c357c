"""What a row has a value of for each of several names: the classes, the strengths of a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.report import series
from harness.report.content import Pairs
from harness.report.numbers import in_unit, plain, show
from harness.report.rows import NetworkRow
from harness.results.metrics import METRICS
from harness.results.summary import Cell

#: Of more names than these, a table tells how many are left.
MOST_NAMES = 100
#: The metric whose names are the numbers of classes.
OF_CLASSES = "class_accuracy"


@dataclass(frozen=True)
class NamedValues:
    """A table of two columns, `heading` and the value: `lines` are (name, value as text)."""

    title: str
    help: str
    heading: str
    lines: Pairs
    left: int = 0


def named_values(row: NetworkRow, classes: Sequence[str] = ()) -> list[NamedValues]:
    """A table for each metric with names, and for each change of the test samples; means over the seeds.

    `classes` are the names of the classes.
    """
    return [*_by_name(row, classes), *_by_strength(row)]


def _by_name(row: NetworkRow, classes: Sequence[str]) -> Iterator[NamedValues]:
    numbered = {str(number): name for number, name in enumerate(classes)}
    for metric, cells in row.named.items():
        known = numbered if metric == OF_CLASSES else {}
        lines = [
            (known.get(name, plain(name)), str(show(cell, metric))) for name, cell in cells.items()
        ]
        if lines:
            description = METRICS[metric]
            left = max(0, len(lines) - MOST_NAMES)
            yield NamedValues(
                description.title, description.meaning, "Name", lines[:MOST_NAMES], left
            )


def _by_strength(row: NetworkRow) -> Iterator[NamedValues]:
    for name, title in series.changes([row]).items():
        points = series.over_seeds(series.under_change(row, name)).mean(0)
        lines = [(f"{at:g}", str(in_unit(Cell(share / 100), "fraction"))) for at, share in points]
        yield NamedValues(
            "Accuracy under noise", "test accuracy on samples that are changed", title, lines
        )
