"""The history of a metric: a table for the terminal, and a drawing of small panels."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from harness.report.changes import document, table_html
from harness.report.numbers import plain, show
from harness.results.history import Point, Track
from harness.results.metrics import METRICS
from harness.results.statistics import Cell

#: A panel's size and margins, and how many stand side by side, in pixels.
WIDTH, HEIGHT, MARGIN, ACROSS = 340, 130, 28, 3
_COLOURS = {"better": "#009e73", "worse": "#d55e00"}


def lines(tracks: Sequence[Track], metric: str) -> list[tuple[str, str, str, str, str]]:
    """(row, runs, first, last, steps) for each track."""
    return [
        (
            plain(track.row),
            str(len(track.points)),
            _value(track.points[0], metric),
            _value(track.points[-1], metric),
            "; ".join(step_text(point, metric) for point in track.steps) or "none",
        )
        for track in tracks
    ]


def step_text(point: Point, metric: str) -> str:
    """`worse at 3f9c2ab41d of 2026-01-15: 95.0 %`."""
    where = point.commit or plain(point.run)
    when = f" of {plain(point.started)[:10]}" if point.started else ""
    return f"{point.step} at {plain(where)}{when}: {_value(point, metric)}"


def drawing(tracks: Sequence[Track], metric: str) -> str:
    """A panel for each row as SVG: the metric over the runs, with its interval; steps have a colour."""
    rows = -(-len(tracks) // ACROSS)
    size = f"{ACROSS * WIDTH} {max(rows, 1) * HEIGHT}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" font-family="sans-serif" '
        'font-size="11" fill="#66707c">'
    ]
    for place, track in enumerate(tracks):
        left, top = place % ACROSS * WIDTH, place // ACROSS * HEIGHT
        parts.append(f'<g transform="translate({left} {top})">{_panel(track, metric)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def page(tracks: Sequence[Track], metric: str) -> str:
    """The drawing and the table as a page that asks the network for nothing."""
    title = f"{METRICS[metric].title} over {max((len(t.points) for t in tracks), default=0)} runs"
    table = table_html(("Row", "Runs", "First", "Last", "Steps"), lines(tracks, metric))
    return document(title, [f"<h1>{escape(title)}</h1>", drawing(tracks, metric), *table])


def _panel(track: Track, metric: str) -> str:
    points = track.points
    ends = [e for p in points for e in (p.value, p.low, p.high) if e is not None]
    low, high = min(ends), max(ends)
    span = high - low or abs(high) or 1.0

    def x(place: int) -> float:
        inner = WIDTH - 2 * MARGIN
        return MARGIN + inner * (place / (len(points) - 1) if len(points) > 1 else 0.5)

    def y(value: float) -> float:
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (value - low) / span

    parts = [f'<text x="{MARGIN}" y="14" fill="currentColor">{escape(plain(track.row))}</text>']
    path = " ".join(f"{x(place):.1f},{y(p.value):.1f}" for place, p in enumerate(points))
    parts.append(f'<polyline points="{path}" fill="none" stroke="#0072b2"/>')
    for place, point in enumerate(points):
        if point.low is not None and point.high is not None:
            parts.append(
                f'<line x1="{x(place):.1f}" x2="{x(place):.1f}" y1="{y(point.low):.1f}" '
                f'y2="{y(point.high):.1f}" stroke="#0072b2" stroke-opacity="0.4"/>'
            )
        colour = _COLOURS.get(point.step or "", "#0072b2")
        radius = 5 if point.step in _COLOURS else 2.5
        title = escape(f"{plain(point.run)} {point.commit}: {_value(point, metric)}")
        parts.append(
            f'<circle cx="{x(place):.1f}" cy="{y(point.value):.1f}" r="{radius}" fill="{colour}">'
            f"<title>{title}</title></circle>"
        )
    names = [escape(plain(p.commit or p.run)[:10]) for p in (points[0], points[-1])]
    parts.append(f'<text x="{MARGIN}" y="{HEIGHT - 6}">{names[0]}</text>')
    if len(points) > 1:
        last = f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - 6}" text-anchor="end">{names[1]}</text>'
        parts.append(last)
    return "".join(parts)


def _value(point: Point, metric: str) -> str:
    return str(show(Cell(point.value, point.low, point.high), metric))
