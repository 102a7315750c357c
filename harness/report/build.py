"""Writes a run's report into its folder, from the records alone."""

from __future__ import annotations

import csv
import io
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.report import standing
from harness.report.content import PROSE, Picture, prose
from harness.report.numbers import plain
from harness.report.pages import render
from harness.report.sections import View, gather
from harness.results.answers import Answers
from harness.results.frame import summary_columns, summary_line
from harness.results.record import Record
from harness.results.store import Description
from harness.results.summary import Summary
from harness.results.writing import refuse_link, replace, writing


def build_report(
    path: Path,
    description: Description,
    records: Sequence[Record],
    problems: Sequence[str] = (),
    *,
    beside: Sequence[str] = (),
    answers: Mapping[str, Answers] | None = None,
    baselines: Sequence[str] = (),
    figures: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Writes the tables as CSV, report.md and report.html, then figures/ and both reports with the figures.

    `problems` names the lines of records.jsonl that could not be read, `beside` the runs whose rows
    were taken over. `answers` are those of the networks to each task, `baselines` the keys of the rows that
    accuracies are compared with, one a task at most. Each of several tasks has a section, and figures whose
    names end in its own. `say` is told what is being done. Each file is replaced at once: a reader sees the
    old one or the new one. Figures of an earlier report are removed. Returns the files; UsageError where
    one cannot be written.
    """
    view = gather(description, records, problems, beside, answers, baselines, path)
    with writing(path):
        return _written(path, view, figures, say)


def _written(path: Path, view: View, figures: bool, say: Callable[[str], None]) -> list[Path]:
    refuse_link(path / "figures")
    (path / "figures").mkdir(parents=True, exist_ok=True)
    say("writing the tables")
    written = [_write(path / "summary.csv", _csv(_summary(view.summaries)))]
    if classes := view.classes:
        written.append(_write(path / "confusion.csv", _csv(standing.confusions(classes))))
    pending = prose("figures_missing", "pending" if figures else "none")
    written += _reports(path, view, [([], pending)] * len(view.sections))
    for name, kind in itertools.product(PROSE["figures"], ("svg", "png")):
        for pattern in (f"{name}.{kind}", f"{name}-*.{kind}"):
            for earlier in (path / "figures").glob(pattern):
                earlier.unlink(missing_ok=True)
    if not figures:
        return written
    say("drawing the figures")
    with _any_backend():
        from harness.report.figures import draw_figures
    drawn: list[tuple[list[Picture], str]] = []
    for section in view.sections:
        pictures: list[Picture] = []
        missed: list[str] = []
        for figure in draw_figures(section.networks, section.layers):
            if isinstance(figure, Picture):
                pictures.append(figure)
                file = path / "figures" / f"{figure.name}{section.suffix}"
                written.append(_write(Path(f"{file}.svg"), figure.svg))
                written.append(_write(Path(f"{file}.png"), figure.png))
            elif figure.missed:
                missed.append(f"{figure.title} ({figure.reason})")
        left_out = prose("figures_missing", "omitted", figures="; ".join(missed)) if missed else ""
        drawn.append((pictures, left_out))
    _reports(path, view, drawn)
    return written


def _reports(path: Path, view: View, drawn: Sequence[tuple[Sequence[Picture], str]]) -> list[Path]:
    """Both reports; `drawn` are the pictures of each section, and the remark on those it lacks."""
    sections = [
        {**section.said, "suffix": section.suffix, "pictures": pictures, "remark": remark}
        for section, (pictures, remark) in zip(view.sections, drawn, strict=True)
    ]
    files = render(view.said, sections, view.kept if len(sections) == 1 else None)
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
