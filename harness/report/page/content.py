"""What the page shows beside the report's own tables and texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.report import layers
from harness.report.content import Item, Table
from harness.report.environment import machine
from harness.report.numbers import counted, listed, plain
from harness.report.page.answers import of_layers, of_networks
from harness.report.page.cards import row_cards
from harness.report.page.columns import PageColumn, best_cells, page_columns
from harness.report.page.facts import as_json, layer_facts, network_facts
from harness.report.rows import NetworkRow
from harness.results.accuracy import ClassAccuracy
from harness.results.metrics import METRICS
from harness.results.ranking import Ranking
from harness.results.session import Session
from harness.results.summary import Summary

#: Figures that the script does not draw: the page shows the file's picture.
PICTURED = {"grid"}
#: Tables that few readers need: they open when asked for.
FOLDED = {"places", "versus", "classes"}


@dataclass(frozen=True)
class PageTable:
    """A table as the page shows it.

    `lines` holds for each line the number of its row in the data (None where it is no row), and its
    cells, each with its mark: "best", "tie" or "".
    """

    table: Table
    columns: Sequence[PageColumn]
    lines: Sequence[tuple[int | None, Sequence[tuple[Item, str]]]]


def page_content(
    said: Mapping[str, Any],
    sessions: Sequence[Session],
    rows: Sequence[NetworkRow],
    layer_rows: Sequence[Summary],
    ranking: Ranking,
    classes: Mapping[str, ClassAccuracy],
    folder: Path | None,
    names: Sequence[str] = (),
) -> dict[str, Any]:
    """The page's own part of what a template names of one task, whose classes have these `names`."""
    facts = layer_facts(layer_rows) if layer_rows else network_facts(rows, classes, folder, names)
    if layer_rows:
        plugins = sorted({row.row.plugin for row in layer_rows})
        numbers = {plain(name): place for place, name in enumerate(plugins)}
    else:
        numbers = {row.name: place for place, row in enumerate(rows)}
    return {
        "answers": of_layers(layer_rows) if layer_rows else of_networks(rows, ranking),
        "tables": {
            table.name: _table(table, numbers, _marks(table, rows, layer_rows, ranking))
            for table in said["tables"]
        },
        "folded": FOLDED,
        "pictured": PICTURED,
        "cards": row_cards(rows, sessions, list(classes), folder, names),
        "data": as_json(facts),
        "drawn": any(row.trials for row in rows) or bool(layer_rows),
    }


def page_facts(
    sessions: Sequence[Session],
    rows: Sequence[NetworkRow],
    layer_rows: Sequence[Summary],
    asked: int,
) -> list[tuple[str, str]]:
    """Date, machine, tasks and seeds of the whole run, on one line; `asked` is the number of trials."""
    pairs = []
    if rows:
        pairs += [("Task", listed(row.row.task for row in rows))]
        pairs += [("Preset", listed((row.row.preset for row in rows), 3))]
        seeds = sorted({trial.seed for row in rows for trial in row.tried})
        pairs += [("Seeds", listed(seeds))]
        tried = [trial for row in rows for trial in row.tried]
        ok = sum(trial.status == "ok" for trial in tried)
        pairs += [("Finished", f"{ok} of {counted(asked, 'trial')}")]
    if layer_rows:
        sizes = sorted({layers.size(row).neurons for row in layer_rows})
        pairs += [("Layers of", f"{listed(sizes)} neurons")]
    dates = [plain(session.started)[:10] for session in sessions if session.started]
    machines = dict.fromkeys(filter(None, map(machine, sessions)))
    pairs += [("Date", listed(sorted(set(dates)), 3)), ("Machine", "; ".join(machines))]
    return [pair for pair in pairs if pair[1]]


def _marks(
    table: Table, rows: Sequence[NetworkRow], layer_rows: Sequence[Summary], ranking: Ranking
) -> list[dict[str, str]]:
    """For each line the marks of its cells, by metric."""
    metrics = [METRICS[column.metric] for column in table.columns if column.metric]
    if table.name == "results":
        lines: Sequence[Summary] = rows
        groups = [list(lines)]
    elif table.density is not None:
        lines = layers.ordered([r for r in layer_rows if layers.size(r).density == table.density])
        sizes = dict.fromkeys(layers.size(row).neurons for row in lines)
        comparable = [row for row in lines if layers.comparable(row)]
        groups = [[r for r in comparable if layers.size(r).neurons == size] for size in sizes]
    else:
        return [{} for _ in table.lines]
    by_row: dict[str, dict[str, str]] = {}
    for group in groups:
        for name, marks in best_cells(group, metrics, ranking).items():
            for key, mark in marks.items():
                by_row.setdefault(key, {})[name] = mark
    return [by_row.get(row.row.key, {}) for row in lines]


def _table(
    table: Table, numbers: Mapping[str, int], marks: Sequence[Mapping[str, str]]
) -> PageTable:
    columns = page_columns(table)
    lines = []
    for line, own in zip(table.lines, marks, strict=True):
        number = numbers.get(line[0].row or line[0].value)
        cells = [
            (item, own.get(column.metric, "") if column.metric else "")
            for item, column in zip(line, columns, strict=True)
        ]
        # That a row shares place 1 is marked in its cell.
        remarks = [part for part in line[0].remark.split("; ") if part != "place 1"]
        cells[0] = (line[0]._replace(remark="; ".join(remarks)), "")
        lines.append((number, cells))
    return PageTable(table, columns, lines)
