"""Lines: accuracy by time step, training scalars and the layers' activity by epoch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

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
from harness.results.record import TrialRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = Sequence[tuple[float, float]]

#: More panels than these, where all rows share them, are too small to read; a plugin's own has fewer.
MOST_PANELS, MOST_OWN = 4, 2
#: At most as many panels, where plugins have several of their own: each takes 15 ms.
MOST_CELLS = 12
#: At most as many ticks on an axis of a small panel: they take most of the time of a figure.
SMALL_TICKS = 4
#: The height of a small panel with its x-axis, and its margins, in inches.
PANEL, PANEL_LEFT, PANEL_BOTTOM = 1.2, 0.68, 0.3
#: Points of a line that stands in the background.
FAINT_POINTS = 24
#: Values below the largest by more than this factor are drawn at it.
MOST_RANGE = 1e4
#: Training scalars of this name are the fraction of a layer's neurons that spike in a step.
DENSITY = "density_"

MANY = "A panel for each plugin, since there are more rows than colours."


def by_step(rows: Sequence[NetworkRow]) -> Drawn:
    """The mean over the seeds, between the lowest and the highest seed; one point without time."""
    curves = {row.name: list(filter(None, map(_steps, row.trials))) for row in rows}
    if not any(len(curve) > 1 for each in curves.values() for curve in each):
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
    faint: list[
        tuple[float, float]
    ] = []  # one line with gaps: one of matplotlib's objects, not many
    for each in curves.values():
        faint += [*(mean := _mean(each))[:: -(-len(mean) // FAINT_POINTS)], (float("nan"),) * 2]
    for axes, panel in zip(grid, own, strict=True):
        axes.plot(*zip(*faint, strict=True), color=GRID, lw=0.8, zorder=1)
        for row in panel.rows:
            _band(axes, row, curves[row.name], small=True)
        heading(axes, panel)
        linear(axes.xaxis, whole=True, ticks=SMALL_TICKS)
        linear(axes.yaxis, ticks=SMALL_TICKS)
        axes.set_ylabel("accuracy, %", fontsize=SMALL)
    _name_last(grid, "time steps seen")
    return Drawn(figure, f"{MANY} Grey: all other rows.")


def history(rows: Sequence[NetworkRow]) -> Drawn:
    """A panel for each training scalar, by epoch."""
    return _by_epoch(rows, False, plain)


def activity(rows: Sequence[NetworkRow]) -> Drawn:
    """A panel for each layer: the percentage of its neurons that spike in a step, by epoch."""
    return _by_epoch(rows, True, lambda name: f"{plain(name.removeprefix(DENSITY))}, %")


def scalars(rows: Sequence[NetworkRow], density: bool) -> list[str]:
    """The layers' densities, or the other training scalars of `rows`.

    Loss and accuracy come first, then the others by name, layer10 after layer9.
    """
    found = {name for row in rows for t in row.trials for epoch in t.history for name in epoch}

    def order(name: str) -> tuple[bool, bool, list[int | str]]:
        parts = enumerate(re.split(r"(\d+)", name))
        numbers = [int(part) if place % 2 else part for place, part in parts]
        return name != "loss", name != "accuracy", numbers

    wanted = (name for name in found - {"epoch"} if name.startswith(DENSITY) == density)
    return sorted(wanted, key=order)


def _by_epoch(rows: Sequence[NetworkRow], density: bool, title: Callable[[str], str]) -> Drawn:
    if len(rows) <= MOST_LINES:
        names = scalars(rows, density)
        shown = names[:MOST_PANELS]
        figure, grid = panel_grid(2.7, len(shown), [0.25] * len(shown))
        for axes, name in zip(grid, shown, strict=True):
            added = _epochs(axes, rows, name, density)
            axes.set_title(wrapped(title(name), 30, 1) + added)
            axes.set_xlabel("epoch")
        legend(figure, rows)
        return Drawn(figure, _left_out(names[MOST_PANELS:]))
    own = [(panel, scalars(panel.rows, density)) for panel in panels(rows)]
    most = min(MOST_OWN, max(len(names) for _, names in own))
    most = most if most * len(own) <= MOST_CELLS else 1
    cells = [(panel, n, [*names, ""][n]) for panel, names in own for n in range(most)]
    # Beside its first panel, a plugin's second needs no other heading.
    figure, grid = _small_grid([0.0 if n else heading_height(panel) for panel, n, _ in cells])
    for axes, (panel, place, name) in zip(grid, cells, strict=True):
        if not name:
            axes.remove()
            continue
        if place == 0:
            heading(axes, panel)
        added = _epochs(axes, panel.rows, name, density, small=True)
        label = [wrapped(title(name), 20, 1), *added.removeprefix(", ").split()]
        axes.set_ylabel("\n".join(label), fontsize=SMALL)
    _name_last([axes for axes in grid if axes.figure is not None], "epoch")
    left = dict.fromkeys(name for _, names in own for name in names[most:])
    return Drawn(figure, f"{MANY} {_left_out(list(left))}".strip())


def _epochs(
    axes: Axes, rows: Sequence[NetworkRow], name: str, density: bool, small: bool = False
) -> str:
    """Draws one scalar; what to add to its name."""
    curves = {
        row.name: [
            [
                (epoch.get("epoch", place), epoch[name] * (100 if density else 1))
                for place, epoch in enumerate(trial.history, start=1)
                if name in epoch
            ]
            for trial in row.trials
        ]
        for row in rows
    }
    values = [y for every in curves.values() for curve in every for _, y in curve]
    floor = _floor(values)
    ticks = SMALL_TICKS if small else 8
    added = scale(axes.yaxis, [max(value, floor) for value in values], ticks)
    for row in rows:
        if each := list(filter(None, curves[row.name])):
            above = [[(x, max(y, floor)) for x, y in curve] for curve in each]
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


def _steps(trial: TrialRecord) -> Points:
    """The accuracy by time step, in percent; no points where the trial has none."""
    values = trial.metrics.get("accuracy_by_step")
    return [(n, 100 * v) for n, v in enumerate(values, 1)] if isinstance(values, list) else []


def _mean(curves: Sequence[Points]) -> Points:
    """The mean of `curves`, as far as all of them go."""
    return [
        (points[0][0], sum(y for _, y in points) / len(curves))
        for points in zip(*curves, strict=False)
    ]


def _small_grid(heads: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Small panels, with room for the name of the x-axis below the last line."""
    figure, grid = panel_grid(PANEL, len(heads), heads, PANEL_LEFT, PANEL_BOTTOM)
    grow(figure, BOTTOM - PANEL_BOTTOM)
    for axes in grid:
        axes.tick_params(labelsize=SMALL)
    return figure, grid


