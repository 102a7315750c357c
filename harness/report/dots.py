"""Dots with intervals, one line a row: accuracy, fit, latency, throughput, sparsity.

Dots and not bars: a bar's length means nothing on an axis that is logarithmic or starts elsewhere
than at 0 (Cleveland and McGill 1984).
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from harness.report.rows import MUTED, PAPER, NetworkRow
from harness.report.series import sparsities
from harness.report.style import Drawn, accuracies, named_lines, one_line_each, scale, wrapped

LATENCIES = ("latency_ms", "latency_p95_ms")
THROUGHPUTS = ("inference_throughput", "train_throughput")

#: More lines than these, and layers share the line of their row.
MOST_NAMED = 40


def accuracy(rows: Sequence[NetworkRow]) -> Drawn:
    """The mean with its interval, each seed, and the references that a row brings along."""
    figure, axes = one_line_each(rows)
    added = accuracies(axes.xaxis, [100 * row.value("test_accuracy") for row in rows])
    axes.set_xlabel(f"test accuracy, %{added}")
    for y, row in enumerate(rows):
        for reference in row.references.values():
            _hollow(axes, row, 100 * reference.value, y - 0.26, "d")
    _seeds_and_means(axes, rows, "test_accuracy", 100)
    return Drawn(figure)


def fit(rows: Sequence[NetworkRow]) -> Drawn:
    """The mean van Rossum loss with its interval, and each seed."""
    figure, axes = one_line_each(rows)
    added = scale(axes.xaxis, [t.metrics["van_rossum_loss"] for row in rows for t in row.trials])
    axes.set_xlabel(f"van Rossum loss{added}")
    _seeds_and_means(axes, rows, "van_rossum_loss")
    return Drawn(figure)


def latency(rows: Sequence[NetworkRow]) -> Drawn:
    """The median with its interval, and the 95th percentile where it is known."""
    figure, axes = one_line_each(rows)
    axes.set_xlabel(f"latency of one sample, ms{scale(axes.xaxis, _values(rows, LATENCIES))}")
    for y, row in enumerate(rows):
        if row.has("latency_p95_ms"):
            ends = (row.value("latency_ms"), row.value("latency_p95_ms"))
            axes.plot(ends, (y, y), color=row.look.colour, lw=1, alpha=0.6, ls=":")
            _hollow(axes, row, ends[1], y)
        _dot(axes, row, "latency_ms", y)
    return Drawn(figure)


def throughput(rows: Sequence[NetworkRow]) -> Drawn:
    """Inference filled, training hollow and a little lower."""
    figure, axes = one_line_each(rows)
    axes.set_xlabel(f"samples a second{scale(axes.xaxis, _values(rows, THROUGHPUTS))}")
    for y, row in enumerate(rows):
        for name, place in zip(THROUGHPUTS, (y - 0.12, y + 0.18), strict=True):
            if row.has(name):
                _dot(axes, row, name, place, hollow=name == THROUGHPUTS[1])
    return Drawn(figure)


def sparsity(rows: Sequence[NetworkRow]) -> Drawn:
    """The whole network's, and each layer's: on a line of its own, or where these are many, numbered."""
    layers = list(map(sparsities, rows))
    named = len(rows) + sum(map(len, layers)) <= MOST_NAMED
    if named:
        lines = [n for row, of in zip(rows, layers, strict=True) for n in (row.name, *of)]
        figure, axes = named_lines([wrapped(line, 34, 1) for line in lines], 0.27)
    else:
        figure, axes = one_line_each(rows, 0.48)
    labels, y = axes.get_yticklabels(), 0
    for row, of in zip(rows, layers, strict=True):
        start = y if named else y - 0.28
        _dot(axes, row, "activation_sparsity", start, 100)
        for number, value in enumerate(of.values(), start=1):
            if named:
                labels[y + number].set(color=MUTED, fontsize=9)
                _hollow(axes, row, 100 * value, y + number)
                continue
            place = (100 * value, start + 0.6 * number / max(len(of), 3))
            _hollow(axes, row, *place, "o", size=9)
            axes.annotate(str(number), place, ha="center", va="center_baseline", fontsize=6.5)
        y += 1 + len(of) if named else 1
    axes.set_xlim(right=min(axes.get_xlim()[1], 100.5))
    axes.set_xlabel("zeros among the activations, %")
    return Drawn(figure, "" if named else "The numbers count the layers from the input on.")


def _seeds_and_means(axes: Axes, rows: Sequence[NetworkRow], name: str, factor: float = 1) -> None:
    """A dot for each row, and a tick for each of its seeds where it has several."""
    several = [(y, row) for y, row in enumerate(rows) if len(row.trials) > 1]
    trials = [(y + 0.24, trial.metrics.get(name)) for y, row in several for trial in row.trials]
    seeds = [(factor * value, y) for y, value in trials if value is not None]
    if seeds:
        axes.plot(*zip(*seeds, strict=True), "|", color=MUTED, ms=6, mew=1.2)
    for y, row in enumerate(rows):
        _dot(axes, row, name, y, factor)


def _dot(
    axes: Axes, row: NetworkRow, name: str, y: float, factor: float = 1, hollow: bool = False
) -> None:
    """A metric, with its interval where there is one."""
    look, x = row.look, factor * row.value(name)
    if ends := row.ends(name, factor):
        axes.plot(ends, (y, y), color=look.colour, lw=2.2, marker="|", ms=7, mew=1.6)
    if hollow:
        _hollow(axes, row, x, y)
    else:
        axes.plot(x, y, look.marker, color=look.colour, ms=7)


def _hollow(
    axes: Axes, row: NetworkRow, x: float, y: float, marker: str = "", size: float = 5.5
) -> None:
    marker = marker or row.look.marker
    axes.plot(x, y, marker, mfc=PAPER, mec=row.look.colour, mew=1.3, ms=size, zorder=2)


def _values(rows: Sequence[NetworkRow], names: Sequence[str]) -> list[float]:
    """The values of all metrics of `names`, and the ends of their intervals."""
    known = [(row, name) for row in rows for name in names if row.has(name)]
    return [end for row, name in known for end in (row.value(name), *row.ends(name))]
