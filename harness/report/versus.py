"""Faster or slower than the baseline: the verdicts of each measurement group, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.report.content import PROSE, Column, Item, Table, prose
from harness.report.numbers import ABSENT, listed, plain
from harness.results.record import LayerTiming, NetworkTiming, Record, Versus

Timing = NetworkTiming | LayerTiming


def timings(records: Sequence[Record]) -> list[Timing]:
    """The measurements that succeeded; of layers those that were proved to be the neuron."""
    ok = [record for record in records if record.status == "ok"]
    return [
        r for r in ok if isinstance(r, NetworkTiming) or (isinstance(r, LayerTiming) and r.equal)
    ]


def faster_or_slower(records: Sequence[Record], labels: Mapping[str, str]) -> Table | None:
    """A line for each timed row but the baselines, in the order in which they were timed.

    `labels` holds the names of the rows by their keys.
    """
    timed = timings(records)
    compared = [r for r in timed if any(series.versus for series in r.series.values())]
    if not compared:
        return None
    names = list(dict.fromkeys(name for record in compared for name in record.series))
    columns = [Column("Row"), *(Column(PROSE["series"].get(name, plain(name))) for name in names)]
    lines = [
        [Item(labels[r.row.key]), *(Item(verdict_text(versus(r, name))) for name in names)]
        for r in compared
    ]
    note = prose("tables", "versus", baseline=baseline(timed, labels))
    return Table("versus", "Faster or slower", columns, lines, note, "results versus")


def baseline(timed: Sequence[Timing], labels: Mapping[str, str]) -> str:
    """The name of what the others are compared with: for layers the framework's of the same size."""
    if any(isinstance(record, LayerTiming) for record in timed):
        plugins = {r.baseline: r.row.plugin for r in timed if r.baseline == r.row.key}
        return f"{listed(plugins.values())} at the same size" if plugins else "the baseline"
    return listed(labels.get(r.baseline, "a row that is no longer in this run") for r in timed)


def verdict_text(versus: Versus | None, interval: bool = True) -> str:
    """`0.46 times [0.44, 0.48], faster`; a dash where nothing was compared."""
    if versus is None:
        return ABSENT
    ends = ""
    if interval and versus.low is not None and versus.high is not None:
        ends = f" [{versus.low:.3g}, {versus.high:.3g}]"
    verdict = "a tie" if versus.verdict == "tie" else versus.verdict
    return f"{versus.ratio:.3g} times{ends}, {verdict}"


def versus(record: Timing, name: str) -> Versus | None:
    """How a series of a record's compares with the baseline's."""
    series = record.series.get(name)
    return series.versus if series else None
