"""The networks that were evaluated by torch.compile and CUDA graphs too, beside the eager ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.report.content import PROSE, Column, Item, Pairs, Table, number, prose
from harness.report.numbers import ABSENT, plain, show
from harness.report.rows import NetworkRow
from harness.report.versus import verdict_text
from harness.results.metrics import METRICS
from harness.results.record import NetworkTiming, Variant
from harness.results.summary import Cell, measured

#: What is shown of a variant: each series, and the metric that summarises it.
SHOWN = {"latency": "latency_ms", "inference": "inference_throughput"}
COMPILING = "compile_seconds"


def variants_of(row: NetworkRow) -> Mapping[str, Variant]:
    """What became of the row's network in each of its variants."""
    return row.timing.variants if isinstance(row.timing, NetworkTiming) else {}


def compiled(rows: Sequence[NetworkRow]) -> Table | None:
    """A line for each variant of each row; None where there is none."""
    having = [row for row in rows if variants_of(row)]
    if not having:
        return None
    columns = [Column("Row"), Column("Evaluated by")]
    for series, metric in SHOWN.items():
        title = METRICS[metric].title
        columns.append(Column(title, METRICS[metric].meaning, True))
        columns.append(Column(f"{PROSE['series'][series]}, against eager"))
    columns.append(Column(METRICS[COMPILING].title, METRICS[COMPILING].meaning, True))
    columns.append(Column("Remark"))
    lines = []
    for row in having:
        for name, variant in variants_of(row).items():
            line = [Item(row.name, colour=row.look.colour), Item(plain(name))]
            for series, metric in SHOWN.items():
                line.append(number(_cell(variant, metric), metric))
                line.append(Item(_against(row, variant, series)))
            line.append(number(_cell(variant, COMPILING), COMPILING))
            line.append(Item(_remark(variant)))
            lines.append(line)
    return Table("variants", "Compiled variants", columns, lines, prose("tables", "variants"))


def of_row(row: NetworkRow) -> Pairs:
    """(variant, what became of it) pairs, for the row's card."""
    return [(plain(name), "; ".join(_parts(row, own))) for name, own in variants_of(row).items()]


def _parts(row: NetworkRow, variant: Variant) -> Iterator[str]:
    if remark := _remark(variant):
        yield remark
    for series, metric in SHOWN.items():
        if cell := _cell(variant, metric):
            versus = _against(row, variant, series)
            beside = "" if versus == ABSENT else f", {versus} (time against eager)"
            yield f"{METRICS[metric].title}: {show(cell, metric)}{beside}"
    if cell := _cell(variant, COMPILING):
        yield f"{METRICS[COMPILING].title}: {show(cell, COMPILING)}"


def _cell(variant: Variant, metric: str) -> Cell | None:
    return measured(variant.metrics.get(metric)) if variant.status == "ok" else None


def _against(row: NetworkRow, variant: Variant, series: str) -> str:
    """How the times compare with the eager network's; a dash where these do not hold."""
    times = variant.series.get(series)
    return ABSENT if row.refuted or times is None else verdict_text(times.versus)


def _remark(variant: Variant) -> str:
    """Why there are no numbers."""
    return "" if variant.status == "ok" else f"{variant.status}: {plain(variant.reason)}"
