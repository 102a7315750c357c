"""What gave no result, and why: failures first, then what was skipped with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.report.content import Column, Item, Table
from harness.report.layers import density_name, neuron_name
from harness.report.numbers import plain
from harness.results.record import (
    LayerProof,
    LayerTiming,
    NetworkTiming,
    Record,
    TrialRecord,
)

TITLES = ("Row", "What", "Status", "Reason", "Logs")


def unfinished(records: Sequence[Record], labels: Mapping[str, str]) -> Table | None:
    """A line for the records that share a row, a status and a reason; none where all succeeded."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        if record.status != "ok":
            fate = (_name(record, labels), _status(record), plain(record.reason))
            groups.setdefault(fate, []).append(record)
    lines = [
        [
            Item(name),
            Item(_what(members)),
            Item(status, style="status skipped" if status == "skipped" else "status"),
            Item(reason),
            Item(_logs(members), style="code"),
        ]
        for (name, status, reason), members in groups.items()
    ]
    if not lines:
        return None
    lines.sort(key=lambda line: line[2].value == "skipped")
    columns = [Column(title) for title in TITLES]
    return Table("unfinished", "Without a result", columns, lines, style="unfinished")


def names(table: Table) -> list[str]:
    """`name (status)` of each line, each once."""
    return list(dict.fromkeys(f"{line[0].value} ({line[2].value})" for line in table.lines))


def _name(record: Record, labels: Mapping[str, str]) -> str:
    if isinstance(record, (LayerProof, LayerTiming)):
        return plain(record.row.plugin)
    if isinstance(record, (TrialRecord, NetworkTiming)):
        return labels[record.row.key]
    return "the roofline"


def _status(record: Record) -> str:
    return f"{record.status} while timing" if record.kind == "network-timing" else record.status


def _logs(members: Sequence[Record]) -> str:
    return "\n".join(dict.fromkeys(plain(record.log) for record in members if record.log))


def _what(members: Sequence[Record]) -> str:
    """Which seeds, neurons or sizes."""
    seeds = [r.seed for r in members if isinstance(r, (TrialRecord, NetworkTiming))]
    parts = [f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"] if seeds else []
    parts += [neuron_name(r.neuron) for r in members if isinstance(r, LayerProof)]
    sizes: dict[float, list[str]] = {}
    for record in members:
        if isinstance(record, LayerTiming):
            size = record.row.size
            sizes.setdefault(size.density, []).append(str(size.neurons))
    parts += [f"{', '.join(n)} neurons with {density_name(d)}" for d, n in sizes.items()]
    return "; ".join(dict.fromkeys(parts))
