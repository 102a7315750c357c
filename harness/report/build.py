"""Writes a run's report into its folder, from the records alone."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.report import environment, layers, networks, sources, standing, trust, versus, words
from harness.report.content import PROSE, Picture, prose
from harness.report.numbers import listed, plain
from harness.report.page.content import page_content
from harness.report.pages import render
from harness.report.rows import NetworkRow, network_rows, shown_metrics, shown_name
from harness.results.accuracy import ClassAccuracy
from harness.results.answers import Answers
from harness.results.frame import summary_columns, summary_line
from harness.results.metrics import METRICS
from harness.results.ranking import rank
from harness.results.record import Record, latest
from harness.results.store import Description
from harness.results.summary import Summary, summarise
from harness.results.writing import refuse_link, replace, writing


@dataclass(frozen=True)
class View:
    """A report's content but its figures; `said` is what the templates name."""

    summaries: Sequence[Summary]
    networks: Sequence[NetworkRow]
    layers: Sequence[Summary]
    classes: Mapping[str, ClassAccuracy]
    said: Mapping[str, Any]


def build_report(
    path: Path,
    description: Description,
    records: Sequence[Record],
    problems: Sequence[str] = (),
    *,
    beside: Sequence[str] = (),
    answers: Answers | None = None,
    baseline: str = "",
    figures: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Writes the tables as CSV, report.md and report.html, then figures/ and both reports with the figures.

    `problems` names the lines of records.jsonl that could not be read, `beside` the runs whose rows
    were taken over. `answers` are those of the networks, `baseline` the key of the row that accuracies
    are compared with. `say` is told what is being done. Each file is replaced at once: a reader sees
    the old one or the new one. Figures of an earlier report are removed. Returns the files; UsageError
    where one cannot be written.
    """
    view = gather(description, records, problems, beside, answers, baseline, path)
    with writing(path):
        return _written(path, view, figures, say)


def _written(path: Path, view: View, figures: bool, say: Callable[[str], None]) -> list[Path]:
    refuse_link(path / "figures")
    (path / "figures").mkdir(parents=True, exist_ok=True)
    say("writing the tables")
    written = [_write(path / "summary.csv", _csv(_summary(view.summaries)))]
    if view.classes:
        written.append(_write(path / "confusion.csv", _csv(standing.confusions(view.classes))))
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
    answers: Answers | None = None,
    baseline: str = "",
    path: Path | None = None,
) -> View:
    """The view of a run; the sections that it has follow from the kinds of its records.

    In the folder `path` lie the logs and samples of which the page shows some.
    """
    sessions = description.sessions
    records = latest(list(records))  # what is repeated counts once, in all sections
    summaries = summarise(records, sessions, answers)
    ranking = rank(summaries, baseline)
    labels = {summary.row.key: shown_name(summary) for summary in summaries}
    rows, layer_rows = network_rows(summaries), layers.layer_rows(summaries)
    failed = trust.unfinished(records, labels)
    found = standing.by_class(rows, answers) if answers else {}
    tables = [
        networks.results(rows, ranking) if any(row.trials for row in rows) else None,
        standing.places(rows, ranking),
        sources.against_sources(rows),
        layers.proofs(records),
        *layers.speeds(layer_rows),
        versus.faster_or_slower(records, labels),
        standing.classes(found),
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
        "trust": trust.how_far(records, sessions, labels, beside, summaries),
        "notes": words.notes(rows, records),
        "meanings": [(metric.title, metric.meaning) for metric in metrics],
        "unfinished": failed,
        "without_result": listed(trust.names(failed)) if failed else "",
        "citations": sources.citations(rows),
        "parameters": networks.parameters(rows),
        "sessions": environment.sessions_table(sessions, records),
        "environment": environment.cards(sessions),
        "problems": list(map(plain, problems)),
    }
    said["page"] = page_content(said, description, rows, layer_rows, ranking, found, path)
    return View(summaries, rows, layer_rows, found, said)


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


def _summary(summaries: Sequence[Summary]) -> Iterator[Sequence[Any]]:
    """A line for each row, every number in full."""
    columns = summary_columns(summaries)
    yield columns
    for line in map(summary_line, summaries):
        yield [line.get(column, "") for column in columns]


def _csv(lines: Iterable[Sequence[Any]]) -> str:
    """`lines` as text; no cell of text is a formula."""

    def harmless(cell: Any) -> Any:
        text = plain(cell) if isinstance(cell, str) else ""
        return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text or cell

    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows(map(harmless, line) for line in lines)
    return file.getvalue()


def _write(path: Path, content: str | bytes) -> Path:
    """Replaces the file at once."""
    # A lone surrogate in a name is no text that a file could hold: written as its escape.
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    replace(path, data)
    return path
