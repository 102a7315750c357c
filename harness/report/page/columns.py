"""The table of results on the page: its columns in groups, those shown at first, the best cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.content import Table
from harness.report.pairs import pair
from harness.report.rows import interval, overlap
from harness.results.caveats import is_lower_bound
from harness.results.metrics import HOST, METRICS, REST, Metric
from harness.results.ranking import Ranking
from harness.results.summary import Summary

#: So many columns of the host's a reader sees first; the rest is one press away.
MOST_AT_FIRST = 7


@dataclass(frozen=True)
class PageColumn:
    """A column of the table on the page; `first` is the direction of its first sort."""

    title: str
    help: str
    number: bool
    order: str
    metric: str
    group: str
    shown: bool
    first: str


def page_columns(table: Table) -> list[PageColumn]:
    """The columns of a table of results; the first names its lines and is always shown."""
    columns = []
    metrics = [METRICS.get(column.metric) for column in table.columns]
    left = MOST_AT_FIRST - sum(map(_is_brief_by_hook, metrics))
    for place, (column, metric) in enumerate(zip(table.columns, metrics, strict=True)):
        own = column.metric
        wanted = metric.at_first if metric else column.title in ("Size", "Seeds")
        shown = place == 0 or _is_brief_by_hook(metric) or (wanted and left > 0)
        left -= place > 0 and wanted
        more = metric is not None and metric.better == "more"
        first = "descending" if more else "ascending"
        columns.append(
            PageColumn(
                column.title, column.help, column.number, column.order, own,
                metric.group if metric else REST, shown, first,
            )
        )  # fmt: skip
    return columns


def _is_brief_by_hook(metric: Metric | None) -> bool:
    """Whether it is one of the user's own, which is shown before the host's."""
    return metric is not None and metric.name not in HOST and metric.place == "brief"


def best_cells(
    rows: Sequence[Summary], metrics: Sequence[Metric], ranking: Ranking | None = None
) -> dict[str, dict[str, str]]:
    """For each metric the keys of the rows that are `best` or a `tie` with the best.

    Accuracies tie by the places of `ranking`, times as their group's rounds tell, everything else where its
    interval overlaps the best's.
    A column in which all are equal, or of one row, has no best.
    """
    by_metric: dict[str, dict[str, str]] = {}
    for metric in metrics:
        having = [row for row in rows if holds(row, metric.name)]
        values = {row.value(metric.name) for row in having}
        if metric.better == "" or len(values) < 2:
            continue
        top = max(values) if metric.better == "more" else min(values)
        first = next(row for row in having if row.value(metric.name) == top)
        marks = {}
        for row in having:
            if row.value(metric.name) == top:
                marks[row.row.key] = "best"
            elif metric.name == "test_accuracy" and ranking and ranking.places:
                marks |= {row.row.key: "tie"} if row.row.key in ranking.best() else {}
            elif _tied(row, first, metric):
                marks[row.row.key] = "tie"
        by_metric[metric.name] = marks
    return by_metric


def holds(row: Summary, metric: str) -> bool:
    """Whether the row has a number of `metric` that may be the best: not refuted, nor a lower bound."""
    return row.has(metric) and not row.refuted and not is_lower_bound(row.warnings, metric)


def _tied(row: Summary, first: Summary, metric: Metric) -> bool:
    if metric.series and (quotient := pair(row.timing, first.timing, metric.series)):
        return quotient.tie
    top = first.value(metric.name)
    return overlap(
        interval(row.cells[metric.name]), interval(first.cells[metric.name]) or (top, top)
    )
