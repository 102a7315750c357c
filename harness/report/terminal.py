"""The table that closes a run in the terminal: the columns that fit, the most important first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.report.rows import Row, report_rows
from harness.report.tables import COLUMNS, seeds
from harness.results.record import Record

if TYPE_CHECKING:
    from rich.table import Table

#: In the order of their importance. The rest is in the report.
SHOWN = (
    "test_accuracy",
    "van_rossum_loss",
    "spikes_on_time",
    "spikes_extra",
    "latency_ms",
    "decision_step",
    "activation_sparsity",
    "synops_effective",
    "inference_throughput",
    "train_seconds",
    "spikes_per_sample",
    "peak_memory_bytes",
)
WITH_INTERVAL = ("test_accuracy", "van_rossum_loss", "latency_ms")
LONGEST_NAME, PADDING = 40, 3


def terminal_table(records: Sequence[Record], width: int | None = None) -> Table:
    """The comparison in `width` columns, the terminal's where it is not given."""
    from rich.table import Table
    from rich.text import Text

    rows = report_rows(records)
    names = [row.name for row in rows]
    left = width or shutil.get_terminal_size().columns
    longest = min(LONGEST_NAME, left // 2, max(map(len, ["Row", *names])))
    left -= longest
    table = Table(show_edge=False, header_style="bold", pad_edge=False)
    table.add_column("Row", min_width=longest, max_width=longest, overflow="fold")
    shown = []
    for title, choices in _columns(rows):
        for cells in choices:
            needed = max(map(len, (title, *cells))) + PADDING
            # With its interval, a column has to leave as much room as it takes.
            if needed <= (left if cells is choices[-1] else left / 2):
                left -= needed
                shown.append(cells)
                table.add_column(title, justify="right", no_wrap=True)
                break
    # Text, not str: a name in brackets is no markup.
    for place, name in enumerate(names):
        table.add_row(Text(name), *(Text(cells[place]) for cells in shown))
    return table


def _columns(rows: Sequence[Row]) -> Iterator[tuple[str, list[list[str]]]]:
    """Each column's title and its cells, wide and narrow."""
    by_metric = {column.metric: column for column in COLUMNS}
    measured = [metric for metric in SHOWN if any(row.has(metric) for row in rows)]
    for metric in measured:
        column = by_metric[metric]
        cells = [column.show(row.summary, metric) for row in rows]
        wide = [[str(cell) for cell in cells]] if metric in WITH_INTERVAL else []
        yield column.title, [*wide, [cell.value for cell in cells]]
        if metric == measured[0]:
            yield "Seeds", [[seeds(row) for row in rows]]
    if not measured:
        yield "Seeds", [[seeds(row) for row in rows]]
