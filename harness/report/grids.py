"""A plugin's accuracy over its presets and a swept parameter, as a grid of numbers on colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from matplotlib.patches import Rectangle

from harness.plugin.contract import Value
from harness.report.numbers import grouped, plain
from harness.report.rows import PAPER, NetworkRow
from harness.report.style import BOTTOM, LEFT, SMALL, WIDTH, Drawn, panel_grid, text_width
from harness.results.record import Cited

ACCURACY = "test_accuracy"

#: As many settings as can be read below and beside each other.
MOST_LINES, MOST_COLUMNS = 24, 8
#: The height of a line in inches; and from which accuracy on its number is white on blue.
LINE, DARK = 0.46, 0.6
#: The colours of no and of full accuracy, and of numbers on them: not those that a dark theme replaces.
PALE, FULL = (0.93, 0.95, 0.97), (0.0, 0.447, 0.698)
BLACK, WHITE = "#11161c", "#fffffe"


def shown(rows: Sequence[NetworkRow]) -> Sequence[NetworkRow]:
    """The rows of the plugin with the largest grid: at least two presets by two swept values."""
    plugins = grouped((row.row.contender, row) for row in rows if row.row.swept)
    grids = [
        own
        for own in plugins.values()
        if 2 <= len(_presets(own)) <= MOST_LINES and 2 <= len(columns(own)) <= MOST_COLUMNS
    ]
    return max(grids, key=len, default=())


def grid(rows: Sequence[NetworkRow]) -> Drawn:
    """Mean test accuracy in % of each setting; below it what its source reports, where it does."""
    presets, places = _presets(rows), columns(rows)
    names = list(presets)
    left = 0.15 + max(LEFT, *(text_width(plain(name), SMALL) for name in names))
    figure, (axes,) = panel_grid(BOTTOM + LINE * len(names), left=min(left, WIDTH / 2))
    for row in rows:
        x, y = places[_column(row)], names.index(row.row.preset)
        value = row.value(ACCURACY)
        colour = [p + value * (f - p) for p, f in zip(PALE, FULL, strict=True)]
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor=PAPER))
        text = f"{100 * value:.2f}{' refuted' if row.refuted else ''}"
        if reported := _reported(row):
            text += f"\n({100 * reported:.2f})"
        ink = WHITE if value >= DARK else BLACK
        axes.text(x, y, text, color=ink, size=SMALL, ha="center", va="center", linespacing=1.2)
    axes.set(xlim=(-0.5, len(places) - 0.5), ylim=(len(names) - 0.5, -0.5))
    axes.set_xticks(list(places.values()), [", ".join(map(str, values)) for values in places])
    axes.set_yticks(range(len(names)), [plain(name) for name in names], size=SMALL)
    axes.set_xlabel(plain(", ".join(rows[0].row.swept)))
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    cited = any(map(_reported, rows))
    return Drawn(figure, "In parentheses: what the source reports." if cited else "")


def _presets(rows: Sequence[NetworkRow]) -> dict[str, Mapping[str, Value]]:
    """The presets by name, ordered by the parameters in which they differ."""
    params: dict[str, Mapping[str, Value]] = {row.row.preset: row.row.params for row in rows}
    names = {name for values in params.values() for name in values} - set(rows[0].row.swept)
    differing = [
        name for name in sorted(names) if len({str(p.get(name)) for p in params.values()}) > 1
    ]
    # A setting that is written as text says more than a number does: thresholds of all layers.
    differing.sort(key=lambda name: not any(isinstance(p.get(name), str) for p in params.values()))
    ordered = sorted(params, key=lambda preset: [_key(params[preset].get(n)) for n in differing])
    return {preset: params[preset] for preset in ordered}


def columns(rows: Sequence[NetworkRow]) -> dict[tuple[Value, ...], int]:
    """The combinations of the swept values, each with its column."""
    combinations = sorted({_column(row) for row in rows}, key=lambda c: [_key(v) for v in c])
    return {values: place for place, values in enumerate(combinations)}


def _column(row: NetworkRow) -> tuple[Value, ...]:
    return tuple(row.row.swept.values())


def _key(value: Value | None) -> tuple[Iterable[float], str]:
    """Sorts by the numbers in a value, then by its text."""
    text = str(value)
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)], text


def _reported(row: NetworkRow) -> float:
    cited: Cited | None = row.trials[0].source if row.trials else None
    return (cited.accuracy or 0.0) if cited else 0.0
