"""What all figures share: layout in inches, names, readable axes. No pyplot, hence no global state."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib import ticker
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.scale import FuncScale
from matplotlib.textpath import text_to_path

from harness.report.numbers import plain, tick
from harness.report.rows import NetworkRow

#: All figures' width, and the room around panels, in inches.
WIDTH = 5.8
LEFT, RIGHT, TOP, BOTTOM = 0.75, 0.12, 0.1, 0.55

#: The sizes of a font in points: of all texts, as in figures.mplstyle, and of those in small panels.
FONT, SMALL = 10, 8

ACCURACY_TICKS = (0, 20, 40, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9)

#: More rows than these are not drawn over each other: too few colours can be told apart.
MOST_LINES = 8


class Drawn(NamedTuple):
    """A figure, and what its caption says besides, of just this figure."""

    figure: Figure
    remark: str = ""


def panel_grid(
    height: float,
    panels: int = 1,
    heads: Sequence[float] = (),
    left: float = LEFT,
    bottom: float = BOTTOM,
) -> tuple[Figure, list[Axes]]:
    """A figure of `panels`, two a line, each line `height` high, its x-axis and heading included.

    All figures are equally wide, so that their text is equally large. `heads` is the room that each
    panel's heading takes above the axes. The layout is computed here and not by matplotlib's layout
    engines, which draw a figure several times to find it.
    """
    columns = min(panels, 2)
    starts = range(0, panels, columns)
    wide, size = WIDTH / columns, (WIDTH / columns - left - RIGHT, height - bottom)
    above = [max([*heads[start : start + columns], 0.0]) for start in starts]
    full = sum(above) + height * len(above) + TOP
    figure = Figure(figsize=(WIDTH, full))
    made, top = [], full - TOP
    for start, head in zip(starts, above, strict=True):
        for column in range(min(columns, panels - start)):
            x, y = column * wide + left, top - head - height + bottom
            axes = figure.add_axes((x / WIDTH, y / full, size[0] / WIDTH, size[1] / full))
            axes.yaxis.label.set_verticalalignment("top")
            axes.yaxis.set_label_coords(-(min(left, LEFT) - 0.04) / size[0], 0.5)
            axes.xaxis.set_label_coords(0.5, -(BOTTOM - 0.17) / size[1])
            made.append(axes)
        top -= head + height
    return figure, made


def grow(figure: Figure, below: float) -> None:
    """Makes room of `below` inches at the lower edge; the panels keep their size."""
    before = figure.get_figheight()
    after = before + below
    figure.set_figheight(after)
    for axes in figure.axes:
        box = axes.get_position(original=True)
        bottom = (box.y0 * before + below) / after
        axes.set_position((box.x0, bottom, box.width, box.height * before / after))


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = FONT) -> float:
    """The width of the widest line of `text`, in inches."""
    font = FontProperties(size=size)
    widths = [
        text_to_path.get_text_width_height_descent(line, font, False)[0]
        for line in text.split("\n")
    ]
    return float(max(widths)) / 72


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


def one_line_each(rows: Sequence[NetworkRow], least: float = 0.42) -> tuple[Figure, Axes]:
    """A figure of one panel with a horizontal line for each of `rows`, the first on top."""
    labels = [wrapped(row.name) for row in rows]
    line = max(least, 0.17 * max(label.count("\n") + 1 for label in labels))
    return named_lines(labels, line)


def named_lines(labels: Sequence[str], line: float) -> tuple[Figure, Axes]:
    """The same with labels as they are, and lines that are `line` inches high."""
    left = 0.15 + max(text_width(label) for label in labels)
    figure, (axes,) = panel_grid(BOTTOM + line * len(labels), left=left)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return figure, axes


def handle(row: NetworkRow, size: float = 5, line: bool = True) -> Line2D:
    """A row's look, for a legend."""
    dash = row.look.dash if line else ""
    return Line2D([], [], color=row.look.colour, marker=row.look.marker, ls=dash, ms=size)


def legend(
    figure: Figure, rows: Sequence[NetworkRow], lines: bool = True, numbers: bool = False
) -> None:
    """The rows' looks below the panels, for which the figure grows; with `numbers` from 1."""
    columns = 1 if max(len(row.name) for row in rows) > 30 else 2
    names = [wrapped(row.name, 62 // columns, 2) for row in rows]
    if numbers:
        names = [f"{number}  {name}" for number, name in enumerate(names, start=1)]
    legend_below(figure, [handle(row, line=lines) for row in rows], names, columns)


def legend_below(
    figure: Figure, handles: Sequence[Artist], names: Sequence[str], columns: int
) -> None:
    """A legend below the panels, for which the figure grows."""
    each = [0.2 + 0.16 * name.count("\n") for name in names]
    lines = -(-len(each) // columns)
    # matplotlib fills the columns one after the other.
    highest = max(sum(each[start : start + lines]) for start in range(0, len(each), lines))
    grow(figure, 0.1 + highest)
    figure.legend(
        handles, names, loc="lower left", bbox_to_anchor=(0, 0), ncols=columns, borderaxespad=0.2
    )


def linear(axis: Axis, whole: bool = False, ticks: int = 8) -> None:
    """At most `ticks` round ticks, at `whole` numbers only."""
    _ticks(axis, ticker.MaxNLocator(nbins=ticks, steps=[1, 2, 5, 10], integer=whole))


def logarithmic(axis: Axis, few_decades: bool = False) -> None:
    """A tick for each decade, or three of a few."""
    _set(axis, scale="log")
    _ticks(axis, ticker.LogLocator(subs=(1.0, 2.0, 5.0) if few_decades else (1.0,)))


def scale(axis: Axis, values: Iterable[float], ticks: int = 8) -> str:
    """Makes `axis` logarithmic where `values` span more than 10x; what to add to its label."""
    values = list(values)
    if not (values and min(values) > 0 and max(values) > 10 * min(values)):
        linear(axis, ticks=ticks)
        return ""
    logarithmic(axis, max(values) < 300 * min(values))
    return ", logarithmic"


def accuracies(axis: Axis, percents: Iterable[float]) -> str:
    """Makes `axis` logarithmic in the error where errors span more than 10x; what to add to its label.

    Otherwise one row near chance would push all good ones into one place.
    """
    errors = [100 - value for value in percents]
    if not (min(errors) > 0 and max(errors) > 10 * min(errors)):
        linear(axis)
        return ""
    best = min(errors) / 2  # intervals may reach up to 100 %, which has no place on such an axis
    functions = (lambda x: -np.log10(np.maximum(100 - x, best)), lambda y: 100 - 10**-y)
    low, high = 100 - 1.3 * max(errors), 100 - best
    _set(axis, scale=FuncScale(axis, functions), lim=(low, high))
    _ticks(axis, ticker.FixedLocator([t for t in ACCURACY_TICKS if low <= t <= high]))
    return ", its error logarithmic"


def _ticks(axis: Axis, locator: ticker.Locator) -> None:
    """Ticks at these places only: they are what takes most of the time of a figure."""
    axis.set_major_locator(locator)
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: tick(value)))
    axis.set_minor_locator(ticker.NullLocator())


def _set(axis: Axis, **values: Any) -> None:
    letter = "x" if axis is axis.axes.xaxis else "y"
    axis.axes.set(**{f"{letter}{name}": value for name, value in values.items()})
