"""report.md: the report for a terminal, a commit or an issue."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from harness.report.content import Pairs, Table
from harness.report.figures import Picture
from harness.report.numbers import plain
from harness.report.view import View


def render(view: View, pictures: Sequence[Picture] = (), remark: str = "") -> str:
    """The whole report in GitHub's Markdown; `remark` says which figures are missing."""
    return "\n".join(_lines(view, pictures, remark)) + "\n"


def escape(text: object) -> str:
    """`text` on one line, no character of which Markdown or HTML takes for its own."""
    return re.sub(r"([\\`*_\[\]|~$#])", r"\\\1", html.escape(plain(text), quote=False))


def _lines(view: View, pictures: Sequence[Picture], remark: str) -> Iterator[str]:
    yield from (f"# {view.title}", "", escape(view.headline), "")
    for command in view.commands:
        # Longer than any run of backticks inside, so that none of them ends the block.
        fence = "`" * (2 + max(map(len, re.findall("`+", command)), default=1))
        yield from (fence, command, fence, "")
    for warning in view.warnings:
        yield from (f"> {escape(warning)}", "")
    for table in view.tables:
        yield from _table(table)
    if not view.tables:
        yield from ("## Results", "", "No trial finished: there is nothing to compare.", "")
    yield from _definitions("How far to trust this", view.trust)
    yield from _definitions("How to read the numbers", [*view.notes, *view.meanings])
    if pictures:
        yield from ("## Figures", "")
    for picture in pictures:
        yield from (f"![{escape(picture.alt)}](figures/{picture.name}.png)", "")
        yield from (f"**{escape(picture.title)}.** {escape(picture.caption)}", "")
    if remark:
        yield from (escape(remark), "")
    if view.unfinished:
        yield from _table(view.unfinished)
    if view.problems:
        yield from ("## Not readable", "")
        yield from (f"- {escape(problem)}" for problem in view.problems)
        yield ""
    if view.parameters:
        yield from ("## Parameters", "")
        for card in view.parameters:
            values = ", ".join(f"{escape(name)} = {escape(value)}" for name, value in card.pairs)
            yield f"- **{escape(card.title)}**: {values or 'none recorded'}"
        yield ""
    if view.sessions:
        yield from _table(view.sessions)
    for card in view.environment:
        yield from (f"## {escape(card.title)}", "", "| What | Value |", "| --- | --- |")
        yield from (f"| {escape(name)} | {escape(value)} |" for name, value in card.pairs)
        yield ""


def _definitions(title: str, pairs: Pairs) -> Iterator[str]:
    if pairs:
        yield from (f"## {title}", "")
        yield from (f"- **{escape(subject)}.** {escape(text)}" for subject, text in pairs)
        yield ""


def _table(table: Table) -> Iterator[str]:
    yield from (f"## {escape(table.title)}", "")
    yield f"| {' | '.join(escape(column.title) for column in table.columns)} |"
    yield f"|{''.join(' ---: |' if column.number else ' --- |' for column in table.columns)}"
    for line in table.lines:
        cells = (", ".join(map(escape, str(cell).split("\n"))) for cell in line)
        yield f"| {' | '.join(cells)} |"
    yield ""
    if table.note and not table.sortable:
        yield from (escape(table.note), "")
