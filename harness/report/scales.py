"""Axes whose numbers can be read: linear, logarithmic, logarithmic in the error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.report.numbers import tick

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.ticker import Locator

ACCURACY_TICKS = (0, 20, 40, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9)


def linear(axis: Axis, whole: bool = False, ticks: int = 8) -> None:
    """At most `ticks` round ticks, at `whole` numbers only."""
    from matplotlib.ticker import MaxNLocator

    _ticks(axis, MaxNLocator(nbins=ticks, steps=[1, 2, 5, 10], integer=whole))


def logarithmic(axis: Axis, few_decades: bool = False) -> None:
    """A tick for each decade, or three of a few."""
    from matplotlib.ticker import LogLocator

    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    _ticks(axis, LogLocator(subs=(1.0, 2.0, 5.0) if few_decades else (1.0,)))


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
    from matplotlib.ticker import FixedLocator
    from numpy import log10, maximum

    errors = [100 - value for value in percents]
    if not (min(errors) > 0 and max(errors) > 10 * min(errors)):
        linear(axis)
        return ""
    best = min(errors) / 2  # intervals may reach up to 100 %, which has no place on such an axis
    functions = (lambda x: -log10(maximum(100 - x, best)), lambda y: 100 - 10**-y)
    across = axis is axis.axes.xaxis
    (axis.axes.set_xscale if across else axis.axes.set_yscale)("function", functions=functions)
    low, high = 100 - 1.3 * max(errors), 100 - best
    (axis.axes.set_xlim if across else axis.axes.set_ylim)(low, high)
    _ticks(axis, FixedLocator([t for t in ACCURACY_TICKS if low <= t <= high]))
    return ", its error logarithmic"


def _ticks(axis: Axis, locator: Locator) -> None:
    """Ticks at these places only: they are what takes most of the time of a figure."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    axis.set_major_locator(locator)
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axis.set_minor_locator(NullLocator())
