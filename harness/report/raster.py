"""Spikes over time: those that were wanted, those that came, and the input below."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.plugin.contract import Task
from harness.report.numbers import grouped
from harness.report.rows import INK, MUTED, NetworkRow
from harness.report.series import MOST_INPUTS, first_trial
from harness.report.style import RIGHT, TOP, WIDTH, Drawn, linear, text_width, wrapped
from harness.results.record import TrialRecord

#: As many rows and output neurons as can be told apart in one figure.
MOST_ROWS, MOST_LANES = 14, 60
INPUT_HEIGHT, LEAST_HEIGHT, LANE = 0.9, 0.5, 0.13
#: The room below the lowest panel and between panels, in inches.
AXIS, GAP = 0.5, 0.07


def raster(rows: Sequence[NetworkRow]) -> Drawn:
    """Each row's first seed, a lane for each output neuron; rows on one pattern share its input."""
    shown = [(row, trial) for row in rows for trial in first_trial(row)]
    patterns = grouped((repr(itemgetter("input", "target")(t.raster)), (r, t)) for r, t in shown)
    heights = []
    for members in patterns.values():
        heights += [sum(_height(trial) for _, trial in members), INPUT_HEIGHT]
    full = sum(heights) + TOP + AXIS + GAP * len(heights)
    names = (wrapped(row.name) for row, _ in shown)
    left = 0.15 + max(map(text_width, (*names, f"{MOST_INPUTS} of 9999 neurons")))
    figure = Figure(figsize=(WIDTH, full))
    room = {"left": left / WIDTH, "right": 1 - RIGHT / WIDTH}
    room |= {"top": 1 - TOP / full, "bottom": (AXIS + GAP) / full}
    room["hspace"] = GAP * len(heights) / sum(heights)
    grid = figure.subplots(len(heights), sharex=True, height_ratios=heights, gridspec_kw=room)
    for members, outputs, inputs in zip(patterns.values(), grid[::2], grid[1::2], strict=True):
        _outputs(outputs, members)
        _inputs(inputs, members[0][1].raster["input"])
    linear(grid[-1].xaxis)
    grid[-1].set_xlabel("time, ms")
    seeds = sorted({trial.seed for _, trial in shown})
    return Drawn(figure, f"Seed {', '.join(map(str, seeds))}.")


def best(rows: Sequence[NetworkRow]) -> Sequence[NetworkRow]:
    """As many of `rows` as can be told apart in one figure."""
    lanes = max(len(trial.raster["target"]) for row in rows for trial in first_trial(row))
    return rows[: max(1, min(MOST_ROWS, MOST_LANES // max(lanes, 1)))]


def _height(trial: TrialRecord) -> float:
    return max(LEAST_HEIGHT, LANE * len(trial.raster["target"]) + 0.1)


def _outputs(axes: Axes, members: Sequence[tuple[NetworkRow, TrialRecord]]) -> None:
    """A block for each row, its name at the left; in it a lane for each output neuron."""
    top, middles = 0.0, []
    for row, trial in members:
        height = _height(trial)
        middles.append(top + height / 2)
        targets, outputs = trial.raster["target"], trial.raster.get("output", [])
        lane = (height - 0.1) / len(targets)
        for neuron, times in enumerate(targets):
            y, half = top + 0.05 + (neuron + 0.5) * lane, min(0.45 * lane, 0.14)
            axes.vlines(_ms(times), y - half, y + half, color=INK, lw=1.1)
            if neuron < len(outputs):
                sent = _ms(outputs[neuron])
                size = 5 if half > 0.1 else 3
                axes.plot(sent, [y] * len(sent), "o", color=row.look.colour, ms=size, alpha=0.85)
        top += height
        axes.axhline(top, color=MUTED, lw=0.4)
    axes.set_ylim(top, 0)
    axes.set_yticks(middles, [wrapped(row.name) for row, _ in members])
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines[["left", "bottom"]].set_visible(False)


def _inputs(axes: Axes, trains: Sequence[Sequence[int]]) -> None:
    shown = trains[:MOST_INPUTS]
    spikes = [(time, neuron) for neuron, times in enumerate(shown) for time in _ms(times)]
    if spikes:
        axes.plot(*zip(*spikes, strict=True), "o", color=MUTED, ms=1.1, mew=0, alpha=0.8)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    of = f" of {len(trains)}" if len(shown) < len(trains) else ""
    axes.set_yticks([(len(shown) - 1) / 2], [f"input,\n{len(shown)}{of} neurons"])
    axes.tick_params(axis="y", length=0, labelcolor=MUTED)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def _ms(steps: Sequence[int]) -> list[float]:
    """Records count in steps, which have the contract's length in every task so far."""
    return [step * Task.step_ms for step in steps]
