"""The tables of a run of networks: the results, and the seeds that gave none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.report.content import Card, Column, Item, Table
from harness.report.numbers import plain, show
from harness.report.rows import NetworkRow, ordered_by
from harness.results.metrics import METRICS, Metric, of
from harness.results.summary import Cell

NOTE = (
    "Press a column's title to sort. The same numbers in full: summary.csv beside this page; every "
    "trial: records.jsonl."
)


def shown_metrics(rows: Sequence[NetworkRow]) -> list[Metric]:
    """The metrics of the table: those of the registry that some row has."""
    return [
        metric
        for metric in of("trial", "network-timing")
        if metric.place != "record" and any(row.has(metric.name) for row in rows)
    ]


def results(rows: Sequence[NetworkRow]) -> Table:
    """A line for each row, a column for each metric that some row has."""
    metrics, names = shown_metrics(rows), _reference_names(rows)
    several = len({session for row in rows for session in _sessions(row)}) > 1
    by = ordered_by(rows)
    columns = [
        Column("Row"),
        *(_column(metric, by) for metric in metrics),
        *(
            Column(
                f"{plain(name)} accuracy", f"test accuracy of the reference {plain(name)!r}", True
            )
            for name in names
        ),
        Column("Seeds", "seeds that succeeded", True),
        Column("Framework"),
        *([Column("Session", "the sessions that its records are of")] if several else ()),
    ]
    lines = []
    for row in rows:
        framework = plain(row.row.framework)
        line = [Item(row.name, sort=row.name, colour=row.look.colour)]
        line += [_number(row.cell(metric.name), metric.name) for metric in metrics]
        line += [_number(row.summary.references.get(n), "reference_accuracy") for n in names]
        line += [Item(seeds(row), sort=str(len(row.trials)))]
        line += [Item(framework, sort=framework, remark=plain(row.row.framework_version))]
        line += [_session(row)] if several else []
        lines.append(line)
    return Table("results", "Results", columns, lines, NOTE, sortable=True)


def seeds(row: NetworkRow) -> str:
    """How many of a row's seeds succeeded: `3`, `2 of 3`, or `skipped`."""
    ok, all_seeds = len(row.trials), len(row.summary.trials)
    if 0 < all_seeds == row.summary.skipped:
        return "skipped"
    return str(ok) if ok == all_seeds else f"{ok} of {all_seeds}"


def meanings(rows: Sequence[NetworkRow]) -> list[tuple[str, str]]:
    """What each column holds."""
    metrics = shown_metrics(rows)
    if _reference_names(rows):
        metrics.append(METRICS["reference_accuracy"])
    return [(metric.title, metric.meaning) for metric in metrics]


def parameters(rows: Sequence[NetworkRow]) -> list[Card]:
    """The parameters of each row, and the numbers that its plugin reported after training."""
    return [
        Card(row.name, pairs)
        for row in rows
        if (pairs := [*_parameters(row), *_scalars(row)]) or row.trials
    ]


def _parameters(row: NetworkRow) -> Iterator[tuple[str, str]]:
    for name, value in row.row.params.items():
        yield plain(name), plain(value)


def _scalars(row: NetworkRow) -> Iterator[tuple[str, str]]:
    """The mean over the seeds of each number of `harness_finish_training`."""
    values: dict[str, list[float]] = {}
    for trial in row.trials:
        for name, value in trial.scalars.items():
            values.setdefault(name, []).append(value)
    for name, each in values.items():
        over = f", mean of {len(each)} seeds" if len(each) > 1 else ""
        yield f"{plain(name)} (reported{over})", f"{sum(each) / len(each):.4g}"


def _column(metric: Metric, by: str) -> Column:
    if metric.name != by:
        return Column(metric.title, metric.meaning, True)
    more = metric.better == "more"
    return Column(metric.title, metric.meaning, True, "descending" if more else "ascending")


def _number(cell: Cell | None, metric: str) -> Item:
    text = show(cell, metric)
    return Item(text.value, text.interval, "" if cell is None else repr(cell.value))


def _reference_names(rows: Sequence[NetworkRow]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.summary.references))


def _sessions(row: NetworkRow) -> list[int]:
    """The sessions of the row's records, from 1."""
    timing = row.summary.timing
    records = [*row.summary.trials, *([timing] if timing else [])]
    return sorted({record.session + 1 for record in records})


def _session(row: NetworkRow) -> Item:
    trained = ", ".join(str(n + 1) for n in sorted({t.session for t in row.summary.trials}))
    timing = row.summary.timing
    timed = "" if timing is None else str(timing.session + 1)
    remark = f"timed in {timed}" if timed not in {"", trained} else ""
    return Item(trained or timed, sort=trained or timed, remark=remark)
