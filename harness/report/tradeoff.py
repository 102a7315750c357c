"""Accuracy against operations: a point a row, with numbers where there are too many for a legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.rows import NetworkRow
from harness.report.scales import accuracies, scale
from harness.report.style import (
    INK,
    MOST_LINES,
    MUTED,
    Drawn,
    legend,
    panel_grid,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOTH = ("test_accuracy", "synops_effective")

#: Where a number may stand beside its point, in points of 1/72 inch, the nearest places first.
PLACES = [
    (distance * x, distance * y)
    for distance in (9, 15, 22, 30)
    for x, y in (
        (1, 0),
        (-1, 0),
        (0, 1),
        (0, -1),
        (0.8, 0.7),
        (-0.8, 0.7),
        (0.8, -0.7),
        (-0.8, -0.7),
    )
]
#: Half the size of a number of one or two digits.
HALF = (6.0, 4.5)


def tradeoff(rows: Sequence[NetworkRow]) -> Drawn:
    """Accuracy against effective synaptic operations."""
    many = len(rows) > MOST_LINES
    figure, (axes,) = panel_grid(5.0 if many else 3.3)
    points = []
    for row in rows:
        x, y, look = row.value("synops_effective"), 100 * row.value("test_accuracy"), row.look
        for name, factor in zip(BOTH, (100, 1), strict=True):
            cell = row.summary.cells[name]
            if cell.low is not None and cell.high is not None:
                ends = (factor * cell.low, factor * cell.high)
                places = ((x, x), ends) if name == "test_accuracy" else (ends, (y, y))
                axes.plot(*places, color=look.colour, lw=0.7 if many else 1.4)
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
    centres = [
        (72 * x / figure.dpi, 72 * y / figure.dpi) for x, y in axes.transData.transform(points)
    ]
    box = axes.get_window_extent()
    width, height = 72 * box.width / figure.dpi, 72 * box.height / figure.dpi
    left, bottom = 72 * box.x0 / figure.dpi, 72 * box.y0 / figure.dpi
    taken = list(centres)
    for number, (x, y) in enumerate(centres, start=1):

        def crowding(offset: tuple[float, float], x: float = x, y: float = y) -> float:
            """How many things the number would cover there; outside the axes it may not be."""
            a, b = x + offset[0], y + offset[1]
            if not (left + 4 < a < left + width - 4 and bottom + 4 < b < bottom + height - 4):
                return float("inf")
            return float(
                sum(abs(a - c) < 2 * HALF[0] and abs(b - d) < 2 * HALF[1] for c, d in taken)
            )

        offset = min(PLACES, key=crowding)  # the first, that is the nearest, of the best
        taken.append((x + offset[0], y + offset[1]))
        far = max(map(abs, offset)) > 12
        text = axes.annotate(
            str(number),
            points[number - 1],
            offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8,
            color=INK,
            arrowprops={"arrowstyle": "-", "color": MUTED, "lw": 0.6, "shrinkA": 4}
            if far
            else None,
        )
        text.set_in_layout(False)
