"""The tables of a run of networks, and the parameters of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from harness.report.content import PROSE, Card, Column, Item, Table, number, prose
from harness.report.numbers import plain
from harness.report.rows import NetworkRow, ordered_by, shown_metrics
from harness.results.ranking import Ranking


def results(rows: Sequence[NetworkRow], ranking: Ranking | None = None) -> Table:
    """A line for each row, a column for each metric that some row has.

    A row that cannot be told from the most accurate one is marked, as are those that are refuted (not
    ranked) and those with a warning.
    """
    best = ranking.best() if ranking else []
    metrics = shown_metrics(rows)
    references = list(dict.fromkeys(name for row in rows for name in row.references))
    by = ordered_by(rows)
    columns = [Column("Row")]
    for metric in metrics:
        way = "descending" if metric.better == "more" else "ascending"
        order = way if metric.name == by else ""
        columns.append(Column(metric.title, metric.meaning, True, order, metric.name))
    columns += [
        Column(f"{name} accuracy", f"test accuracy of the reference {name!r}", True)
        for name in map(plain, references)
    ]
    columns += [Column("Seeds", "seeds that succeeded", True), Column("Framework")]
    lines = []
    for row in rows:
        framework = plain(row.row.framework)
        marks = ["not ranked"] if row.refuted else []
        marks += ["place 1"] if row.row.key in best and len(best) < len(rows) else []
        marks += [PROSE["marks"].get(kind, kind) for kind in row.warnings]
        line = [Item(row.name, sort=row.name, colour=row.look.colour, remark="; ".join(marks))]
        line += [number(row.cells.get(metric.name), metric.name) for metric in metrics]
        line += [number(row.references.get(n), "reference_accuracy") for n in references]
        line += [Item(seeds(row), sort=str(len(row.trials)))]
        line += [Item(framework, sort=framework, remark=plain(row.row.framework_version))]
        lines.append(line)
    sessions = [_sessions(row) for row in rows]
    if len({session for trained, timed in sessions for session in (*trained, *timed)}) > 1:
        columns.append(Column("Session", "the sessions that its records are of"))
        for line, (trained, timed) in zip(lines, sessions, strict=True):
            text = ", ".join(trained or timed)
            remark = f"timed in {timed[0]}" if timed and timed != trained else ""
            line.append(Item(text, sort=text, remark=remark))
    return Table("results", "Results", columns, lines, prose("tables", "results"), sortable=True)


def seeds(row: NetworkRow) -> str:
    """How many of a row's seeds succeeded: `3`, `2 of 3`, or `skipped`."""
    ok, all_seeds = len(row.trials), len(row.tried)
    if all_seeds and all(trial.status == "skipped" for trial in row.tried):
        return "skipped"
    return str(ok) if ok == all_seeds else f"{ok} of {all_seeds}"


def parameters(rows: Sequence[NetworkRow]) -> list[Card]:
    """The parameters of each row, and the means of the numbers of `harness_finish_training`."""
    cards = []
    for row in rows:
        pairs = [(plain(name), plain(value)) for name, value in row.settings.items()]
        for name in dict.fromkeys(name for trial in row.trials for name in trial.scalars):
            each = [trial.scalars[name] for trial in row.trials if name in trial.scalars]
            over = f", mean of {len(each)} seeds" if len(each) > 1 else ""
            pairs.append((f"{plain(name)} (reported{over})", f"{fmean(each):.4g}"))
        if pairs or row.trials:
            cards.append(Card(row.name, pairs))
    return cards


def _sessions(row: NetworkRow) -> tuple[list[str], list[str]]:
    """The sessions in which the row was trained and timed, from 1."""
    timing = row.timing
    trained = [str(n + 1) for n in sorted({trial.session for trial in row.tried})]
    return trained, [] if timing is None else [str(timing.session + 1)]
