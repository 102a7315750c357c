"""The sentences that close a run in the terminal: what is most accurate, what is faster or slower."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.report import layers
from harness.report.numbers import listed, plain, show
from harness.report.rows import NetworkRow, network_rows, ordered_by
from harness.report.versus import SERIES, Timing, timings
from harness.results.metrics import METRICS
from harness.results.record import LayerTiming, NetworkTiming, Record, latest
from harness.results.session import Session
from harness.results.summary import summarise

#: More rows than these are counted in a sentence and not named.
MOST_NAMES = 6


def closing_lines(records: Sequence[Record], sessions: Sequence[Session] = ()) -> list[str]:
    """What the records support, in plain sentences; none where there is nothing to compare."""
    records = latest(list(records))
    summaries = summarise(records, sessions)
    labels = {summary.row.key: plain(summary.label) for summary in summaries}
    timed = timings(records)
    lines = [*_best(network_rows(summaries))]
    networks = [record for record in timed if isinstance(record, NetworkTiming)]
    for name in ("latency", "inference", "train"):
        lines += _verdicts(networks, name, labels, SERIES[name].partition(",")[0])
    sizes: dict[tuple[float, int], list[Timing]] = {}
    for record in timed:
        if isinstance(record, LayerTiming):
            size = record.row.size
            sizes.setdefault((size.density, size.neurons), []).append(record)
    plugins = {r.row.key: plain(r.row.plugin) for r in timed}
    for (density, neurons), group in sizes.items():
        what = f"{neurons} neurons, {layers.density_name(density)}"
        lines += _verdicts(group, layers.MAIN, plugins, what)
    return lines


def _best(rows: Sequence[NetworkRow]) -> Iterator[str]:
    """The first row by the metric that orders them, and whose intervals overlap with its own."""
    name = ordered_by(rows)
    having = [row for row in rows if name and row.has(name)]
    if len(having) < 2:
        return
    metric, (best, *others) = METRICS[name], having
    which = "Highest" if metric.better == "more" else "Lowest"
    title = (
        metric.title[0].lower() + metric.title[1:] if name != "van_rossum_loss" else metric.title
    )
    overlapping = [row.name for row in others if _overlap(best, row, name)]
    yield f"{which} {title}: {best.name}, {show(best.cell(name), name)}." + (
        f" The intervals of {_named(overlapping)} overlap with it: their order may be chance."
        if overlapping
        else ""
    )


def _overlap(one: NetworkRow, other: NetworkRow, metric: str) -> bool:
    """Whether two intervals overlap; a number without one is its own interval."""
    ends = []
    for row in (one, other):
        cell = row.summary.cells[metric]
        ends.append(
            (
                cell.value if cell.low is None else cell.low,
                cell.value if cell.high is None else cell.high,
            )
        )
    return ends[0][0] <= ends[1][1] and ends[1][0] <= ends[0][1]


def _verdicts(
    timed: Sequence[Timing], series: str, names: Mapping[str, str], what: str
) -> Iterator[str]:
    """`Latency, against NAME: faster: a, b; slower: c; a tie: d.`"""
    by_verdict: dict[str, list[str]] = {"faster": [], "slower": [], "tie": []}
    baseline = ""
    for record in timed:
        versus = record.series[series].versus if series in record.series else None
        if versus is not None:
            by_verdict[versus.verdict].append(names[record.row.key])
            baseline = record.baseline
    if not any(by_verdict.values()):
        return
    parts = [
        f"{words} {_named(rows)}"
        for words, rows in zip(("faster:", "slower:", "a tie:"), by_verdict.values(), strict=True)
        if rows
    ]
    yield f"{what}, compared with {names.get(baseline, 'the baseline')}: {'; '.join(parts)}."


def _named(names: Sequence[str]) -> str:
    return listed(names, MOST_NAMES)
