"""Dots with intervals, one line a row: accuracy, fit, latency, throughput, sparsity.

Dots and not bars: a bar's length means nothing on an axis that is logarithmic or starts elsewhere
than at 0 (Cleveland and McGill 1984).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.rows import NetworkRow
from harness.report.scales import accuracies, scale
from harness.report.style import (
    MUTED,
    PAPER,
    Drawn,
    named_lines,
    one_line_each,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: More lines than these, and layers share the line of their row.
MOST_NAMED = 40


def accuracy(rows: Sequence[NetworkRow]) -> Drawn:
    """The mean with its interval, each seed, and the references that a row brings along."""
    figure, axes = one_line_each([row.name for row in rows])
    added = accuracies(axes.xaxis, [100 * row.value("test_accuracy") for row in rows])
    _seeds(axes, rows, "test_accuracy", 100)
    for y, row in enumerate(rows):
        for reference in row.summary.references.values():
            _hollow(axes, row, 100 * reference.value, y - 0.26, "d")
        _dot(axes, row, "test_accuracy", y, 100)
    axes.set_xlabel(f"test accuracy, %{added}")
    return Drawn(figure)


def fit(rows: Sequence[NetworkRow]) -> Drawn:
    """The mean van Rossum loss with its interval, and each seed."""
    figure, axes = one_line_each([row.name for row in rows])
    seeds = [t.metrics["van_rossum_loss"] for row in rows for t in row.trials]
    added = scale(axes.xaxis, seeds)
    _seeds(axes, rows, "van_rossum_loss")
    for y, row in enumerate(rows):
        _dot(axes, row, "van_rossum_loss", y)
    axes.set_xlabel(f"van Rossum loss{added}")
    return Drawn(figure)


def latency(rows: Sequence[NetworkRow]) -> Drawn:
    """The median with its interval, and the 95th percentile where it is known."""
    figure, axes = one_line_each([row.name for row in rows])
    added = scale(axes.xaxis, _values(rows, "latency_ms", "latency_p95_ms"))
    for y, row in enumerate(rows):
        if row.has("latency_p95_ms"):
            ends = (row.value("latency_ms"), row.value("latency_p95_ms"))
            axes.plot(ends, (y, y), color=row.look.colour, lw=1, alpha=0.6, ls=":")
            _hollow(axes, row, ends[1], y, row.look.marker)
        _dot(axes, row, "latency_ms", y)
    axes.set_xlabel(f"latency of one sample, ms{added}")
    return Drawn(figure)


def throughput(rows: Sequence[NetworkRow]) -> Drawn:
    """Inference filled, training hollow and a little lower."""
    names = ("inference_throughput", "train_throughput")
    figure, axes = one_line_each([row.name for row in rows])
    added = scale(axes.xaxis, _values(rows, *names))
    for y, row in enumerate(rows):
        if row.has(names[0]):
            _dot(axes, row, names[0], y - 0.12)
        if row.has(names[1]):
            _line(axes, row, names[1], y + 0.18)
            _hollow(axes, row, row.value(names[1]), y + 0.18, row.look.marker)
    axes.set_xlabel(f"samples a second{added}")
    return Drawn(figure)


def sparsity(rows: Sequence[NetworkRow]) -> Drawn:
    """The whole network's, and below it each layer's."""
    lines = [(row, layer) for row in rows for layer in ("", *_layers(row))]
    if len(lines) > MOST_NAMED:
        return _numbered_layers(rows)
    labels = [wrapped(layer or row.name, 34, 1) for row, layer in lines]
    figure, axes = named_lines(labels, 0.27)
    for y, (row, layer) in enumerate(lines):
        if layer:
            axes.get_yticklabels()[y].set(color=MUTED, fontsize=9)
            _hollow(axes, row, 100 * _layers(row)[layer], y, row.look.marker)
        else:
            _dot(axes, row, "activation_sparsity", y, 100)
    _share_of_zeros(axes)
    return Drawn(figure)


def _numbered_layers(rows: Sequence[NetworkRow]) -> Drawn:
    """The same with a row's layers on its own line, each a step lower than the one before."""
    figure, axes = one_line_each([row.name for row in rows], 0.48)
    for y, row in enumerate(rows):
        layers = list(_layers(row).values())
        _dot(axes, row, "activation_sparsity", y - 0.28, 100)
        for number, value in enumerate(layers, start=1):
            place = y - 0.28 + 0.6 * number / max(len(layers), 3)
            _hollow(axes, row, 100 * value, place, "o", size=9)
            axes.annotate(
                str(number), (100 * value, place), ha="center", va="center_baseline", fontsize=6.5
            )
    _share_of_zeros(axes)
    return Drawn(figure, "The numbers count the layers from the input on.")


def _share_of_zeros(axes: Axes) -> None:
    axes.set_xlim(right=min(axes.get_xlim()[1], 100.5))
    axes.set_xlabel("zeros among the activations, %")


def _seeds(axes: Axes, rows: Sequence[NetworkRow], name: str, factor: float = 1) -> None:
    """A tick for each seed, where a row has several."""
    places = [
        (factor * trial.metrics[name], y + 0.24)
        for y, row in enumerate(rows)
        for trial in row.trials
        if len(row.trials) > 1 and name in trial.metrics
    ]
    if places:
        axes.plot(*zip(*places, strict=True), "|", color=MUTED, ms=6, mew=1.2)


def _dot(axes: Axes, row: NetworkRow, name: str, y: float, factor: float = 1) -> None:
    _line(axes, row, name, y, factor)
    axes.plot(factor * row.value(name), y, row.look.marker, color=row.look.colour, ms=7)


def _line(axes: Axes, row: NetworkRow, name: str, y: float, factor: float = 1) -> None:
    """The interval, where there is one."""
    cell = row.summary.cells[name]
    if cell.low is not None and cell.high is not None:
        ends = (factor * cell.low, factor * cell.high)
        axes.plot(ends, (y, y), color=row.look.colour, lw=2.2, marker="|", ms=7, mew=1.6)


def _hollow(
    axes: Axes, row: NetworkRow, x: float, y: float, marker: str, size: float = 5.5
) -> None:
    axes.plot(x, y, marker, mfc=PAPER, mec=row.look.colour, mew=1.3, ms=size, zorder=2)


def _values(rows: Sequence[NetworkRow], *names: str) -> list[float]:
    """The values of all metrics of `names`, and the ends of their intervals."""
    cells = [cell for row in rows for name in names if (cell := row.cell(name))]
    ends = [end for cell in cells for end in (cell.value, cell.low, cell.high)]
    return [end for end in ends if end is not None]


def _layers(row: NetworkRow) -> dict[str, float]:
    """Each layer's sparsity in the network's order, the mean over the seeds."""
    found: dict[str, list[float]] = {}
    for trial in row.trials:
        for layer in trial.layers:
            name, value = layer.get("name"), layer.get("activation_sparsity")
            if name is not None and value is not None:
                found.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}
