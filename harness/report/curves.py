"""Lines: accuracy by time step, training scalars and the layers' activity by epoch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from harness.report.courses import Points, course, mean, one_line, steps
from harness.report.numbers import plain
from harness.report.panels import heading, heading_height, panels
from harness.report.rows import NetworkRow
from harness.report.scales import linear, scale
from harness.report.style import (
    BOTTOM,
    GRID,
    MOST_LINES,
    SMALL,
    Drawn,
    NoDataError,
    grow,
    legend,
    panel_grid,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: More panels than these, where all rows share them, are too small to read; a plugin's own has fewer.
MOST_PANELS, MOST_OWN = 4, 2
#: At most as many ticks on an axis of a small panel: they take most of the time of a figure.
SMALL_TICKS = 4
#: The height of a small panel with its x-axis, and its margins, in inches.
PANEL, PANEL_LEFT, PANEL_BOTTOM = 1.2, 0.68, 0.3
#: Values below the largest by more than this factor are drawn at it.
MOST_RANGE = 1e4
#: Training scalars of this name are the fraction of a layer's neurons that spike in a step.
DENSITY = "density_"

MANY = "A panel for each plugin, since there are more rows than colours."


def by_step(rows: Sequence[NetworkRow]) -> Drawn:
    """The mean over the seeds, between the lowest and the highest seed; one point without time."""
    curves = {
        row.name: [steps(t.metrics.get("accuracy_by_step")) for t in row.trials] for row in rows
    }
    if not any(len(curve) > 1 for row in rows for curve in curves[row.name]):
        raise NoDataError("no row gives its prediction over time")
    if len(rows) <= MOST_LINES:
        figure, (axes,) = panel_grid(3.3)
        for row in rows:
            _band(axes, row, curves[row.name])
        linear(axes.xaxis, whole=True)
        axes.set_xlabel("time steps seen")
        axes.set_ylabel("test accuracy, %")
        legend(figure, rows)
        return Drawn(figure)
    own = panels(rows)
    figure, grid = _small_grid([heading_height(panel) for panel in own])
    faint = one_line([mean([c for c in curves[row.name] if c]) for row in rows])
    for axes, panel in zip(grid, own, strict=True):
        axes.plot(*zip(*faint, strict=True), color=GRID, lw=0.8, zorder=1)
        for row in panel.rows:
            _band(axes, row, curves[row.name], small=True)
        heading(axes, panel)
        linear(axes.xaxis, whole=True, ticks=SMALL_TICKS)
        linear(axes.yaxis, ticks=SMALL_TICKS)
        _small(axes, "accuracy, %")
    _name_last(grid, "time steps seen")
    return Drawn(figure, f"{MANY} Grey: all other rows.")


def history(rows: Sequence[NetworkRow]) -> Drawn:
    """A panel for each training scalar, by epoch."""
    return _by_epoch(
        rows,
        wanted=lambda name: name != "epoch" and not name.startswith(DENSITY),
        title=plain,
        factor=1,
    )


def activity(rows: Sequence[NetworkRow]) -> Drawn:
    """A panel for each layer: the percentage of its neurons that spike in a step, by epoch."""
    return _by_epoch(
        rows,
        wanted=lambda name: name.startswith(DENSITY),
        title=lambda name: f"{plain(name.removeprefix(DENSITY))}, %",
        factor=100,
    )


def scalar_names(rows: Sequence[NetworkRow]) -> list[str]:
    """The training scalars of `rows`: loss and accuracy first, then by name, layer10 after layer9."""
    found = {name for row in rows for t in row.trials for epoch in t.history for name in epoch}
    parts = {name: re.split(r"(\d+)", name) for name in found}
    return sorted(
        found,
        key=lambda name: (
            name != "loss",
            name != "accuracy",
            [int(part) if place % 2 else part for place, part in enumerate(parts[name])],
        ),
    )


def _by_epoch(
    rows: Sequence[NetworkRow],
    wanted: Callable[[str], bool],
    title: Callable[[str], str],
    factor: float,
) -> Drawn:
    def names(members: Sequence[NetworkRow]) -> list[str]:
        return [name for name in scalar_names(members) if wanted(name)]

    if len(rows) <= MOST_LINES:
        shown = names(rows)[:MOST_PANELS]
        figure, grid = panel_grid(2.7, len(shown), [0.25] * len(shown))
        for axes, name in zip(grid, shown, strict=True):
            added = _epochs(axes, rows, name, factor)
            axes.set_title(wrapped(title(name), 30, 1) + added)
            axes.set_xlabel("epoch")
        legend(figure, rows)
        return Drawn(figure, _left_out(names(rows)[MOST_PANELS:]))
    own = panels(rows)
    most = min(MOST_OWN, max(len(names(panel.rows)) for panel in own))
    cells = [
        (panel, place, name)
        for panel in own
        for place, name in enumerate([*names(panel.rows), None, None][:most])
    ]
    heads = [0.0 if place else heading_height(panel) for panel, place, _ in cells]
    figure, grid = _small_grid(heads)
    for axes, (panel, place, scalar) in zip(grid, cells, strict=True):
        if scalar is None:
            axes.remove()
            continue
        # Beside its first panel, a plugin's second needs no other heading.
        if place == 0:
            heading(axes, panel)
        added = _epochs(axes, panel.rows, scalar, factor, small=True)
        label = wrapped(title(scalar), 20, 1)
        _small(axes, "\n".join([label, *added.removeprefix(", ").split()]))
    _name_last([axes for axes in grid if axes.figure is not None], "epoch")
    left = dict.fromkeys(name for panel in own for name in names(panel.rows)[most:])
    return Drawn(figure, f"{MANY} {_left_out(list(left))}".strip())


def _epochs(
    axes: Axes, rows: Sequence[NetworkRow], name: str, factor: float, small: bool = False
) -> str:
    """Draws one scalar; what to add to its name."""
    curves = {row.name: [course(t.history, name, factor) for t in row.trials] for row in rows}
    values = [y for every in curves.values() for c in every for _, y in c]
    floor = _floor(values)
    ticks = SMALL_TICKS if small else 8
    added = scale(axes.yaxis, [max(value, floor) for value in values], ticks)
    for row in rows:
        if any(curves[row.name]):
            above = [[(x, max(y, floor)) for x, y in curve] for curve in curves[row.name]]
            _band(axes, row, above, small)
    linear(axes.xaxis, whole=True, ticks=ticks)
    if axes.get_xlim()[1] < 2:
        axes.set_xlim(0, 2)
    return added


def _floor(values: Sequence[float]) -> float:
    """What the smallest of `values` are drawn at: a loss of 0 has no place on a logarithmic axis."""
    positive = [value for value in values if value > 0]
    if min(values) < 0 or not positive:
        return min(values)
    return max(min(positive), max(positive) / MOST_RANGE)


def _small_grid(heads: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Small panels, with room for the name of the x-axis below the last line."""
    figure, grid = panel_grid(PANEL, len(heads), heads, PANEL_LEFT, PANEL_BOTTOM)
    grow(figure, BOTTOM - PANEL_BOTTOM)
    return figure, grid


