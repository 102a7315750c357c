"""What all figures share: settings, row labels, axes. No pyplot, hence no global state."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from harness.report.numbers import plain, tick
from harness.report.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

#: Colours that stand for a role: the page replaces them in a dark theme (see `figures.themed`).
INK, MUTED, GRID, PAPER = "#20262d", "#66707c", "#dde2e7", "#ffffff"
WIDTH = 5.8

SETTINGS: dict[str, Any] = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "both",
    "axes.axisbelow": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "figure.facecolor": PAPER,
    "font.size": 10,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "path",  # looks the same wherever the page is opened
    "svg.hashsalt": "harness",  # the same records make the same file
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a plugin's name is a dollar sign
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}


class NoDataError(Exception):
    """A figure has no data; says which, in half a sentence."""


def new_figure(height: float, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of `panels`, two a line, all figures equally wide so that their text is too."""
    from matplotlib.figure import Figure

    lines, columns = (panels + 1) // 2, min(panels, 2)
    figure = Figure(figsize=(WIDTH, height * lines), layout="constrained")
    return figure, [figure.add_subplot(lines, columns, place + 1) for place in range(panels)]


def wrapped(text: str, width: int = 22, lines: int = 3) -> str:
    """A name on a few short lines; of a longer one the middle is left out."""
    text, kept = plain(text), width * lines
    folded = textwrap.wrap(text, width)
    while len(folded) > lines:
        kept -= 1
        folded = textwrap.wrap(
            f"{text[: kept // 2]}\N{HORIZONTAL ELLIPSIS}{text[-(kept // 2) :]}", width
        )
    # matplotlib leaves a legend's entry out whose name starts with an underscore.
    return "\n".join(f" {line}" if line.startswith("_") else line for line in folded)


def one_row_each(axes: Axes, labels: Sequence[str]) -> None:
    """A horizontal line for each label, the first on top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def linear(axis: Axis, whole: bool = False) -> None:
    """A few round ticks, at `whole` numbers only."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10], integer=whole))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def scale(axis: Axis, values: Iterable[float]) -> str:
    """Makes `axis` logarithmic where `values` span more than 10x; what to add to its label."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    values = list(values)
    if not (values and min(values) > 0 and max(values) > 10 * min(values)):
        linear(axis)
        return ""
    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    few_decades = max(values) < 300 * min(values)
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few_decades else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axis.set_minor_formatter(NullFormatter())
    return ", logarithmic"


def legend(figure: Figure, rows: Sequence[Row]) -> None:
    """The rows' looks below the panels, for which the figure grows."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=row.look.colour, marker=row.look.marker, ls=row.look.dash, ms=5)
        for row in rows
    ]
    columns = 1 if max(len(row.name) for row in rows) > 30 else 2
    names = [wrapped(row.name, 62 // columns, 2) for row in rows]
    lines = sum(name.count("\n") + 1 for name in names) / columns
    figure.set_figheight(figure.get_figheight() + 0.21 * lines)
    figure.legend(handles, names, loc="outside lower left", ncols=columns)
