"""The figure of layers: total time against the number of neurons, with the roofline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.layers import by_density, density, density_name, neurons, timing_of, total
from harness.report.numbers import plain, tick
from harness.report.rows import look
from harness.report.style import MUTED, Drawn, legend_below, panel_grid
from harness.results.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def scaling(rows: Sequence[Summary]) -> Drawn:
    """A panel for each density, both axes logarithmic."""
    groups = by_density(rows)
    figure, panels = panel_grid(3.2, len(groups), [0.25] * len(groups))
    names = sorted({row.row.plugin for row in rows})
    for axes, group in zip(panels, groups, strict=True):
        _panel(axes, group, names)
        axes.set_title(density_name(density(group[0])).capitalize())
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
    return f"of {neurons(row)} neurons with {density_name(density(row))} {total(row):.3g} ms"


def _panel(axes: Axes, rows: Sequence[Summary], names: Sequence[str]) -> None:
    from matplotlib.ticker import FuncFormatter, NullLocator

    sizes = sorted({neurons(row) for row in rows})
    for place, name in enumerate(names):
        own = sorted((row for row in rows if row.row.plugin == name), key=neurons)
        if not own:
            continue
        style, places = look(place), [neurons(row) for row in own]
        axes.plot(
            places,
            [total(row) for row in own],
            color=style.colour,
            marker=style.marker,
            ls=style.dash,
            ms=5,
            label=f" {plain(name)}",
        )
        for x, row in zip(places, own, strict=True):
            cell = row.cells["total_ms"]
            if cell.low is not None and cell.high is not None:
                ends = [cell.low, cell.high]
                axes.plot([x, x], ends, color=style.colour, label="_interval")
    bounds = {neurons(row): timing_of(row).metrics.get("total_bound_ms") for row in rows}
    drawn = [(size, bounds[size]) for size in sizes if bounds[size] is not None]
    if drawn:
        axes.plot(*zip(*drawn), color=MUTED, ls="--", marker="_", label="roofline")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("neurons")
    axes.set_ylabel("forward and backward, ms")
