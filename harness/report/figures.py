"""Which figures there are, and how they become files: each drawn once, as SVG and as PNG.

A figure that fails costs only itself. The words of all figures are in prose.toml.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context, rc_params_from_file

from harness.report import curves, dots, grids, layers, planes, raster, series
from harness.report.content import PROSE, Omitted, Picture
from harness.report.numbers import plain, show
from harness.report.renderer import svg_and_png
from harness.report.rows import NetworkRow, ordered_by
from harness.report.style import MOST_LINES, Drawn
from harness.results.metrics import METRICS
from harness.results.summary import Summary

SETTINGS = rc_params_from_file(Path(__file__).with_suffix(".mplstyle"), use_default_template=False)

#: As many rows as a figure with a line for each can show, as many small panels, and rows in these.
MOST_ROWS, MOST_PANELS, MOST_IN_PANELS = 40, 14, 30

#: The metric of each kind of task.
ACCURACY, FIT = "test_accuracy", "van_rossum_loss"
SPARSITY, STEP = "activation_sparsity", "decision_step"


@dataclass(frozen=True)
class Drawing:
    """One figure of the report, of networks' rows or of layers' summaries.

    `has` says whether a row has something to show, `tell` in words what the figure shows of a row,
    for those who cannot see it. `best` keeps the first of many rows, as many as can be read.
    """

    name: str
    draw: Callable[[Sequence[Any]], Drawn]
    has: Callable[[Any], object]
    tell: Callable[[Any], str]
    best: Callable[[Sequence[Any]], Sequence[Any]] = lambda rows: rows[:MOST_ROWS]

    @property
    def words(self) -> dict[str, Any]:
        """Its title and caption, and `otherwise` why there is no figure where no row has any.

        `kind` is the metric of the only kind of task that has this figure; one that is not `missed` is
        left out without a word.
        """
        return {"kind": "", "missed": True, **PROSE["figures"][self.name]}


def _in_panels(rows: Sequence[NetworkRow]) -> Sequence[NetworkRow]:
    return (
        rows
        if len(rows) <= MOST_LINES
        else curves.best_in_panels(rows[:MOST_IN_PANELS], MOST_PANELS)
    )


def _any(*names: str) -> Callable[[Summary], bool]:
    """Rows with any of the metrics."""
    return lambda row: any(map(row.has, names))


def _numbers(*names: str) -> Callable[[Summary], str]:
    """A row's metrics as in the table, the first without its name."""
    titles = {name: f"{METRICS[name].title} " for name in names} | {names[0]: ""}
    return lambda row: ", ".join(
        f"{title}{show(row.cells[name], name)}" for name, title in titles.items() if row.has(name)
    )


def _scalars(row: NetworkRow, density: bool) -> str:
    """The first and the last mean of each training scalar."""
    parts = []
    for name in series.scalars([row], density):
        ends = [curve[[0, -1], 1] for curve in series.scalar(row, name)]
        first, last = np.mean(ends, axis=0)
        title = plain(name.removeprefix(series.DENSITY))
        parts.append(f"{title} {first:.3g} to {last:.3g}{' %' if density else ''}")
    return ", ".join(parts)


def _steps(row: NetworkRow) -> str:
    """The accuracy of the last step, and the step from which on it is stable."""
    decided = f", decision step {row.value(STEP):.3g}" if row.has(STEP) else ""
    return f"{show(row.cells.get(ACCURACY), ACCURACY).value}{decided}"


def _under_change(row: NetworkRow) -> str:
    """The accuracy without and under the greatest strength of each change."""
    parts = []
    for name, title in series.changes([row]).items():
        first, last = np.mean([c[[0, -1], 1] for c in series.under_change(row, name)], axis=0)
        parts.append(f"{title}: {first:.1f} to {last:.1f} %")
    return ", ".join(parts)


def _spikes(row: NetworkRow) -> str:
    """How many spikes the row's first seed was to emit, and how many it did."""
    (trial,) = series.first_trial(row)
    wanted, sent = (sum(map(len, trial.raster.get(name, []))) for name in ("target", "output"))
    return f"{sent} output spikes for {wanted} targets"


