"""All that a report says, gathered once, for every form in which it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report import facts, sources, tables, trust, words
from harness.report.figures import Omitted, Picture, draw_figures
from harness.report.rows import Row, report_rows
from harness.results.record import Record


@dataclass(frozen=True)
class View:
    """A report's content; how it looks is for the page to decide."""

    headline: str
    command: str
    rows: Sequence[Row]
    columns: Sequence[tables.Column]
    sources: Sequence[sources.SourceLine]
    versus: Sequence[trust.VersusLine]
    versus_note: str
    trust: Sequence[tuple[str, str]]
    notes: Sequence[tuple[str, str]]
    warnings: Sequence[str]
    pictures: Sequence[Picture]
    omitted: Sequence[Omitted]
    unfinished: Sequence[tables.Unfinished]
    parameters: Sequence[tuple[Row, Mapping[str, str]]]
    sections: Sequence[tuple[str, facts.Facts]]
    problems: Sequence[str]

    @property
    def measured(self) -> bool:
        """Whether any trial succeeded."""
        return any(row.trials for row in self.rows)

    @property
    def missed(self) -> list[Omitted]:
        """The figures left out that a run of this kind could have."""
        return [omitted for omitted in self.omitted if omitted.missed]

    @property
    def sorted_by(self) -> str:
        """The metric that decides the rows' order; see `rows.report_rows`."""
        accurate = any(row.has("test_accuracy") for row in self.rows)
        return "test_accuracy" if accurate else "van_rossum_loss"


def gather(run: Mapping[str, Any], records: Sequence[Record], problems: Sequence[str]) -> View:
    """The view of a run."""
    rows = report_rows(records)
    figures = list(draw_figures(rows))
    return View(
        headline=words.headline(rows, records),
        command=facts.command(run),
        rows=rows,
        columns=tables.columns(rows),
        sources=sources.against_sources(rows),
        versus=trust.versus(records),
        versus_note=trust.versus_note(records),
        trust=trust.how_far(run, records),
        notes=words.how_to_read(rows, records),
        warnings=words.warnings(run, records),
        pictures=[figure for figure in figures if isinstance(figure, Picture)],
        omitted=[figure for figure in figures if isinstance(figure, Omitted)],
        unfinished=tables.unfinished(records),
        parameters=tables.parameters(rows, records),
        sections=facts.sections(run),
        problems=problems,
    )