def _name_last(grid: Sequence[Axes], x: str) -> None:
    """Names the x-axis of the last line's panels only: it is the same quantity in all."""
    bottoms = [axes.get_position(original=True).y0 for axes in grid]
    for axes, bottom in zip(grid, bottoms, strict=True):
        if bottom < min(bottoms) + 1e-6:
            axes.set_xlabel(x, fontsize=SMALL)


def _left_out(names: Sequence[str]) -> str:
    return f"Not drawn, but in records.jsonl: {', '.join(map(plain, names))}." if names else ""


def _band(axes: Axes, row: NetworkRow, curves: Sequence[Points], small: bool = False) -> None:
    """The mean of the seeds' `curves`, as far as all of them go, between their extremes."""
    x, y = zip(*_mean(curves), strict=True)
    # Hundreds of epochs make a jagged line, which is easier to read thin.
    width = 0.9 if len(x) > 100 else 1.4 if small else 1.8
    marker, size = row.look.marker if len(x) <= 12 else "", 3.5 if small else 5
    colour = row.look.colour
    axes.plot(x, y, color=colour, ls=row.look.dash, lw=width, marker=marker, ms=size)
    if len(curves) > 1 and len(x) > 1:
        columns = [[value for _, value in points] for points in zip(*curves, strict=False)]
        low, high = map(min, columns), map(max, columns)
        axes.fill_between(x, list(low), list(high), color=colour, alpha=0.18, lw=0)
