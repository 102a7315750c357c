"""A forecast in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.report.numbers import counted

if TYPE_CHECKING:
    from harness.coordinator.forecast import Forecast


def forecast_lines(forecast: Forecast) -> Iterator[str]:
    """The rows with their trials and the seconds of one, and the time of the whole run."""
    wide = max((len(row.name) for row in forecast.rows), default=0)
    for row in forecast.rows:
        seconds = row.reason if row.seconds is None else f"about {spoken(row.seconds)} each"
        yield f"{row.name.ljust(wide)}  {counted(row.trials, 'trial')}, {seconds}"
    unknown = sum(row.seconds is None for row in forecast.rows)
    measuring = forecast.measuring_seconds
    part = f", {spoken(measuring)} of it measuring" if measuring else ""
    without = f"; without {counted(unknown, 'row')} that cannot run" if unknown else ""
    yield (
        f"{counted(len(forecast.rows), 'row')}, {counted(forecast.trials, 'trial')}, "
        f"{forecast.jobs} at once: about {spoken(forecast.seconds)}{part}{without}"
    )
    yield "nothing was kept (--dry-run)"


def spoken(seconds: float) -> str:
    """A time in the unit that fits it: a forecast has no more than two digits."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
