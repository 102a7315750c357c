"""What all figures share: settings, row labels, axes. No pyplot, hence no global state."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.report.numbers import plain, tick
from harness.report.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

#: Colours that stand for a role: the page replaces them in a dark theme (see `figures.themed`).
INK, MUTED, GRID, PAPER = "#20262d", "#66707c", "#dde2e7", "#ffffff"
#: All figures' width, and the height that the x-axis takes of one with a line for each row.
WIDTH, MARGIN = 5.8, 0.95

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


ACCURACY_TICKS = (0, 20, 40, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9)
#: More rows than these are not laid over each other: too few colours can be told apart.
MOST_LINES = 8


class Drawn(NamedTuple):
    """A figure, and what its caption says besides, of just this figure."""

    figure: Figure
    remark: str = ""


class NoDataError(Exception):
    """A figure has no data; says which, in half a sentence."""


def new_figure(height: float, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of `panels`, two a line, all figures equally wide so that their text is too."""
    from matplotlib.figure import Figure

    lines, columns = (panels + 1) // 2, min(panels, 2)
    figure = Figure(figsize=(WIDTH, height * lines), layout="constrained")
    return figure, [figure.add_subplot(lines, columns, place + 1) for place in range(panels)]


def wrapped(text: str, width: int = 28, lines: int = 3) -> str:
    """A name on a few short lines; of a longer one the middle is left out."""
    fold = textwrap.TextWrapper(width, break_on_hyphens=False).wrap
    text, kept = plain(text), width * lines
    folded = fold(text)
    while len(folded) > lines:
        kept -= 1
        folded = fold(f"{text[: kept // 2]}\N{HORIZONTAL ELLIPSIS}{text[-(kept // 2) :]}")
    # matplotlib leaves a legend's entry out whose name starts with an underscore.
    return "\n".join(f" {line}" if line.startswith("_") else line for line in folded)


def one_line_each(rows: Sequence[Row], least: float = 0.42) -> tuple[Figure, Axes]:
    """A figure of one panel with a line for each of `rows`, named at the left."""
    labels = [wrapped(row.name) for row in rows]
    line = max(least, 0.17 * max(label.count("\n") + 1 for label in labels))
    figure, (axes,) = new_figure(MARGIN + line * len(rows))
    one_row_each(axes, labels)
    return figure, axes


def one_row_each(axes: Axes, labels: Sequence[str]) -> None:
    """A horizontal line for each label, the first on top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def linear(axis: Axis, whole: bool = False, ticks: int = 8) -> None:
    """At most `ticks` round ticks, at `whole` numbers only."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=ticks, steps=[1, 2, 5, 10], integer=whole))
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


def accuracies(axis: Axis, percents: Iterable[float]) -> str:
    """Makes `axis` logarithmic in the error where errors span more than 10x; what to add to its label.

    One row near chance would else push all good ones into one place.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
    from numpy import log10, maximum

    errors = [100 - value for value in percents]
    if not (min(errors) > 0 and max(errors) > 10 * min(errors)):
        linear(axis)
        return ""
    best = min(errors) / 2  # intervals may reach up to 100 %, which has no place on such an axis
    functions = (lambda x: -log10(maximum(100 - x, best)), lambda y: 100 - 10**-y)
    across = axis is axis.axes.xaxis
    (axis.axes.set_xscale if across else axis.axes.set_yscale)("function", functions=functions)
    ends = (100 - 1.3 * max(errors), 100 - best)
    (axis.axes.set_xlim if across else axis.axes.set_ylim)(*ends)
    axis.set_major_locator(FixedLocator([t for t in ACCURACY_TICKS if ends[0] <= t <= ends[1]]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axis.set_minor_locator(NullLocator())
    return ", its error logarithmic"


def handle(row: Row, size: float = 5, line: bool = True) -> Line2D:
    """A row's look, for a legend."""
    from matplotlib.lines import Line2D

    look, dash = row.look, row.look.dash if line else ""
    return Line2D([], [], color=look.colour, marker=look.marker, ls=dash, ms=size)


def legend(figure: Figure, rows: Sequence[Row], lines: bool = True, numbers: bool = False) -> None:
    """The rows' looks below the panels, for which the figure grows; with `numbers` from 1."""
    handles = [handle(row, line=lines) for row in rows]
    columns = 1 if max(len(row.name) for row in rows) > 30 else 2
    names = [wrapped(row.name, 62 // columns, 2) for row in rows]
    if numbers:
        names = [f"{number}  {name}" for number, name in enumerate(names, start=1)]
    height = 0.21 * sum(name.count("\n") + 1 for name in names) / columns
    figure.set_figheight(figure.get_figheight() + height)
    figure.legend(handles, names, loc="outside lower left", ncols=columns)
