"""Writes a run's report into its folder, from the records alone."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.report import environment, layers, networks, trust, versus, words
from harness.report.content import PROSE, Picture, prose
from harness.report.numbers import listed, plain
from harness.report.pages import render
from harness.report.rows import NetworkRow, network_rows, shown_metrics
from harness.results.frame import summary_columns, summary_line
from harness.results.metrics import METRICS
from harness.results.record import Record, latest
from harness.results.store import Description
from harness.results.summary import Summary, summarise


@dataclass(frozen=True)
class View:
    """A report's content but its figures; `said` is what the templates name."""

    summaries: Sequence[Summary]
    networks: Sequence[NetworkRow]
    layers: Sequence[Summary]
    said: Mapping[str, Any]


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
    written += _reports(path, view, [], prose("figures_missing", "pending" if figures else "none"))
    for name in PROSE["figures"]:
        for kind in ("svg", "png"):
            (path / "figures" / f"{name}.{kind}").unlink(missing_ok=True)
    if not figures:
        return written
    pictures: list[Picture] = []
    missed: list[str] = []
    say("drawing the figures")
    with _any_backend():
        from harness.report.figures import draw_figures
    for figure in draw_figures(view.networks, view.layers):
        if isinstance(figure, Picture):
            pictures.append(figure)
            written.append(_write(path / "figures" / f"{figure.name}.svg", figure.svg))
            written.append(_write(path / "figures" / f"{figure.name}.png", figure.png))
        elif figure.missed:
            missed.append(f"{figure.title} ({figure.reason})")
    remark = prose("figures_missing", "omitted", figures="; ".join(missed)) if missed else ""
    _reports(path, view, pictures, remark)
    return written


def gather(
    description: Description,
    records: Sequence[Record],
    problems: Sequence[str] = (),
    beside: Sequence[str] = (),
) -> View:
    """The view of a run; the sections that it has follow from the kinds of its records."""
    sessions = description.sessions
    records = latest(list(records))  # what is repeated counts once, in all sections
    summaries = summarise(records, sessions)
    labels = {summary.row.key: plain(summary.label) for summary in summaries}
    rows, layer_rows = network_rows(summaries), layers.layer_rows(summaries)
    failed = trust.unfinished(records, labels)
    tables = [
        networks.results(rows) if any(row.trials for row in rows) else None,
        networks.against_sources(rows),
        layers.proofs(records),
        *layers.speeds(layer_rows),
        versus.faster_or_slower(records, labels),
    ]
    metrics = shown_metrics(summaries)
    if any(summary.references for summary in summaries):
        metrics.append(METRICS["reference_accuracy"])
    said = {
        "title": PROSE["titles"][description.kind],
        "headline": words.headline(rows, records),
        "commands": list(dict.fromkeys(plain(s.command) for s in sessions if s.command)),
        "warnings": [*words.warnings(rows, records), *environment.warnings(sessions, records)],
        "tables": [table for table in tables if table is not None],
        "trust": trust.how_far(records, sessions, labels, beside),
        "notes": words.notes(rows, records),
        "meanings": [(metric.title, metric.meaning) for metric in metrics],
        "unfinished": failed,
        "without_result": listed(trust.names(failed)) if failed else "",
        "parameters": networks.parameters(rows),
        "sessions": environment.sessions_table(sessions, records),
        "environment": environment.cards(sessions),
        "problems": list(map(plain, problems)),
    }
    return View(summaries, rows, layer_rows, said)


def _reports(path: Path, view: View, pictures: Sequence[Picture], remark: str) -> list[Path]:
    files = render(view.said, pictures, remark)
    return [_write(path / name, text) for name, text in files.items()]


@contextmanager
def _any_backend() -> Iterator[None]:
    """Lets matplotlib be imported, whatever MPLBACKEND names: a notebook's may not be installed here.

    matplotlib refuses to be imported then, although the report uses no backend. A valid one is set
    as matplotlib itself would set it.
    """
    backend = "" if "matplotlib" in sys.modules else os.environ.pop("MPLBACKEND", "")
    try:
        yield
    finally:
        if backend:
            os.environ["MPLBACKEND"] = backend
    if backend:
        import matplotlib

        with suppress(ValueError):
            matplotlib.rcParams["backend"] = backend


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
