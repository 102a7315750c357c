"""From records to the points of lines: by time step and by epoch, of one seed and of all."""

from __future__ import annotations

from collections.abc import Sequence

Points = Sequence[tuple[float, float]]

#: Points of a line that stands in the background.
FAINT_POINTS = 24


def one_line(curves: Sequence[Points]) -> Points:
    """All curves, thinned out, as one line with gaps: one of matplotlib's objects instead of many."""
    points: list[tuple[float, float]] = []
    for curve in curves:
        points += [*curve[:: -(-len(curve) // FAINT_POINTS)], (float("nan"), float("nan"))]
    return points


def mean(curves: Sequence[Points]) -> Points:
    """The mean of `curves`, as far as all of them go."""
    length = min(map(len, curves))
    return [
        (curves[0][i][0], sum(points[i][1] for points in curves) / len(curves))
        for i in range(length)
    ]


def steps(values: object) -> Points:
    """An accuracy by time step, in percent; no points where `values` are none."""
    if not isinstance(values, list):
        return []
    return [(step, 100 * value) for step, value in enumerate(values, start=1)]


def course(epochs: Sequence[dict[str, float]], name: str, factor: float) -> Points:
    """One training scalar by epoch."""
    return [
        (epoch.get("epoch", place), factor * epoch[name])
        for place, epoch in enumerate(epochs, start=1)
        if name in epoch
    ]
