"""The networks' rows as the report shows them: ordered, named, each with its own look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.plugin.contract import Value
from harness.report.looks import Look, looks
from harness.report.numbers import plain
from harness.results.metrics import METRICS, REGISTRY, Metric
from harness.results.record import TrialRecord
from harness.results.summary import Cell, Summary
from harness.subjects import Row

#: Colours that stand for a role, and what the page replaces them with in a dark theme.
LIGHT = INK, MUTED, GRID, PAPER = "#20262d", "#66707c", "#dde2e7", "#ffffff"
DARK = ("#e6eaee", "#98a3af", "#353d46", "#1b2026")

#: The metrics that order the rows: the first that some row has. Each is that of one kind of task.
ORDER = ("test_accuracy", "van_rossum_loss")


@dataclass(frozen=True, kw_only=True)
class NetworkRow(Summary):
    """One row of the comparison of networks, with its name as shown; that of a refuted one says so.

    `trials` are the records of its successful trials, by seed; `tried` those of all.
    """

    row: Row
    name: str
    look: Look
    tried: Sequence[TrialRecord]

    @property
    def settings(self) -> dict[str, Value]:
        """The parameters that have an effect in this row."""
        unused = {name for trial in self.tried for name in trial.unused}
        return {name: value for name, value in self.row.params.items() if name not in unused}

    def ends(self, metric: str, factor: float = 1) -> tuple[float, ...]:
        """The ends of the metric's interval, times `factor`; none where it has no interval."""
        return tuple(factor * end for end in interval(self.cells[metric]))


def interval(cell: Cell) -> tuple[float, ...]:
    """The ends of a cell's interval; none where it has no interval."""
    return () if cell.low is None or cell.high is None else (cell.low, cell.high)


def overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two intervals do; one that is missing overlaps with none."""
    return bool(one and other) and one[0] <= other[1] and other[0] <= one[1]


def shown_name(summary: Summary) -> str:
    """The name of a row in tables, figures and sentences; that of a refuted one is marked."""
    return f"{plain(summary.label)} (refuted)" if summary.refuted else plain(summary.label)


def network_rows(summaries: Sequence[Summary]) -> list[NetworkRow]:
    """The rows, the highest test accuracy first, then the lowest van Rossum loss; without either last.

    Those that are refuted come after all others: no order is claimed of what does not hold. Looks follow
    the plugins and the names' alphabetical order, never the results.
    """
    named = sorted((plain(s.label), n) for n, s in enumerate(summaries) if isinstance(s.row, Row))
    every = looks([summaries[number].row.plugin for _, number in named])
    rows = []
    for look, (_, number) in zip(every, named, strict=True):
        summary = summaries[number]
        own = {"name": shown_name(summary), "look": look}
        own |= {"trials": summary.ok, "tried": summary.trials}
        rows.append(NetworkRow(**vars(summary) | own))
    return sorted(rows, key=_order)


def shown_metrics(rows: Sequence[Summary]) -> list[Metric]:
    """The metrics of the tables: those of the registry that some row has."""
    return [m for m in REGISTRY if m.place != "record" and any(row.has(m.name) for row in rows)]


def ordered_by(rows: Sequence[Summary]) -> str:
    """The metric that decides the order of `rows`; empty where no row has one."""
    return next((name for name in ORDER if any(row.has(name) for row in rows)), "")


def _order(row: NetworkRow) -> tuple[float | str, ...]:
    keys: list[float | str] = [float(bool(row.refuted))]
    for name in ORDER:
        sign = -1 if METRICS[name].better == "more" else 1
        keys.append(sign * row.value(name) if row.has(name) else float("inf"))
    return (*keys, row.name)
