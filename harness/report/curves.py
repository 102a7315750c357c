"""Lines: accuracy by time step, training scalars and the layers' activity by epoch.

Many rows become many small panels: those of one plugin share one, so that its settings compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report import style
from harness.report.numbers import grouped, plain
from harness.report.rows import GRID, NetworkRow
from harness.report.series import (
    DENSITY,
    Curve,
    changes,
    over_seeds,
    scalar,
    scalars,
    steps,
    under_change,
)

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
#: More lines than these in one small panel hide each other.
MOST_IN_PANEL = 4
MANY = "A panel for each plugin, since there are more rows than colours."


def by_step(rows: Sequence[NetworkRow]) -> style.Drawn:
    """The mean over the seeds, between the lowest and the highest seed; one point without time."""
    if len(rows) <= style.MOST_LINES:
        figure, (axes,) = style.panel_grid(3.3)
        for row in rows:
            _band(axes, row, steps(row))
        style.linear(axes.xaxis, whole=True)
        axes.set_xlabel("time steps seen")
        axes.set_ylabel("test accuracy, %")
        style.legend(figure, rows)
        return style.Drawn(figure)
    faint = []  # one line with gaps: one of matplotlib's objects, not many
    for row in rows:
        mean = over_seeds(steps(row)).mean(0)
        faint += [*mean[:: -(-len(mean) // FAINT_POINTS)], (np.nan, np.nan)]

    def draw(axes: Axes, of_panel: Sequence[NetworkRow], name: str) -> str:
        axes.plot(*np.transpose(faint), color=GRID, lw=0.8, zorder=1)
        for row in of_panel:
            _band(axes, row, steps(row), small=True)
        style.linear(axes.xaxis, whole=True, ticks=SMALL_TICKS)
        style.linear(axes.yaxis, ticks=SMALL_TICKS)
        return name

    figure, _ = _small_panels(rows, lambda _: ["accuracy, %"], draw, "time steps seen")
    return style.Drawn(figure, f"{MANY} Grey: all other rows.")


def by_strength(rows: Sequence[NetworkRow]) -> style.Drawn:
    """A panel for each change of the test samples: accuracy by its strength."""
    titles = changes(rows)
    names = list(titles)
    left = names[MOST_PANELS:]

    def lines(axes: Axes, some: Sequence[NetworkRow], name: str, small: bool) -> None:
        for row in some:
            if each := under_change(row, name):
                _band(axes, row, each, small)
        ticks = SMALL_TICKS if small else 8
        style.linear(axes.xaxis, ticks=ticks)
        style.linear(axes.yaxis, ticks=ticks)

    if len(rows) <= style.MOST_LINES:
        shown = names[:MOST_PANELS]
        figure, grid = style.panel_grid(2.7, len(shown))
        for axes, name in zip(grid, shown, strict=True):
            lines(axes, rows, name, small=False)
            axes.set_xlabel(style.wrapped(titles[name], 40, 1))
            axes.set_ylabel("test accuracy, %")
        style.legend(figure, rows)
    else:

        def draw(axes: Axes, of_panel: Sequence[NetworkRow], name: str) -> str:
            lines(axes, of_panel, name, small=True)
            return f"accuracy, %\n{style.wrapped(titles[name], 24, 1)}"

        figure, left = _small_panels(rows, lambda some: list(changes(some)), draw, "strength")
    undrawn = ", ".join(titles[name] for name in left)
    remark = f"Not drawn, but in records.jsonl: {undrawn}." if left else ""
    many = "" if len(rows) <= style.MOST_LINES else MANY
    return style.Drawn(figure, f"{many} {remark}".strip())


def by_epoch(rows: Sequence[NetworkRow], density: bool) -> style.Drawn:
    """A panel for each layer's density, or for each other training scalar."""
    if len(rows) <= style.MOST_LINES:
        names = scalars(rows, density)
        left, shown = names[MOST_PANELS:], names[:MOST_PANELS]
        figure, grid = style.panel_grid(2.7, len(shown), [0.25] * len(shown))
        for axes, name in zip(grid, shown, strict=True):
            added = _epochs(axes, rows, name)
            axes.set_title(style.wrapped(_title(name), 30, 1) + added)
            axes.set_xlabel("epoch")
        style.legend(figure, rows)
    else:

        def draw(axes: Axes, of_panel: Sequence[NetworkRow], name: str) -> str:
            added = _epochs(axes, of_panel, name, small=True).removeprefix(", ")
            return "\n".join((style.wrapped(_title(name), 20, 1), *added.split()))

        figure, left = _small_panels(rows, lambda some: scalars(some, density), draw, "epoch")
    remark = f"Not drawn, but in records.jsonl: {', '.join(map(plain, left))}." if left else ""
    return style.Drawn(
        figure, remark if len(rows) <= style.MOST_LINES else f"{MANY} {remark}".strip()
    )


def _title(name: str) -> str:
    short = plain(name.removeprefix(DENSITY))
    return f"{short}, %" if name.startswith(DENSITY) else short


def _epochs(axes: Axes, rows: Sequence[NetworkRow], name: str, small: bool = False) -> str:
    """Draws one scalar; what to add to its name."""
    curves = [scalar(row, name) for row in rows]
    values = np.concatenate([curve[:, 1] for each in curves for curve in each])
    floor, ticks = values.min(), SMALL_TICKS if small else 8
    if floor >= 0 and values.max() > 0:
        # A loss of 0 has no place on a logarithmic axis.
        floor = max(values[values > 0].min(), values.max() / MOST_RANGE)
    added = style.scale(axes.yaxis, np.maximum(values, floor), ticks)
    for row, each in zip(rows, curves, strict=True):
        if each:
            _band(axes, row, [np.maximum(curve, (-np.inf, floor)) for curve in each], small)
    style.linear(axes.xaxis, whole=True, ticks=ticks)
    if axes.get_xlim()[1] < 2:
        axes.set_xlim(0, 2)
    return added


