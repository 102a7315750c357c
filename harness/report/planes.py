"""Points in a plane: accuracy against operations, a layer's time against its number of neurons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.layers import by_density, density_name, size, timing_of, total
from harness.report.numbers import plain
from harness.report.rows import NetworkRow, interval, look
from harness.report.scales import accuracies, logarithmic, scale
from harness.report.style import INK, MOST_LINES, MUTED, Drawn, legend, legend_below, panel_grid
from harness.results.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOTH = ("test_accuracy", "synops_effective")

#: Where a number may stand beside its point, in points of 1/72 inch, the nearest places first.
WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.7), (-0.8, 0.7), (0.8, -0.7), (-0.8, -0.7))
PLACES = [(distance * x, distance * y) for distance in (9, 15, 22, 30) for x, y in WAYS]
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
    return Drawn(figure, "The numbers are the rows' places by accuracy; the legend names them.")


def _number(figure: Figure, axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Numbers from 1 beside `points`, each where it covers no other number and no point."""
    axes.get_xlim(), axes.get_ylim()  # settles the limits, hence the places
    inner = axes.get_window_extent().padded(-MARGIN * figure.dpi / 72)
    centres = [(x, y) for x, y in axes.transData.transform(points) * 72 / figure.dpi]
    taken = list(centres)
    for number, (x, y) in enumerate(centres, start=1):

        def crowding(offset: tuple[float, float], x: float = x, y: float = y) -> float:
            """How many things the number would cover there; outside the axes it may not be."""
            a, b = x + offset[0], y + offset[1]
            if not inner.contains(a * figure.dpi / 72, b * figure.dpi / 72):
                return float("inf")
            near = [abs(a - c) < NUMBER[0] and abs(b - d) < NUMBER[1] for c, d in taken]
            return near.count(True)

        offset = min(PLACES, key=crowding)  # the first, that is the nearest, of the best
        taken.append((x + offset[0], y + offset[1]))
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
            arrowprops=line if max(map(abs, offset)) > 12 else None,
        )


def scaling(rows: Sequence[Summary]) -> Drawn:
    """A panel for each density, both axes logarithmic."""
    groups = by_density(rows)
    figure, panels = panel_grid(3.2, len(groups), [0.25] * len(groups))
    names = sorted({row.row.plugin for row in rows})
    for axes, group in zip(panels, groups, strict=True):
        _panel(axes, group, names)
        axes.set_title(density_name(size(group[0]).density).capitalize())
    lines = {  # a framework may have figures in one panel only
        str(line.get_label()): line
        for axes in panels
        for line in axes.get_lines()
        if not str(line.get_label()).startswith("_")
    }
    legend_below(figure, list(lines.values()), list(lines), columns=3)
    return Drawn(figure)


def largest(row: Summary) -> str:
    """The total of a layer, for those who cannot see the figure."""
    return (
        f"of {size(row).neurons} neurons with {density_name(size(row).density)} {total(row):.3g} ms"
    )


def _panel(axes: Axes, rows: Sequence[Summary], names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        own = sorted(
            (row for row in rows if row.row.plugin == name), key=lambda row: size(row).neurons
        )
        style, places, totals = (
            look(place),
            [size(row).neurons for row in own],
            list(map(total, own)),
        )
        if own:
            axes.plot(places, totals, style.dash + style.marker, color=style.colour, ms=5)
            axes.lines[-1].set_label(f" {plain(name)}")
        for x, row in zip(places, own, strict=True):
            if ends := interval(row.cells["total_ms"]):
                axes.plot([x, x], ends, color=style.colour, label="_interval")
    bounds = {size(row).neurons: timing_of(row).metrics.get("total_bound_ms") for row in rows}
    sizes = sorted(bounds)
    drawn = [(n, bounds[n]) for n in sizes if bounds[n] is not None]
    if drawn:
        axes.plot(*zip(*drawn), color=MUTED, ls="--", marker="_", label="roofline")
    logarithmic(axes.xaxis)
    logarithmic(axes.yaxis)
    axes.set_xticks(sizes, list(map(str, sizes)))
    axes.set_xlabel("neurons")
    axes.set_ylabel("forward and backward, ms")
