"""Writes a run's report into its folder, from the records alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.report import html, markdown
from harness.report.numbers import plain
from harness.report.view import View, gather
from harness.results.frame import summary_frame
from harness.results.record import Record


def build_report(
    folder: Path, run: Mapping[str, Any], records: Sequence[Record], problems: Sequence[str] = ()
) -> list[Path]:
    """Writes summary.csv, report.md, figures/ and report.html; returns their paths.

    `run` is what run.json holds, `problems` names the lines of trials.jsonl that could not be read.
    Each file is replaced at once: a reader sees the old one or the new one. Figures of an earlier
    report for which there is no data any more are removed.
    """
    view = gather(run, records, problems)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for omitted in view.omitted:
        for kind in ("svg", "png"):
            (folder / "figures" / f"{omitted.drawing.name}.{kind}").unlink(missing_ok=True)
    written = []
    for name, content in _files(view, records):
        path = folder / name
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        # A lone surrogate in a name is no text that a file could hold: written as its escape.
        data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        unfinished.write_bytes(data)
        unfinished.replace(path)
        written.append(path)
    return written


def summary_csv(records: Sequence[Record]) -> str:
    """The summary for other programs, a spreadsheet among them: no cell of text is a formula."""
    frame = summary_frame(records)
    return str(
        frame.map(_harmless).rename(columns=_harmless).to_csv(index=False, lineterminator="\n")
    )


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = plain(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _files(view: View, records: Sequence[Record]) -> Iterator[tuple[str, str | bytes]]:
    yield "summary.csv", summary_csv(records)
    for picture in view.pictures:
        yield f"figures/{picture.drawing.name}.svg", picture.svg
        yield f"figures/{picture.drawing.name}.png", picture.png
    yield "report.md", markdown.render(view)
    yield "report.html", html.render(view)
