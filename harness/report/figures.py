"""The report's figures: which there are, their captions, and how they become SVG and PNG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from harness.report import curves, dots
from harness.report.rows import Row
from harness.report.style import GRID, INK, MUTED, PAPER, SETTINGS, NoDataError
from harness.report.tables import COLUMNS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The roles' colours on a dark page.
DARK = {INK: "#e6eaee", MUTED: "#98a3af", GRID: "#353d46", PAPER: "#1b2026"}


@dataclass(frozen=True)
class Drawing:
    """One figure of the report; `metric` is the one that its description lists."""

    name: str
    title: str
    caption: str
    draw: Callable[[Sequence[Row]], Figure]
    metric: str = ""


@dataclass(frozen=True)
class Picture:
    """A drawn figure; `alt` tells its content to those who cannot see it."""

    drawing: Drawing
    alt: str
    svg: str
    png: bytes


@dataclass(frozen=True)
class Omitted:
    """A figure for which there is no data."""

    drawing: Drawing
    reason: str


DRAWINGS = (
    Drawing(
        "accuracy",
        "Test accuracy",
        "Dot: mean over the seeds, with its 95 % interval. Grey ticks: the single seeds. Hollow "
        "diamond: a reference of that row, such as the network before its conversion.",
        dots.accuracy,
        "test_accuracy",
    ),
    Drawing(
        "tradeoff",
        "Accuracy against operations",
        "Up and to the left is better. Accumulates and multiply-accumulates count alike here, "
        "though hardware pays more for the latter; the table tells them apart.",
        curves.tradeoff,
        "test_accuracy",
    ),
    Drawing(
        "latency",
        "Latency of one sample",
        "Filled: median with its 95 % interval. Hollow: 95th percentile, where there are enough "
        "calls for one.",
        dots.latency,
        "latency_ms",
    ),
    Drawing(
        "throughput",
        "Throughput",
        "Filled: inference. Hollow: training. Medians with their 95 % intervals, in batches; "
        "further right is better.",
        dots.throughput,
        "inference_throughput",
    ),
    Drawing(
        "steps",
        "Accuracy by time step",
        "The answer after each step. Line: mean over the seeds. Band: lowest to highest seed. "
        "A single point: a network without time.",
        curves.by_step,
    ),
    Drawing(
        "sparsity",
        "Activation sparsity",
        "Filled: the whole network, with its 95 % interval over the seeds. Hollow: each layer.",
        dots.sparsity,
        "activation_sparsity",
    ),
    Drawing(
        "history",
        "Training history",
        "Means by epoch, over training batches. Line: mean over the seeds. Band: lowest to "
        "highest seed. The losses of different methods are different quantities: compare their "
        "course only.",
        curves.history,
    ),
)


def draw_figures(rows: Sequence[Row]) -> Iterator[Picture | Omitted]:
    """Every figure, or why it is left out."""
    for drawing in DRAWINGS:
        try:
            svg, png = _render(drawing, rows)
        except NoDataError as nothing:
            yield Omitted(drawing, str(nothing))
        else:
            yield Picture(drawing, _described(drawing, rows), svg, png)


def themed(svg: str) -> str:
    """`svg` for the page: its ink and paper follow the reader's light or dark theme.

    A file for other programs keeps plain colours: most of them know no CSS variables.
    """
    for place, colour in enumerate(DARK):
        svg = svg.replace(colour, f"var(--c{place})")
    light, dark = (
        "".join(f"--c{place}:{colour};" for place, colour in enumerate(theme))
        for theme in (DARK, DARK.values())
    )
    style = f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return svg.replace("<defs>", f"<defs><style>{style}</style>", 1)


def _described(drawing: Drawing, rows: Sequence[Row]) -> str:
    """The names of the rows, with the figure's main number where it has one."""
    shown = [row for row in rows if row.has(drawing.metric or "test_accuracy")]
    column = next((column for column in COLUMNS if column.metric == drawing.metric), None)
    parts = [
        f"{row.name} {column.show(row.summary, column.metric)}" if column else row.name
        for row in shown
    ]
    return f"{drawing.title}: {'; '.join(parts)}"


def _render(drawing: Drawing, rows: Sequence[Row]) -> tuple[str, bytes]:
    from matplotlib import rc_context

    svg, png = io.StringIO(), io.BytesIO()
    with rc_context(cast(Any, SETTINGS)), warnings.catch_warnings():
        # A plugin's name may hold characters that the font lacks: boxes, then, and no crash.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure = drawing.draw(rows)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    return svg.getvalue(), png.getvalue()
