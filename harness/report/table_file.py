"""summary.csv: the rows for other programs, a spreadsheet among them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from harness.report.numbers import plain
from harness.results.frame import summary_columns, summary_line
from harness.results.summary import Summary


def summary_csv(summaries: Sequence[Summary]) -> str:
    """A line for each row, every number in full; no cell of text is a formula."""
    columns = summary_columns(summaries)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(_harmless, columns))
    for summary in summaries:
        line = summary_line(summary)
        writer.writerow(_harmless(line.get(column, "")) for column in columns)
    return file.getvalue()


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = plain(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
