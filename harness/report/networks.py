"""The tables of a run of networks, and the parameters of its rows."""

from __future__ import annotations

from collections.abc import Sequence

from harness.plugin.parameters import BEST, SOURCE
from harness.report.content import Card, Column, Item, Table, number, prose
from harness.report.numbers import plain, points, show
from harness.report.rows import NetworkRow, ordered_by, shown_metrics

#: The columns of the table of sources.
TITLES = ("Plugin", "Setting", "Source reports", "Ours", "Difference, points", "Our best")


def results(rows: Sequence[NetworkRow]) -> Table:
    """A line for each row, a column for each metric that some row has."""
    metrics = shown_metrics(rows)
    references = list(dict.fromkeys(name for row in rows for name in row.references))
    by = ordered_by(rows)
    columns = [Column("Row")]
    for metric in metrics:
        way = "descending" if metric.better == "more" else "ascending"
        columns.append(Column(metric.title, metric.meaning, True, way if metric.name == by else ""))
    columns += [
        Column(f"{name} accuracy", f"test accuracy of the reference {name!r}", True)
        for name in map(plain, references)
    ]
    columns += [Column("Seeds", "seeds that succeeded", True), Column("Framework")]
    lines = []
    for row in rows:
        framework = plain(row.row.framework)
        line = [Item(row.name, sort=row.name, colour=row.look.colour)]
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


def against_sources(rows: Sequence[NetworkRow]) -> Table | None:
    """Our accuracy beside the one that each original paper or code reports for the same setting.

    A line for each row at a source's setting, by plugin; none where no row knows a source's figure.
    """
    if not any(row.has("reported_accuracy") for row in rows):
        return None
    lines = []
    for row in rows:
        preset = row.row.preset
        if row.trials and (
            row.has("reported_accuracy") or preset == SOURCE or preset.startswith(f"{SOURCE}-")
        ):
            changed = (f"{name}={value}" for name, value in row.row.swept.items())
            ours, reported = row.cells.get("test_accuracy"), row.cells.get("reported_accuracy")
            best = _best(row, rows)
            texts = (
                show(reported, "reported_accuracy"),
                show(ours, "test_accuracy"),
                points(ours, reported),
                show(best.cells.get("test_accuracy") if best else None, "test_accuracy"),
            )
            setting = Item(plain(" ".join([preset, *changed])))
            lines.append([Item(plain(row.row.plugin)), setting, *(Item(*text) for text in texts)])
    columns = [Column(title, number=place > 1) for place, title in enumerate(TITLES)]
    lines.sort(key=lambda line: (line[0].value, line[1].value))
    note = prose("tables", "sources")
    return Table("sources", "Against the sources", columns, lines, note, "results sources")


def parameters(rows: Sequence[NetworkRow]) -> list[Card]:
    """The parameters of each row, and the means of the numbers of `harness_finish_training`."""
    cards = []
    for row in rows:
        pairs = [(plain(name), plain(value)) for name, value in row.row.params.items()]
        for name in dict.fromkeys(name for trial in row.trials for name in trial.scalars):
            each = [trial.scalars[name] for trial in row.trials if name in trial.scalars]
            over = f", mean of {len(each)} seeds" if len(each) > 1 else ""
            pairs.append((f"{plain(name)} (reported{over})", f"{sum(each) / len(each):.4g}"))
        if pairs or row.trials:
            cards.append(Card(row.name, pairs))
    return cards


def _sessions(row: NetworkRow) -> tuple[list[str], list[str]]:
    """The sessions in which the row was trained and timed, from 1."""
    timing = row.timing
    trained = [str(n + 1) for n in sorted({trial.session for trial in row.tried})]
    return trained, [] if timing is None else [str(timing.session + 1)]


def _best(row: NetworkRow, rows: Sequence[NetworkRow]) -> NetworkRow | None:
    """The plugin at its best; of a sweep's rows, the best on validation data."""
    of = (row.row.plugin, row.row.task, row.row.device, BEST)
    same = (
        other
        for other in rows
        if of == (other.row.plugin, other.row.task, other.row.device, other.row.preset)
        and other.has("test_accuracy")
    )
    known = "validation_accuracy"
    return max(same, key=lambda r: r.value(known) if r.has(known) else 0.0, default=None)