def _both(row: NetworkRow) -> bool:
    return all(map(row.has, planes.BOTH)) and row.value("synops_effective") > 0


def _over_time(rows: Sequence[NetworkRow]) -> Sequence[NetworkRow]:
    """No row where none gives its prediction over time."""
    shown = _in_panels(rows)
    timed = any(len(curve) > 1 for row in shown for curve in series.steps(row))
    return shown if timed else ()


def _by_epoch(name: str, density: bool) -> Drawing:
    return Drawing(
        name,
        partial(curves.by_epoch, density=density),
        lambda row: series.scalars([row], density),
        partial(_scalars, density=density),
        _in_panels,
    )


NETWORKS = (
    Drawing("accuracy", dots.accuracy, _any(ACCURACY), _numbers(ACCURACY)),
    Drawing("grid", grids.grid, _any(ACCURACY), _numbers(ACCURACY), grids.shown),
    Drawing("fit", dots.fit, _any(FIT), _numbers(FIT)),
    Drawing("tradeoff", planes.tradeoff, _both, _numbers(*planes.BOTH)),
    Drawing("latency", dots.latency, _any("latency_ms"), _numbers(*dots.LATENCIES)),
    Drawing("throughput", dots.throughput, _any(*dots.THROUGHPUTS), _numbers(*dots.THROUGHPUTS)),
    Drawing("steps", curves.by_step, series.steps, _steps, _over_time),
    Drawing(
        "strengths",
        curves.by_strength,
        lambda row: series.changes([row]),
        _under_change,
        _in_panels,
    ),
    Drawing("raster", raster.raster, series.first_trial, _spikes, raster.best),
    Drawing("sparsity", dots.sparsity, _any(SPARSITY), _numbers(SPARSITY)),
    _by_epoch("history", density=False),
    _by_epoch("activity", density=True),
)
LAYERS = (
    Drawing(
        "layers",
        planes.scaling,
        layers.comparable,
        lambda row: f"{layers.name(row)} {planes.largest(row)}",
        best=lambda rows: rows,
    ),
)


def draw_figures(
    networks: Sequence[NetworkRow], of_layers: Sequence[Summary]
) -> Iterator[Picture | Omitted]:
    """Every figure of the kinds of rows that there are, or why it is left out."""
    kinds = {name for name in (ACCURACY, FIT) if any(row.has(name) for row in networks)}
    for drawing in NETWORKS if networks else ():
        missed = drawing.words["missed"] and (not kinds or drawing.words["kind"] in {"", *kinds})
        yield _draw(drawing, networks, missed)
    for drawing in LAYERS if of_layers else ():
        yield _draw(drawing, of_layers)


def _draw(drawing: Drawing, rows: Sequence[Any], missed: bool = True) -> Picture | Omitted:
    """One figure, of those of `rows` that it can show; whatever goes wrong is the reason for none."""
    name, words = drawing.name, drawing.words
    title = words["title"]
    try:
        having = [row for row in rows if drawing.has(row)]
        if not (shown := drawing.best(having) if having else ()):
            return Omitted(name, title, words["otherwise"], missed)
        with settings():
            figure, remark = drawing.draw(shown)
            svg, png = svg_and_png(figure)
    except Exception as error:
        reason = plain(f"it could not be drawn: {type(error).__name__}: {error}")
        return Omitted(name, title, reason)
    left_out = "" if len(shown) == len(having) else _left_out(shown, len(having))
    caption = " ".join(filter(None, (words["caption"], remark, left_out)))
    texts = ((getattr(row, "name", ""), plain(drawing.tell(row))) for row in shown)
    alt = "; ".join(f"{name} {text}".strip() for name, text in texts if text)
    return Picture(name, title, caption, f"{title}: {alt}", svg, png)


def _left_out(shown: Sequence[Any], of: int) -> str:
    if ordered_by(shown) == ACCURACY:
        return f"The {len(shown)} most accurate of {of} rows."
    return f"The first {len(shown)} of {of} rows, in the order of the table."


@contextmanager
def settings() -> Iterator[None]:
    """The settings in which figures are made and drawn."""
    with rc_context(SETTINGS), warnings.catch_warnings():
        # A plugin's name may hold characters that the font lacks: boxes, then, and no crash.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield
