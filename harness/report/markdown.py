"""report.md: the report for a terminal, a commit or an issue."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from harness.report import sources, trust
from harness.report.numbers import plain
from harness.report.tables import seeds
from harness.report.view import View


def render(view: View) -> str:
    """The whole report in GitHub's Markdown."""
    return "\n".join(_lines(view)) + "\n"


def escape(text: object) -> str:
    """`text` on one line, no character of which Markdown or HTML takes for its own."""
    return re.sub(r"([\\`*_\[\]|~$#])", r"\\\1", html.escape(plain(text), quote=False))


def _lines(view: View) -> Iterator[str]:
    yield from ("# Benchmark report", "", escape(view.headline), "")
    if view.command:
        # Longer than any run of backticks inside, so that none of them ends the block.
        fence = "`" * (2 + max(map(len, re.findall("`+", view.command)), default=1))
        yield from (fence, view.command, fence, "")
    for warning in view.warnings:
        yield from (f"> {escape(warning)}", "")
    yield from ("## Results", "")
    if view.measured:
        yield from _table(
            ["Row", "Framework", "Seeds", *(column.title for column in view.columns)],
            (
                [row.name, row.summary["framework"], seeds(row)]
                + [str(column.show(row.summary, column.metric)) for column in view.columns]
                for row in view.rows
            ),
        )
        if view.sources:
            yield from ("", "## Against the sources", "")
            yield from _table(sources.TITLES, view.sources)
            yield from ("", escape(sources.NOTE))
        if view.versus:
            yield from ("", "## Faster or slower", "")
            yield from _table(trust.TITLES, view.versus)
            yield from ("", escape(view.versus_note))
        if view.trust:
            yield from ("", "## How far to trust this", "")
            yield from (f"- **{escape(subject)}.** {escape(text)}" for subject, text in view.trust)
        yield from ("", "### How to read the numbers", "")
        yield from (f"- **{escape(subject)}.** {escape(text)}" for subject, text in view.notes)
        yield from (f"- **{escape(c.title)}**: {escape(c.help)}." for c in view.columns)
    else:
        yield "No trial finished: there is nothing to compare."
    if view.pictures:
        yield from ("", "## Figures", "")
        for picture in view.pictures:
            drawing = picture.drawing
            yield from (f"![{escape(picture.alt)}](figures/{drawing.name}.png)", "")
            yield from (f"**{drawing.title}.** {escape(picture.caption)}", "")
    if view.missed:
        yield from ("", "Figures left out:", "")
        yield from (f"- {o.drawing.title}: {o.reason}" for o in view.missed)
    if view.unfinished or view.problems:
        yield from ("", "## Not finished", "")
        yield from _table(
            ["Row", "Seeds", "Status", "Reason", "Log"],
            ([u.name, u.seeds, u.status, u.reason, ", ".join(u.logs)] for u in view.unfinished),
        )
        yield from (f"- not readable: {escape(problem)}" for problem in view.problems)
    yield from ("", "## Parameters", "")
    for row, values in view.parameters:
        listed = ", ".join(f"{escape(name)} = {escape(value)}" for name, value in values.items())
        yield f"- **{escape(row.name)}**: {listed or 'none recorded'}"
    for title, facts in view.sections:
        yield from ("", f"## {escape(title)}", "")
        yield from _table(["What", "Value"], facts)


def _table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(map(escape, titles))} |"
    yield f"|{' --- |' * len(titles)}"
    for cells in rows:
        yield f"| {' | '.join(map(escape, cells))} |"
