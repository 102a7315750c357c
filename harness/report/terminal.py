"""The tables that close a run in the terminal: the columns that fit, the most important first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.report import layers, networks
from harness.report.content import Table
from harness.report.numbers import plain, show
from harness.report.rows import NetworkRow, network_rows
from harness.results.metrics import Metric
from harness.results.record import Record, latest
from harness.results.store import Description
from harness.results.summary import summarise

if TYPE_CHECKING:
    import rich.table

LONGEST_NAME, PADDING = 40, 3

Choices = Sequence[Sequence[str]]
"""The cells of a column: wide, and narrow where it has a narrower form."""


def terminal_tables(
    description: Description, records: Sequence[Record], width: int | None = None
) -> Iterator[rich.table.Table]:
    """The tables of a run in `width` columns, the terminal's where it is not given.

    Nothing is cut off: names are folded, and what does not fit is in the report.
    """
    width = width or shutil.get_terminal_size().columns
    records = latest(list(records))
    summaries = summarise(records, description.sessions)
    rows, layer_rows = network_rows(summaries), layers.layer_rows(summaries)
    if rows or description.kind == "networks":
        yield _fitted("", [row.name for row in rows], _network_columns(rows), width)
    if proofs := layers.proofs(records):
        yield _folded(proofs)
    shown = {metric.title for metric in layers.shown_metrics(layer_rows) if _brief(metric)}
    for table in layers.speeds(layer_rows):
        names = [f"{line[0].value} {line[1].value}" for line in table.lines]
        yield _fitted(table.title, names, _layer_columns(table, shown), width)


def _network_columns(rows: Sequence[NetworkRow]) -> Iterator[tuple[str, Choices]]:
    """Each column's title and cells; with its interval the first, and whatever summarises times."""
    metrics = [metric for metric in networks.shown_metrics(rows) if _brief(metric)]
    seeds = ("Seeds", [[networks.seeds(row) for row in rows]])
    for place, metric in enumerate(metrics):
        cells = [show(row.cell(metric.name), metric.name) for row in rows]
        wide = [[str(cell) for cell in cells]] if place == 0 or metric.series else []
        yield metric.title, [*wide, [cell.value for cell in cells]]
        if place == 0:
            yield seeds
    if not metrics:
        yield seeds


def _layer_columns(table: Table, shown: set[str]) -> Iterator[tuple[str, Choices]]:
    """The last column, the verdict, comes first: without it the times are easily misread."""
    columns = list(enumerate(table.columns))[2:]
    for place, column in [columns[-1], *columns[:-1]]:
        cells = [line[place] for line in table.lines]
        if place == len(table.columns) - 1:
            # Without the interval, which the report has.
            texts = [_without_brackets(cell.value) for cell in cells]
            yield "Against the baseline", [texts]
        elif column.title in shown:
            yield column.title, [[str(cell) for cell in cells], [cell.value for cell in cells]]


def _fitted(
    title: str, names: Sequence[str], columns: Iterator[tuple[str, Choices]], width: int
) -> rich.table.Table:
    """A table of as many `columns` as fit into `width`."""
    import rich.table
    from rich.text import Text

    table = rich.table.Table(
        title=title or None,
        title_justify="left",
        show_edge=False,
        header_style="bold",
        pad_edge=False,
    )
    longest = min(LONGEST_NAME, width // 2, max(map(len, ["Row", *names])))
    left = width - longest
    table.add_column("Row", min_width=longest, max_width=longest, overflow="fold")
    shown: list[Sequence[str]] = []
    for heading, choices in columns:
        for cells in choices:
            needed = max(map(len, (heading, *cells))) + PADDING
            # With its interval, a column has to leave as much room as it takes.
            if needed <= (left if cells is choices[-1] else left / 2):
                left -= needed
                shown.append(cells)
                table.add_column(heading, justify="right", no_wrap=True)
                break
    # Text, not str: a name in brackets is no markup.
    for place, name in enumerate(names):
        table.add_row(Text(name), *(Text(cells[place]) for cells in shown))
    return table


def _folded(table: Table) -> rich.table.Table:
    """A table of short words, all columns of which are shown, folded where they must be."""
    import rich.table
    from rich.text import Text

    made = rich.table.Table(
        title=table.title,
        title_justify="left",
        show_edge=False,
        header_style="bold",
        pad_edge=False,
    )
    for column in table.columns:
        made.add_column(Text(column.title), overflow="fold")
    for line in table.lines:
        made.add_row(*(Text(plain(cell.value)) for cell in line))
    return made


def _brief(metric: Metric) -> bool:
    return metric.place == "brief"


def _without_brackets(text: str) -> str:
    before, bracket, after = text.partition(" [")
    return before + after.partition("]")[2] if bracket else text
