"""All that a report says, gathered once, for every form in which it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report import environment, layers, networks, trust, versus, words
from harness.report.content import Card, Pairs, Table
from harness.report.numbers import listed, plain
from harness.report.rows import NetworkRow, network_rows, shown_metrics
from harness.results.metrics import METRICS
from harness.results.record import Record, latest
from harness.results.store import Description
from harness.results.summary import Summary, summarise

TITLES = {"networks": "Benchmark report", "layers": "One layer, in every framework"}


@dataclass(frozen=True)
class View:
    """A report's content but its figures; how it looks is for the page to decide."""

    title: str
    headline: str
    commands: Sequence[str]
    warnings: Sequence[str]
    summaries: Sequence[Summary]
    networks: Sequence[NetworkRow]
    layers: Sequence[Summary]
    tables: Sequence[Table]
    trust: Pairs
    notes: Pairs
    meanings: Pairs
    unfinished: Table | None
    without_result: str
    parameters: Sequence[Card]
    sessions: Table | None
    environment: Sequence[Card]
    problems: Sequence[str]


def gather(
    description: Description,
    records: Sequence[Record],
    problems: Sequence[str] = (),
    beside: Sequence[str] = (),
) -> View:
    """The view of a run; the sections that it has follow from the kinds of its records."""
    sessions = description.sessions
    records = latest(list(records))  # what is repeated counts once, in all sections
    summaries = summarise(records, sessions)
    labels = {summary.row.key: plain(summary.label) for summary in summaries}
    rows, layer_rows = network_rows(summaries), layers.layer_rows(summaries)
    failed = trust.unfinished(records, labels)
    tables = [
        networks.results(rows) if any(row.trials for row in rows) else None,
        networks.against_sources(rows),
        layers.proofs(records),
        *layers.speeds(layer_rows),
        versus.faster_or_slower(records, labels),
    ]
    metrics = shown_metrics(summaries)
    if any(summary.references for summary in summaries):
        metrics.append(METRICS["reference_accuracy"])
    return View(
        title=TITLES[description.kind],
        headline=words.headline(rows, records),
        commands=list(dict.fromkeys(plain(s.command) for s in sessions if s.command)),
        warnings=[*words.warnings(rows, records), *environment.warnings(sessions, records)],
        summaries=summaries,
        networks=rows,
        layers=layer_rows,
        tables=[table for table in tables if table is not None],
        trust=trust.how_far(records, sessions, labels, beside),
        notes=words.notes(rows, records),
        meanings=[(metric.title, metric.meaning) for metric in metrics],
        unfinished=failed,
        without_result=listed(trust.names(failed)) if failed else "",
        parameters=networks.parameters(rows),
        sessions=environment.sessions_table(sessions, records),
        environment=environment.cards(sessions),
        problems=[plain(problem) for problem in problems],
    )
