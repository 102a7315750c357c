"""Writes a run's report into its folder, from the records alone."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.report import html, markdown
from harness.report.figures import NAMES, Picture, draw_figures
from harness.report.numbers import plain
from harness.report.view import View, gather
from harness.results.frame import summary_columns, summary_line
from harness.results.record import Record
from harness.results.store import Description
from harness.results.summary import Summary

#: What stands in place of the figures until they are drawn.
PENDING = (
    "Figures are drawn after the tables: harness report draws them where this was interrupted."
)
NONE = "This report was made without figures."


def build_report(
    path: Path,
    description: Description,
    records: Sequence[Record],
    problems: Sequence[str] = (),
    *,
    beside: Sequence[str] = (),
    figures: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Writes summary.csv, report.md and report.html, then figures/ and both reports with the figures.

    `problems` names the lines of records.jsonl that could not be read, `beside` the runs whose rows
    were taken over. `say` is told what is being done. Each file is replaced at once: a reader sees
    the old one or the new one. Figures of an earlier report are removed. Returns the files.
    """
    view = gather(description, records, problems, beside)
    (path / "figures").mkdir(parents=True, exist_ok=True)
    say("writing the tables")
    written = [_write(path / "summary.csv", _summary_csv(view.summaries))]
    written += _reports(path, view, [], PENDING if figures else NONE)
    for name in NAMES:
        for kind in ("svg", "png"):
            (path / "figures" / f"{name}.{kind}").unlink(missing_ok=True)
    if not figures:
        return written
    pictures: list[Picture] = []
    missed: list[str] = []
    say("drawing the figures")
    for figure in draw_figures(view):
        if isinstance(figure, Picture):
            pictures.append(figure)
            written.append(_write(path / "figures" / f"{figure.name}.svg", figure.svg))
            written.append(_write(path / "figures" / f"{figure.name}.png", figure.png))
        elif figure.missed:
            missed.append(f"{figure.title} ({figure.reason})")
    _reports(path, view, pictures, f"Figures left out: {'; '.join(missed)}." if missed else "")
    return written


def _reports(path: Path, view: View, pictures: Sequence[Picture], remark: str) -> list[Path]:
    return [
        _write(path / "report.md", markdown.render(view, pictures, remark)),
        _write(path / "report.html", html.render(view, pictures, remark)),
    ]


def _summary_csv(summaries: Sequence[Summary]) -> str:
    """A line for each row, every number in full; no cell of text is a formula."""

    def harmless(cell: Any) -> Any:
        text = plain(cell) if isinstance(cell, str) else ""
        return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text or cell

    columns, file = summary_columns(summaries), io.StringIO()
    lines = [[line.get(column, "") for column in columns] for line in map(summary_line, summaries)]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows(map(harmless, line) for line in (columns, *lines))
    return file.getvalue()


def _write(path: Path, content: str | bytes) -> Path:
    """Replaces the file at once."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    # A lone surrogate in a name is no text that a file could hold: written as its escape.
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
