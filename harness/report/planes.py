"""Points in a plane: accuracy against operations, a layer's time against its number of neurons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.layers import by_density, density_name, size, timing_of, total
from harness.report.looks import looks
from harness.report.numbers import grouped, plain
from harness.report.rows import INK, MUTED, NetworkRow, interval
from harness.report.style import (
    MOST_LINES,
    Drawn,
    accuracies,
    legend,
    legend_below,
    logarithmic,
    panel_grid,
    scale,
)
from harness.results.summary import Summary

BOTH = ("test_accuracy", "synops_effective")

#: Where a number may stand beside its point, in points of 1/72 inch, the nearest places first.
WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.7), (-0.8, 0.7), (0.8, -0.7), (-0.8, -0.7))
PLACES = np.concatenate([distance * np.array(WAYS) for distance in (9, 15, 22, 30)])
#: The size of a number of one or two digits, and its distance from the frame.
NUMBER, MARGIN = (12.0, 9.0), 4


def tradeoff(rows: Sequence[NetworkRow]) -> Drawn:
    """Accuracy against effective synaptic operations."""
    many = len(rows) > MOST_LINES
    figure, (axes,) = panel_grid(5.0 if many else 3.3)
    points = []
    for row in rows:
        x, y, look = row.value("synops_effective"), 100 * row.value("test_accuracy"), row.look
        width = 0.7 if many else 1.4
        if ends := row.ends("test_accuracy", 100):
            axes.plot((x, x), ends, color=look.colour, lw=width)
        if ends := row.ends("synops_effective"):
            axes.plot(ends, (y, y), color=look.colour, lw=width)
        axes.plot(x, y, look.marker, color=look.colour, ms=6 if many else 8)
        points.append((x, y))
    added = scale(axes.xaxis, [x for x, _ in points])
    axes.set_xlabel(f"effective synaptic operations a sample{added}")
    axes.margins(0.12)
    axes.set_ylabel(f"test accuracy, %{accuracies(axes.yaxis, [y for _, y in points])}")
    legend(figure, rows, lines=False, numbers=many)
    if not many:
        return Drawn(figure)
    _number(figure, axes, points)
    return Drawn(figure, "The numbers count the rows of the table; the legend names them.")


def _number(figure: Figure, axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Numbers from 1 beside `points`, each where it covers no other number and no point."""
    axes.get_xlim(), axes.get_ylim()  # settles the limits, hence the places
    points_of = 72 / figure.dpi
    inner = axes.get_window_extent().get_points() * points_of + (
        (MARGIN, MARGIN),
        (-MARGIN, -MARGIN),
    )
    centres = axes.transData.transform(points) * points_of
    taken = list(centres)
    for number, centre in enumerate(centres, start=1):
        spots = centre + PLACES
        crowd = (np.abs(spots[:, None] - taken) < NUMBER).all(axis=2).sum(axis=1).astype(float)
        crowd[((spots < inner[0]) | (spots > inner[1])).any(axis=1)] = np.inf  # outside the axes
        offset = PLACES[crowd.argmin()]  # the first, that is the nearest, of the best
        taken.append(centre + offset)
        line = {"arrowstyle": "-", "color": MUTED, "lw": 0.6, "shrinkA": 4}
        axes.annotate(
            str(number),
            points[number - 1],
            offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8,
            color=INK,
            arrowprops=line if np.abs(offset).max() > 12 else None,
        )


def scaling(rows: Sequence[Summary]) -> Drawn:
    """A panel for each density, both axes logarithmic."""
    groups = by_density(rows)
    figure, panels = panel_grid(3.2, len(groups), [0.25] * len(groups))
    names = sorted({row.row.plugin for row in rows})
    for axes, group in zip(panels, groups, strict=True):
        _panel(axes, group, names)
        axes.set_title(density_name(size(group[0]).density).capitalize())
    named = (zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels)
    lines = {label: line for each in named for line, label in each}  # each framework's once
    legend_below(figure, list(lines.values()), list(lines), 3)
    return Drawn(figure)


def largest(row: Summary) -> str:
    """The total of a layer, for those who cannot see the figure."""
    inputs = density_name(size(row).density)
    return f"of {_neurons(row)} neurons with {inputs} {total(row):.3g} ms"


def _neurons(row: Summary) -> int:
    return size(row).neurons


def _panel(axes: Axes, rows: Sequence[Summary], names: Sequence[str]) -> None:
    frameworks = grouped((row.row.plugin, row) for row in sorted(rows, key=_neurons))
    for name, style in zip(names, looks(names), strict=True):
        own = frameworks.get(name, [])
        if own:
            points = list(map(_neurons, own)), list(map(total, own))
            look_of, label = style.dash + style.marker, f" {plain(name)}"
            axes.plot(*points, look_of, color=style.colour, ms=5, label=label)
        for row in own:
            if ends := interval(row.cells["total_ms"]):
                axes.plot([_neurons(row)] * 2, ends, color=style.colour, label="_interval")
    bounds = {_neurons(row): timing_of(row).metrics.get("total_bound_ms") for row in rows}
    sizes = sorted(bounds)
    if drawn := [(n, bounds[n]) for n in sizes if bounds[n] is not None]:
        axes.plot(*zip(*drawn), color=MUTED, ls="--", marker="_", label="roofline")
    logarithmic(axes.xaxis)
    logarithmic(axes.yaxis)
    axes.set_xticks(sizes, list(map(str, sizes)))
    axes.set(xlabel="neurons", ylabel="forward and backward, ms")
