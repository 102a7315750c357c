"""A comparison of two runs as Markdown for a pull request, and as a small page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from harness.report.numbers import ABSENT, ESCAPES, counted, plain, show
from harness.results.change import Change
from harness.results.gate import unit
from harness.results.metrics import METRICS
from harness.results.regression import Comparison
from harness.results.statistics import Cell

_MARKS = {"better": "better", "worse": "**worse**", "tie": "tie", "untested": "not tested"}
#: A metric without an interval is worth a line where it differs by this share.
NOTABLE = 0.1

Table = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Heads and lines, as plain text."""


def headline(comparison: Comparison) -> str:
    """`2 worse, 1 better, 36 ties`, in one line."""
    parts = [f"{len(comparison.changed((word,)))} {word}" for word in ("worse", "better")]
    parts += [counted(len(comparison.changed(("tie",))), "tie")]
    lost = len({each.row for each in comparison.lost})
    parts += [f"{counted(lost, 'row')} with lost results"] if lost else []
    return f"{plain(comparison.new)} against {plain(comparison.old)}: {', '.join(parts)}"


def table(changes: Iterable[Change]) -> Table:
    """A line for each change."""
    heads = ("Row", "Metric", "Old", "New", "Difference", "Verdict")
    lines = []
    for change in changes:
        old, new = (str(show(Cell(value), change.metric)) for value in (change.old, change.new))
        title = METRICS[change.metric].title
        lines.append(
            (
                plain(change.row),
                title,
                old,
                new,
                difference(change),
                _MARKS[change.verdict].strip("*"),
            )
        )
    return heads, lines


def difference(change: Change) -> str:
    """`+1.20 points [+0.80, +1.60]`; of what was 0 before, the number alone."""
    name = unit(change)
    if name == "%" and not change.relative:
        return f"{change.difference:+.3g}" if change.difference else "0"
    text = f"{100 * change.difference:+.2f} {name}"
    if change.low is None or change.high is None:
        return f"{text} (no interval)"
    return f"{text} [{100 * change.low:+.2f}, {100 * change.high:+.2f}]"


def sections(
    comparison: Comparison, only: Sequence[str] = (), every: bool = False
) -> list[tuple[str, Table]]:
    """The tables by their titles; those without a line are left out.

    By default what changed: `only` names the verdicts to be shown, `every` shows all of them.
    """
    verdicts = list(only) or (["worse", "better", "tie"] if every else ["worse", "better"])
    order = {verdict: place for place, verdict in enumerate(verdicts)}
    changes = sorted(comparison.changed(verdicts), key=lambda change: order[change.verdict])
    tables = [("What changed" if not every else "All that was compared", table(changes))]
    if not only:
        once = [c for c in comparison.changed(("untested",)) if every or _notable(c)]
        tables.append(("Not tested: measured once in each run", table(once)))
    if not only or "worse" in only:
        lost = [(plain(each.row), plain(each.reason)) for each in comparison.lost]
        tables.append(("No longer successful", (("Row", "What became of it"), lost)))
    if not only:
        single = [(plain(row), "only in the old run") for row in comparison.only_old]
        single += [(plain(row), "only in the new run") for row in comparison.only_new]
        tables.append(("Rows of one run", (("Row", "Where"), single)))
        differing = [tuple(map(plain, line)) for line in comparison.versions]
        tables.append(("What else differs", (("What", "Old", "New"), differing)))
    return [(title, each) for title, each in tables if each[1]]


def markdown(comparison: Comparison, only: Sequence[str] = (), every: bool = False) -> str:
    """The comparison as a comment on a pull request."""
    lines = ["### Benchmarks", "", _text(headline(comparison)), ""]
    for title, (heads, cells) in sections(comparison, only, every):
        lines += [f"#### {title}", "", f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
        for line in cells:
            texts = ["**worse**" if cell == "worse" else _text(cell) or ABSENT for cell in line]
            lines.append(f"| {' | '.join(texts)} |")
        lines.append("")
    lines += [f"- {_text(plain(note))}" for note in comparison.notes]
    lines += ["", f"<sub>{METHOD}</sub>"]
    return "\n".join(lines) + "\n"


METHOD = (
    "Verdicts are at the 5 % level, corrected for all comparisons together by Holm's procedure; intervals "
    "are 95 %, not corrected. Rows are the same by plugin, task, preset, parameters, device and threads."
)

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;"
    "color:#20262d;background:#fff}table{border-collapse:collapse}"
    "th,td{text-align:left;padding:.3rem .8rem;border-bottom:1px solid #dde2e7;vertical-align:top}"
    ".worse{color:#b3261e;font-weight:600}"
    ".better{color:#00734f;font-weight:600}small{opacity:0.75}"
    "@media screen and (prefers-color-scheme:dark){body{color:#e6eaee;background:#1b2026}"
    "th,td{border-color:#353d46}.worse{color:#ff8a80}.better{color:#6fd3ad}}"
)


def page(comparison: Comparison, only: Sequence[str] = (), every: bool = False) -> str:
    """The comparison as a page that asks the network for nothing."""
    body = [f"<h1>Benchmarks</h1><p>{escape(headline(comparison))}</p>"]
    for title, (heads, cells) in sections(comparison, only, every):
        body += [f"<h2>{title}</h2>", *table_html(heads, cells)]
    body += [f"<p>{escape(plain(note))}</p>" for note in comparison.notes]
    return document("Benchmarks", [*body, f"<p><small>{METHOD}</small></p>"])


def table_html(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """A table of plain texts, piece by piece."""
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    rows = ["<tr>" + "".join(map(_cell, line)) + "</tr>" for line in lines]
    return [f"<table><thead><tr>{head}</tr></thead><tbody>", *rows, "</tbody></table>"]


def document(title: str, body: Sequence[str]) -> str:
    """A whole page; the browser runs no script and loads nothing."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _cell(text: str) -> str:
    mark = f' class="{text}"' if text in ("worse", "better") else ""
    return f"<td{mark}>{escape(text) or ABSENT}</td>"


def _notable(change: Change) -> bool:
    return abs(change.difference) >= NOTABLE


def _text(text: str) -> str:
    """`text` with no character of which Markdown or HTML takes for its own."""
    return text.translate(ESCAPES)
