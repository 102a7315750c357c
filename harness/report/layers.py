"""The tables of a run of layers: is it the same neuron, and how fast is it in each size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.plugin.contract import Neuron
from harness.report.content import Column, Item, Table, number, prose
from harness.report.numbers import ABSENT, grouped, plain
from harness.report.rows import shown_metrics
from harness.report.versus import verdict_text
from harness.results.metrics import Metric
from harness.results.record import LayerProof, LayerTiming, Record
from harness.results.summary import Summary
from harness.subjects import LayerSize

#: The words for the status of a proof.
PROVED = {"ok": "equal", "invalid": "not equal", "skipped": "refused"}

#: The series whose verdict stands in the table; the others are in the table of comparisons.
MAIN = "total"


def proofs(records: Sequence[Record]) -> Table | None:
    """A line for each neuron, a column for each framework."""
    layer_proofs = [record for record in records if isinstance(record, LayerProof)]
    names = list(dict.fromkeys(record.row.plugin for record in layer_proofs))
    # Without a spike that was compared, nothing is known of the neuron: the status alone.
    words = {
        (neuron_name(r.neuron), r.row.plugin): r.status
        if r.status == "invalid" and not r.metrics
        else PROVED.get(r.status, r.status)
        for r in layer_proofs
    }
    lines = [
        [Item(neuron), *(Item(words.get((neuron, name), ABSENT)) for name in names)]
        for neuron in dict.fromkeys(neuron for neuron, _ in words)
    ]
    columns = [Column("Neuron"), *(Column(plain(name)) for name in names)]
    return Table("proofs", "The same neuron?", columns, lines) if layer_proofs else None


def layer_rows(summaries: Sequence[Summary]) -> list[Summary]:
    """The measured layers among `summaries`."""
    return [summary for summary in summaries if isinstance(summary.timing, LayerTiming)]


def speeds(rows: Sequence[Summary]) -> Iterator[Table]:
    """A table for each density: the sizes from small to large, in each the fastest first."""
    metrics = shown_metrics(rows)
    columns = [
        Column("Framework"),
        Column("Size", "inputs, and neurons", True),
        *(Column(m.title, m.meaning, True, metric=m.name) for m in metrics),
        Column("Total, against the baseline", "see Faster or slower"),
    ]
    for place, of_density in enumerate(by_density(rows), start=1):
        lines = [_line(row, metrics) for row in ordered(of_density)]
        density, note = size(of_density[0]).density, prose("tables", "speed")
        title = f"Speed: {density_name(density)}"
        yield Table(f"speed{place}", title, columns, lines, note, sortable=True, density=density)


def ordered(rows: Sequence[Summary]) -> list[Summary]:
    """The sizes from small to large, in each the fastest first."""
    return sorted(rows, key=lambda row: (size(row).neurons, total(row), name(row)))


def by_density(rows: Sequence[Summary]) -> list[list[Summary]]:
    """`rows` by the density of their inputs, in the order of the records."""
    return list(grouped((size(row).density, row) for row in rows).values())


def comparable(row: Summary) -> bool:
    """Whether the layer was measured and proved to be the neuron."""
    timing = timing_of(row)
    return timing.status == "ok" and timing.equal and row.has("total_ms")


def timing_of(row: Summary) -> LayerTiming:
    """The layer's measurement."""
    assert isinstance(row.timing, LayerTiming)
    return row.timing


def size(row: Summary) -> LayerSize:
    """The layer's size: `neurons` is also the number of inputs, `density` the fraction that is not 0."""
    return timing_of(row).row.size


def total(row: Summary) -> float:
    """The median milliseconds of both passes; infinite where they were not measured."""
    return row.value("total_ms") if row.has("total_ms") else float("inf")


def name(row: Summary) -> str:
    """The plugin, with what forbids to compare its figure."""
    timing = timing_of(row)
    status = "not equal" if timing.status == "ok" and not timing.equal else timing.status
    return plain(row.row.plugin) + (f" ({status})" if status in ("not equal", "invalid") else "")


def density_name(density: float) -> str:
    """What the inputs are, in words."""
    return "dense inputs" if density == 1 else f"spikes as inputs, {100 * density:g} %"


def neuron_name(neuron: Neuron) -> str:
    """What tells the proved neurons apart, in words."""
    return f"beta {neuron.beta:g}, reset {'detached' if neuron.detach else 'attached'}"


def _line(row: Summary, metrics: Sequence[Metric]) -> list[Item]:
    timing, compared = timing_of(row), comparable(row)
    # A share of the roofline is a comparison too.
    shares = () if compared else ("roofline_share",)
    cells = [number(None if m.name in shares else row.cells.get(m.name), m.name) for m in metrics]
    if cells and not row.cells:
        status = "not measured" if timing.status == "skipped" else timing.status
        cells[0] = cells[0]._replace(value=status)
    verdict = brief = ABSENT
    if compared and (series := timing.series.get(MAIN)) is not None:
        if timing.baseline == row.row.key:
            verdict = brief = "the baseline"
        else:
            verdict, brief = (
                verdict_text(series.versus),
                verdict_text(series.versus, interval=False),
            )
    plugin, neurons = plain(row.row.plugin), str(size(row).neurons)
    first, last = Item(name(row), sort=plugin, row=plugin), Item(verdict, sort=verdict, brief=brief)
    return [first, Item(neurons, sort=neurons), *cells, last]
