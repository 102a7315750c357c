"""Lines: accuracy by time step, training history; and accuracy against operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.rows import Row
from harness.report.style import NoDataError, legend, linear, new_figure, scale, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = Sequence[tuple[float, float]]

#: More panels than these are too small to read; loss and accuracy are shown first.
MOST_PANELS = 4


def by_step(rows: Sequence[Row]) -> Figure:
    """The mean over the seeds, between the lowest and the highest seed; one point without time."""
    curves = {
        row.name: [_steps(t.metrics.get("accuracy_by_step")) for t in row.trials] for row in rows
    }
    rows = [row for row in rows if any(curves[row.name])]
    if not any(len(curve) > 1 for row in rows for curve in curves[row.name]):
        raise NoDataError("no row gives its answer over time")
    figure, (axes,) = new_figure(3.3)
    for row in rows:
        _band(axes, row, curves[row.name])
    linear(axes.xaxis, whole=True)
    axes.set_xlabel("time steps seen")
    axes.set_ylabel("test accuracy, %")
    legend(figure, rows)
    return figure


def history(rows: Sequence[Row]) -> Figure:
    """A panel for each training scalar, by epoch."""
    scalars = {name for row in rows for t in row.trials for epoch in t.history for name in epoch}
    names = sorted(scalars - {"epoch"}, key=lambda name: (name != "loss", name != "accuracy", name))
    if not names:
        raise NoDataError("no row reported scalars while training")
    names = names[:MOST_PANELS]
    rows = [row for row in rows if any(t.history for t in row.trials)]
    figure, panels = new_figure(2.7, len(names))
    for axes, name in zip(panels, names, strict=True):
        curves = {row.name: [_epochs(t.history, name) for t in row.trials] for row in rows}
        values = [y for curve in curves.values() for points in curve for _, y in points]
        added = scale(axes.yaxis, values)
        for row in rows:
            if any(curves[row.name]):
                _band(axes, row, curves[row.name])
        axes.set_title(wrapped(name, 30, 1) + added)
        axes.set_xlabel("epoch")
        linear(axes.xaxis, whole=True)
        if axes.get_xlim()[1] < 2:
            axes.set_xlim(0, 2)
    legend(figure, rows)
    return figure


def tradeoff(rows: Sequence[Row]) -> Figure:
    """Accuracy against effective synaptic operations."""
    both = ("test_accuracy", "synops_effective")
    rows = [row for row in rows if all(map(row.has, both)) and row.summary["synops_effective"] > 0]
    if not rows:
        raise NoDataError("no row has both an accuracy and its operations")
    figure, (axes,) = new_figure(3.3)
    for row in rows:
        x, y, look = row.summary["synops_effective"], 100 * row.summary["test_accuracy"], row.look
        for name, factor in zip(both, (100, 1), strict=True):
            if row.has(f"{name}_low"):
                ends = [factor * row.summary[f"{name}{end}"] for end in ("_low", "_high")]
                places = ((x, x), ends) if name == "test_accuracy" else (ends, (y, y))
                axes.plot(*places, color=look.colour, lw=1.4)
        axes.plot(x, y, look.marker, color=look.colour, ms=8)
    added = scale(axes.xaxis, [row.summary["synops_effective"] for row in rows])
    axes.set_xlabel(f"effective synaptic operations a sample{added}")
    axes.set_ylabel("test accuracy, %")
    axes.margins(0.12)
    linear(axes.yaxis)
    legend(figure, rows)
    return figure


def _band(axes: Axes, row: Row, curves: Sequence[Points]) -> None:
    """The mean of the seeds' `curves`, as far as all of them go, between their extremes."""
    curves = [points for points in curves if points]
    length = min(map(len, curves))
    x = [place for place, _ in curves[0][:length]]
    columns = [[points[i][1] for points in curves] for i in range(length)]
    mean = [sum(column) / len(column) for column in columns]
    colour, few = row.look.colour, length <= 12
    axes.plot(x, mean, color=colour, ls=row.look.dash, marker=row.look.marker if few else "", ms=5)
    if len(curves) > 1 and length > 1:
        low, high = [min(column) for column in columns], [max(column) for column in columns]
        axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)


def _steps(values: object) -> Points:
    if not isinstance(values, list):
        return []
    return [(step, 100 * value) for step, value in enumerate(values, start=1)]


def _epochs(history: Sequence[dict[str, float]], name: str) -> Points:
    return [
        (epoch.get("epoch", place), epoch[name])
        for place, epoch in enumerate(history, start=1)
        if name in epoch
    ]
