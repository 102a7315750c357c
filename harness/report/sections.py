"""What a report says, but its figures: of each task on its own, and of the run as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.report import (
    environment,
    layers,
    networks,
    sources,
    standing,
    trust,
    variants,
    versus,
    words,
)
from harness.report.classes import class_names
from harness.report.content import PROSE
from harness.report.numbers import listed, plain
from harness.report.page.content import page_content, page_facts
from harness.report.rows import NetworkRow, network_rows, shown_metrics, shown_name
from harness.results.accuracy import ClassAccuracy
from harness.results.answers import Answers
from harness.results.asked import asked_trials
from harness.results.metrics import METRICS
from harness.results.ranking import rank
from harness.results.record import Record, latest
from harness.results.session import Session, data_of
from harness.results.store import Description, file_name
from harness.results.summary import Summary, summarise
from harness.results.tasks import by_task


@dataclass(frozen=True)
class Section:
    """One task's part of a report: everything that compares rows. `said` is what the templates name.

    `suffix` is "" in a report of one task; else names of files and places end in it.
    """

    task: str
    suffix: str
    summaries: Sequence[Summary]
    networks: Sequence[NetworkRow]
    layers: Sequence[Summary]
    classes: Mapping[str, ClassAccuracy]
    said: Mapping[str, Any]


@dataclass(frozen=True)
class View:
    """A report's content but its figures; `said` is what the templates name beside the sections.

    `kept` are the tables and cards that they have laid out.
    """

    summaries: Sequence[Summary]
    sections: Sequence[Section]
    said: Mapping[str, Any]
    kept: dict[Any, Any] = field(default_factory=dict)

    @property
    def classes(self) -> dict[str, ClassAccuracy]:
        """The accuracy within each class by the rows' names, which say the task where there are several."""
        by_name: dict[str, ClassAccuracy] = {}
        for section in self.sections:
            keys = {summary.row.key for summary in section.summaries}
            # Of both, in the order of the records.
            every = [shown_name(summary) for summary in self.summaries if summary.row.key in keys]
            names = dict(zip(map(shown_name, section.summaries), every, strict=True))
            by_name |= {names[name]: each for name, each in section.classes.items()}
        return by_name


def gather(
    description: Description,
    records: Sequence[Record],
    problems: Sequence[str] = (),
    beside: Sequence[str] = (),
    answers: Mapping[str, Answers] | None = None,
    baselines: Sequence[str] = (),
    path: Path | None = None,
) -> View:
    """The view of a run: a section for each task; what a section has follows from the kinds of its records.

    In the folder `path` lie the logs and samples of which the page shows some.
    """
    sessions = description.sessions
    records = latest(list(records))  # what is repeated counts once, in all sections
    summaries = summarise(records, sessions, answers)
    rows, layer_rows = network_rows(summaries), layers.layer_rows(summaries)
    tasks = by_task(records)
    sections = [
        _section(
            task,
            len(tasks) > 1,
            own,
            summaries if len(tasks) == 1 else summarise(own, sessions, answers),
            sessions,
            beside,
            answers or {},
            baselines,
            path,
        )
        for task, own in tasks.items()
    ]
    metrics = shown_metrics(summaries)
    if any(summary.references for summary in summaries):
        metrics.append(METRICS["reference_accuracy"])
    said = {
        "title": PROSE["titles"][description.kind],
        "headline": words.headline(rows, records, sessions),
        "facts": page_facts(sessions, rows, layer_rows, asked_trials(records, sessions)),
        "commands": list(dict.fromkeys(plain(s.command) for s in sessions if s.command)),
        "warnings": environment.warnings(sessions, records),
        "notes": words.notes(rows, records),
        "meanings": [(metric.title, metric.meaning) for metric in metrics],
        "sessions": environment.sessions_table(sessions, records),
        "environment": environment.cards(sessions),
        "problems": list(map(plain, problems)),
    }
    return View(summaries, sections, said)


def _section(
    task: str,
    several: bool,
    records: Sequence[Record],
    summaries: Sequence[Summary],
    sessions: Sequence[Session],
    beside: Sequence[str],
    answers: Mapping[str, Answers],
    baselines: Sequence[str],
    path: Path | None,
) -> Section:
    """The section of the task of `records` and their `summaries`; names of rows are those among its own."""
    baseline = next((s.row.key for s in summaries if s.row.key in baselines), "")
    ranking = rank(summaries, baseline)
    labels = {summary.row.key: shown_name(summary) for summary in summaries}
    rows, layer_rows = network_rows(summaries), layers.layer_rows(summaries)
    failed = trust.unfinished(records, labels)
    data = data_of(sessions, task)
    by_class = standing.by_class(rows, answers[task]) if task in answers else {}
    tables = [
        networks.results(rows, ranking) if any(row.trials for row in rows) else None,
        standing.places(rows, ranking),
        sources.against_sources(rows),
        sources.published(sessions, task),
        layers.proofs(records),
        *layers.speeds(layer_rows),
        versus.faster_or_slower(records, labels),
        variants.compiled(rows),
        standing.classes(by_class, class_names(data)),
    ]
    said: dict[str, Any] = {
        "task": plain(task),
        "warnings": words.warnings(rows, records, data),
        "tables": [table for table in tables if table is not None],
        "trust": trust.how_far(records, sessions, labels, beside, summaries),
        "unfinished": failed,
        "without_result": listed(trust.names(failed)) if failed else "",
        "citations": sources.citations(rows),
        "parameters": networks.parameters(rows),
    }
    said["page"] = page_content(
        said, sessions, rows, layer_rows, ranking, by_class, path, class_names(data)
    )
    suffix = f"-{file_name(task)}" if several else ""
    return Section(task, suffix, summaries, rows, layer_rows, by_class, said)
