"""Our accuracy beside the one that each method's source reports for the same setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from harness.plugin import BEST, SOURCE
from harness.report.numbers import Text, percent, plain, points
from harness.report.rows import Row


class SourceLine(NamedTuple):
    """One plugin at one of its source's settings; a dash for what is not known."""

    plugin: str
    setting: str
    reported: Text
    ours: Text
    difference: Text
    best: Text


TITLES = ("Plugin", "Setting", "Source reports", "Ours", "Difference, points", "Our best")

NOTE = (
    "Source reports: the test accuracy that the method's source gives for this setting, as the plugin "
    "states it; a dash where it gives none for this task. Ours: this run at the same setting, as in "
    "the table of results, after the last epoch. Difference: ours less the source's; its bracket is "
    "our interval, moved along, and knows nothing of how sure the source's figure is. Our best: the "
    "same plugin with its preset best, where this run has it."
)


def against_sources(rows: Sequence[Row]) -> list[SourceLine]:
    """A line for each row at a source's setting, by plugin; none where no row knows a source's figure."""
    if not any(row.has("reported_accuracy") for row in rows):
        return []
    lines = [
        SourceLine(
            plugin=plain(row.summary["plugin"]),
            setting=_setting(row),
            reported=percent(row.summary, "reported_accuracy"),
            ours=percent(row.summary, "test_accuracy"),
            difference=points(row.summary, "test_accuracy", "reported_accuracy"),
            best=percent(_best(row, rows), "test_accuracy"),
        )
        for row in rows
        if row.trials and (row.has("reported_accuracy") or _is_source(row.summary["preset"]))
    ]
    return sorted(lines, key=lambda line: (line.plugin, line.setting))


def _is_source(preset: str) -> bool:
    return preset == SOURCE or preset.startswith(f"{SOURCE}-")


def _setting(row: Row) -> str:
    """The preset, and what a sweep has changed in it."""
    swept = [
        word
        for word in row.summary["label"].removeprefix(row.summary["plugin"]).split()
        if not word.startswith("preset=")
    ]
    return plain(" ".join([row.summary["preset"], *swept]))


def _best(row: Row, rows: Sequence[Row]) -> dict[str, float]:
    """The summary of the plugin's row at its best; of a sweep's, the best on validation data."""
    same = ("plugin", "task", "device")
    found = [
        other.summary
        for other in rows
        if other.summary["preset"] == BEST
        and other.has("test_accuracy")
        and all(other.summary[name] == row.summary[name] for name in same)
    ]
    return max(found, key=lambda summary: summary.get("validation_accuracy", 0.0), default={})
