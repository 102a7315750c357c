"""Rows at a setting that is written somewhere: beside what was reported there, with citations."""

from __future__ import annotations

from collections.abc import Sequence

from harness.plugin.parameters import BEST
from harness.report.content import Card, Column, Item, Table, prose
from harness.report.numbers import ABSENT, plain, points, show
from harness.report.rows import NetworkRow
from harness.results.record import Cited
from harness.results.session import Session, data_of
from harness.results.statistics import single_run
from harness.results.summary import Cell

#: The columns of the table.
TITLES = (
    "Plugin", "Setting", "Source reports", "Ours", "Difference, points", "One run of ours", "Our best"
)  # fmt: skip


def against_sources(rows: Sequence[NetworkRow]) -> Table | None:
    """Our accuracy beside the one that each source reports for the same setting, by plugin.

    A line for each row whose setting is written somewhere; none where no source gives a figure. The
    difference is shown of literal settings alone: what departs is another setting.
    """
    if not any(row.has("reported_accuracy") for row in rows):
        return None
    lines = []
    for row in rows:
        source = cited(row)
        if source is None or not row.trials:
            continue
        ours, reported = row.cells.get("test_accuracy"), row.cells.get("reported_accuracy")
        best = _best(row, rows)
        texts = (
            show(reported, "reported_accuracy"),
            show(ours, "test_accuracy"),
            (ABSENT, "", "", f"{len(source.departures)} departures")
            if source.departures
            else points(ours, reported),
            _one_run(row, reported),
            show(best.cells.get("test_accuracy") if best else None, "test_accuracy"),
        )
        changed = (f"{name}={value}" for name, value in row.row.swept.items())
        setting = Item(plain(" ".join([row.row.preset, *changed])))
        name = f"{plain(row.row.contender)}{' (refuted)' if row.refuted else ''}"
        lines.append([Item(name), setting, *(Item(*text) for text in texts)])
    columns = [Column(title, number=place > 1) for place, title in enumerate(TITLES)]
    lines.sort(key=lambda line: (line[0].value, line[1].value))
    note = prose("tables", "sources")
    return Table("sources", "Against the sources", columns, lines, note, "results sources")


def published(sessions: Sequence[Session], task: str) -> Table | None:
    """What others report for `task`, as its description says it; None where that names nobody."""
    entries = data_of(sessions, task).get("published")
    figures = (
        [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    )
    lines = [
        [
            Item(plain(str(each.get("method", ABSENT)))),
            Item(show(Cell(float(accuracy)), "test_accuracy")[0], sort=str(accuracy)),
            Item(plain(str(each.get("source", ABSENT)))),
        ]
        for each in figures
        if isinstance(accuracy := each.get("accuracy"), (int, float)) and 0 <= accuracy <= 1
    ]
    columns = [Column("Method"), Column("Test accuracy", number=True), Column("Source")]
    note = prose("tables", "published")
    return Table("published", "Published for this task", columns, lines, note) if lines else None


def citations(rows: Sequence[NetworkRow]) -> list[Card]:
    """A card for each source of each plugin: the citation, what is done otherwise, what was mended."""
    settings: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for row in rows:
        if source := cited(row):
            what = row.row.contender, source.citation, source.departures, source.mended
            figure = f" ({source.where})" if source.where else ""
            changed = "".join(f" {name}={value}" for name, value in row.row.swept.items())
            settings.setdefault(what, []).append(f"{row.row.preset}{changed}{figure}")
    cards = []
    for (plugin, citation, departures, mended), where in settings.items():
        pairs = [("Source", plain(citation)), ("Settings", plain("; ".join(dict.fromkeys(where))))]
        pairs += [("Otherwise", plain(sentence)) for sentence in departures]
        pairs += [("Mended", plain(sentence)) for sentence in mended]
        cards.append(Card(plain(plugin), pairs))
    return cards


def cited(row: NetworkRow) -> Cited | None:
    """Where the row's setting is written."""
    return next((trial.source for trial in row.tried if trial.source), None)


def _one_run(row: NetworkRow, reported: Cell | None) -> tuple[str, ...]:
    """The interval that a single run falls into, and whether the source's figure lies in it."""
    accuracies = [t.metrics["test_accuracy"] for t in row.trials if "test_accuracy" in t.metrics]
    ends = single_run(accuracies)
    if ends is None:
        return (ABSENT,)
    low, high = max(ends[0], 0.0), min(ends[1], 1.0)
    interval = f"[{100 * low:.1f}, {100 * high:.1f}]"
    inside = reported is not None and ends[0] <= reported.value <= ends[1]
    return interval, "", "", "holds the source's" if inside else ""


def _best(row: NetworkRow, rows: Sequence[NetworkRow]) -> NetworkRow | None:
    """The plugin at its best; of a sweep's rows, the best on validation data."""
    of = (row.row.contender, row.row.task, row.row.device, BEST)
    same = (
        other
        for other in rows
        if not other.refuted
        and of == (other.row.contender, other.row.task, other.row.device, other.row.preset)
        and other.has("test_accuracy")
    )
    known = "validation_accuracy"
    return max(same, key=lambda r: r.value(known) if r.has(known) else 0.0, default=None)
