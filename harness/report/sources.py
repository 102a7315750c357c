"""Our accuracy beside the one that each original paper or code reports for the same setting."""

from __future__ import annotations

from collections.abc import Sequence

from harness.plugin.parameters import BEST, SOURCE
from harness.report.content import Column, Item, Table
from harness.report.numbers import Text, plain, points, show
from harness.report.rows import NetworkRow
from harness.results.summary import Cell

TITLES = ("Plugin", "Setting", "Source reports", "Ours", "Difference, points", "Our best")

NOTE = (
    "Source reports: the test accuracy that the method's original paper or code gives for this setting, "
    "as the plugin states it; a dash where it gives none for this task. Ours: this run at the same "
    "setting, as in the table of results, after the last epoch. Difference: ours minus the source's; "
    "its bracket is our interval, shifted, and does not include the uncertainty of the source's figure. "
    "Our best: the same plugin with its preset best, where this run has it."
)


def against_sources(rows: Sequence[NetworkRow]) -> Table | None:
    """A line for each row at a source's setting, by plugin; none where no row knows a source's figure."""
    if not any(row.has("reported_accuracy") for row in rows):
        return None
    best_rows = [row for row in rows if row.row.preset == BEST and row.has("test_accuracy")]
    lines = [
        [
            Item(plain(row.row.plugin)),
            Item(_setting(row)),
            *(
                Item(*text)
                for text in (
                    show(row.cell("reported_accuracy"), "reported_accuracy"),
                    show(row.cell("test_accuracy"), "test_accuracy"),
                    points(row.cell("test_accuracy"), row.cell("reported_accuracy")),
                    _best(row, best_rows),
                )
            ),
        ]
        for row in rows
        if row.trials and (row.has("reported_accuracy") or _is_source(row.row.preset))
    ]
    columns = [Column(title, number=place > 1) for place, title in enumerate(TITLES)]
    lines.sort(key=lambda line: (line[0].value, line[1].value))
    return Table("sources", "Against the sources", columns, lines, NOTE, "results sources")


def _is_source(preset: str) -> bool:
    return preset == SOURCE or preset.startswith(f"{SOURCE}-")


def _setting(row: NetworkRow) -> str:
    """The preset, and what a sweep has changed in it."""
    return plain(
        " ".join([row.row.preset, *(f"{name}={value}" for name, value in row.row.swept.items())])
    )


def _best(row: NetworkRow, best_rows: Sequence[NetworkRow]) -> Text:
    """The plugin's accuracy at its best; of a sweep's rows, that of the best on validation data."""

    def same(other: NetworkRow) -> bool:
        names = ("plugin", "task", "device")
        return all(getattr(other.row, name) == getattr(row.row, name) for name in names)

    def validation(other: NetworkRow) -> float:
        cell: Cell | None = other.cell("validation_accuracy")
        return cell.value if cell else 0.0

    chosen = max(filter(same, best_rows), key=validation, default=None)
    return show(chosen.cell("test_accuracy") if chosen else None, "test_accuracy")
