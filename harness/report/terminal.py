"""The tables that close a run in the terminal: the columns that fit, the most important first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from harness.report import content, layers, networks
from harness.report.numbers import ABSENT, plain, show
from harness.report.rows import NetworkRow, network_rows, shown_metrics
from harness.results.answers import Answers
from harness.results.metrics import HOST, METRICS
from harness.results.ranking import Ranking, rank
from harness.results.record import Record, latest
from harness.results.store import Description
from harness.results.summary import summarise
from harness.results.tasks import by_task

LONGEST_NAME, PADDING = 40, 3

Columns = Iterator[tuple[str, Sequence[Sequence[str]]]]
"""The title and the cells of each column: wide, and narrow where it has a narrower form."""


def terminal_tables(
    description: Description,
    records: Sequence[Record],
    width: int | None = None,
    answers: Mapping[str, Answers] | None = None,
) -> Iterator[Table]:
    """The tables of a run in `width` columns, the terminal's where it is not given: one for each task.

    Nothing is cut off: names are folded, and what does not fit is in the report.
    """
    width = width or shutil.get_terminal_size().columns
    records = latest(list(records))
    tasks = by_task(records)
    for task, own in tasks.items():
        summaries = summarise(own, description.sessions, answers)
        rows = network_rows(summaries)
        if rows or description.kind == "networks":
            columns = _network_columns(rows, rank(summaries))
            title = plain(task) if len(tasks) > 1 else ""
            yield _fitted(title, [row.name for row in rows], columns, width)
    if proofs := layers.proofs(records):
        made = _table(proofs.title)
        for column in proofs.columns:
            made.add_column(Text(column.title), overflow="fold")
        for line in proofs.lines:
            made.add_row(*(Text(plain(cell.value)) for cell in line))
        yield made
    for table in layers.speeds(layers.layer_rows(summarise(records, description.sessions))):
        names = [f"{line[0].value} {line[1].value}" for line in table.lines]
        yield _fitted(table.title, names, _layer_columns(table), width)


def _network_columns(rows: Sequence[NetworkRow], ranking: Ranking) -> Columns:
    """The metrics: with its interval the first, and whatever summarises times.

    The user's own follow the first, the places and the seeds, so that they are among those that fit.
    """
    metrics = [metric for metric in shown_metrics(rows) if metric.place == "brief"]
    metrics[1:] = sorted(metrics[1:], key=lambda metric: metric.name in HOST)
    columns = []
    for place, metric in enumerate(metrics):
        cells = [show(row.cells.get(metric.name), metric.name) for row in rows]
        wide = [[str(cell) for cell in cells]] if place == 0 or metric.series else []
        columns.append((metric.title, [*wide, [cell.value for cell in cells]]))
    yield from columns[:1]
    if len(ranking.places) > 1:
        yield "Place", [[str(ranking.places.get(row.row.key, ABSENT)) for row in rows]]
    yield "Seeds", [[networks.seeds(row) for row in rows]]
    yield from columns[1:]


def _layer_columns(table: content.Table) -> Columns:
    """The last column, the verdict, comes first: without it the times are easily misread."""
    # Without the interval, which the report has.
    yield "Against the baseline", [[line[-1].brief for line in table.lines]]
    for place, column in enumerate(table.columns):
        if column.metric and METRICS[column.metric].place == "brief":
            cells = [line[place] for line in table.lines]
            yield column.title, [[str(cell) for cell in cells], [cell.value for cell in cells]]


def _fitted(title: str, names: Sequence[str], columns: Columns, width: int) -> Table:
    """A table of as many `columns` as fit into `width`."""
    table = _table(title)
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
    for line in zip(names, *shown, strict=True):
        table.add_row(*map(Text, line))
    return table


def _table(title: str) -> Table:
    return Table(
        title=title or None,
        title_justify="left",
        header_style="bold",
        pad_edge=False,
        show_edge=False,
    )