def _small_panels(
    rows: Sequence[NetworkRow],
    names: Callable[[Sequence[NetworkRow]], list[str]],
    draw: Callable[[Axes, Sequence[NetworkRow], str], str],
    x: str,
) -> tuple[Figure, list[str]]:
    """Small panels for each plugin, one for each of the first `names`; and the names left out.

    `draw` draws one and returns what its y-axis is called.
    """
    own = [(panel, names(panel.rows)) for panel in panels(rows)]
    most = min(MOST_OWN, max(len(names) for _, names in own))
    most = most if most * len(own) <= MOST_CELLS else 1
    cells = [(panel, n, [*names, ""][n]) for panel, names in own for n in range(most)]
    # Beside its first panel, a plugin's second needs no other heading.
    heads = [0.0 if n else heading_height(panel) for panel, n, _ in cells]
    figure, grid = style.panel_grid(PANEL, len(heads), heads, PANEL_LEFT, PANEL_BOTTOM)
    style.grow(
        figure, style.BOTTOM - PANEL_BOTTOM
    )  # room for the name of the x-axis below the last line
    for axes, (panel, place, name) in zip(grid, cells, strict=True):
        if not name:
            axes.remove()
            continue
        if place == 0:
            heading(axes, panel)
        axes.tick_params(labelsize=style.SMALL)
        axes.set_ylabel(draw(axes, panel.rows, name), fontsize=style.SMALL)
    # The x-axis is the same quantity in all panels: those of the last line name it.
    bottoms = [axes.get_position(original=True).y0 for axes in figure.axes]
    for axes, bottom in zip(figure.axes, bottoms, strict=True):
        if bottom < min(bottoms) + 1e-6:
            axes.set_xlabel(x, fontsize=style.SMALL)
    return figure, list(dict.fromkeys(name for _, names in own for name in names[most:]))


def _band(axes: Axes, row: NetworkRow, curves: Sequence[Curve], small: bool = False) -> None:
    """The mean of the seeds' `curves`, as far as all of them go, between their extremes."""
    each = over_seeds(curves)
    x, y = each[0, :, 0], each[:, :, 1]
    # Hundreds of epochs make a jagged line, which is easier to read thin.
    width = 0.9 if len(x) > 100 else 1.4 if small else 1.8
    marker, size = row.look.marker if len(x) <= 12 else "", 3.5 if small else 5
    colour = row.look.colour
    axes.plot(x, y.mean(0), color=colour, ls=row.look.dash, lw=width, marker=marker, ms=size)
    if len(curves) > 1 and len(x) > 1:
        axes.fill_between(x, y.min(0), y.max(0), color=colour, alpha=0.18, lw=0)


class Panel(NamedTuple):
    """Rows of one plugin; `names` holds what tells several apart, in `columns` of a style.legend."""

    title: str
    rows: Sequence[NetworkRow]
    names: Sequence[str] = ()
    columns: int = 1


def panels(rows: Sequence[NetworkRow]) -> list[Panel]:
    """`rows` by plugin, in the order of each plugin's first row; several panels where they are many."""
    plugins = grouped((plain(row.row.contender), row) for row in rows)
    return [
        _panel(plugin, members[start : start + MOST_IN_PANEL])
        for plugin, members in plugins.items()
        for start in range(0, len(members), MOST_IN_PANEL)
    ]


def _panel(plugin: str, rows: Sequence[NetworkRow]) -> Panel:
    if len(rows) == 1:
        return Panel(style.wrapped(rows[0].name, 36, 2), rows)
    short = [row.name.removeprefix(plugin).strip().removeprefix("preset=") for row in rows]
    names = [name or row.name for name, row in zip(short, rows, strict=True)]
    columns = 2 if max(map(len, names)) <= 16 else 1
    names = [style.wrapped(name, 34 // columns, 1) for name in names]
    return Panel(style.wrapped(plugin, 36, 1), rows, names, columns)


def best_in_panels(rows: Sequence[NetworkRow], most: int) -> Sequence[NetworkRow]:
    """The first of `rows` that fit into `most` panels."""
    count = min(len(rows), most * MOST_IN_PANEL)
    while len(panels(rows[:count])) > most:
        count -= 1
    return rows[:count]


def heading_height(panel: Panel) -> float:
    """The height that `heading` takes, in inches."""
    if not panel.names:
        return 0.08 + 0.15 * (panel.title.count("\n") + 1)
    return 0.27 + 0.15 * -(-len(panel.names) // panel.columns)


def heading(axes: Axes, panel: Panel) -> None:
    """Names `panel` and its lines above `axes`."""
    if not panel.names:
        axes.set_title(panel.title, fontsize=style.SMALL + 1)
        return
    axes.legend(
        [style.handle(row, 3.5) for row in panel.rows],
        panel.names,
        title=panel.title,
        title_fontsize=style.SMALL + 1,
        fontsize=style.SMALL,
        ncols=panel.columns,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        alignment="left",
        borderpad=0.2,
        borderaxespad=0.2,
        labelspacing=0.2,
        columnspacing=1.2,
        handlelength=2.4,
    )