def _name_last(grid: Sequence[Axes], x: str) -> None:
    """Names the x-axis of the last line's panels only: it is the same quantity in all."""
    bottoms = [axes.get_position(original=True).y0 for axes in grid]
    for axes, bottom in zip(grid, bottoms, strict=True):
        if bottom < min(bottoms) + 1e-6:
            axes.set_xlabel(x, fontsize=SMALL)


def _small(axes: Axes, y: str) -> None:
    """Axes for a small panel."""
    axes.set_ylabel(y, fontsize=SMALL)
    axes.tick_params(labelsize=SMALL)


def _left_out(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f"Not drawn, but in records.jsonl: {', '.join(map(plain, names))}."


def _band(axes: Axes, row: NetworkRow, curves: Sequence[Points], small: bool = False) -> None:
    """The mean of the seeds' `curves`, as far as all of them go, between their extremes."""
    curves = [points for points in curves if points]
    average = mean(curves)
    x, length = [place for place, _ in average], len(average)
    # Hundreds of epochs make a jagged line, which is easier to read thin.
    width = 0.9 if length > 100 else 1.4 if small else 1.8
    marker = row.look.marker if length <= 12 else ""
    axes.plot(
        *zip(*average, strict=True),
        color=row.look.colour,
        ls=row.look.dash,
        lw=width,
        marker=marker,
        ms=3.5 if small else 5,
    )
    if len(curves) > 1 and length > 1:
        columns = [[points[i][1] for points in curves] for i in range(length)]
        low, high = [min(column) for column in columns], [max(column) for column in columns]
        axes.fill_between(x, low, high, color=row.look.colour, alpha=0.18, lw=0)
