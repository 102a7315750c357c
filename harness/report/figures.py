"""The report's figures: which there are, their captions, and how they become SVG and PNG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from harness.report import curves, dots, raster, tradeoff
from harness.report.rows import Row
from harness.report.style import GRID, INK, MUTED, PAPER, SETTINGS, Drawn, NoDataError
from harness.report.tell import Tell, course, density, metric, spikes, steps

#: The roles' colours on a dark page.
DARK = {INK: "#e6eaee", MUTED: "#98a3af", GRID: "#353d46", PAPER: "#1b2026"}


@dataclass(frozen=True)
class Drawing:
    """One figure of the report; `tell` says in words what it shows of a row, "" for nothing.

    `kind` is the metric without which a task is of another kind, in which nobody misses this figure.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Sequence[Row]], Drawn]
    tell: Tell
    kind: str = ""


@dataclass(frozen=True)
class Picture:
    """A drawn figure; `alt` tells its content to those who cannot see it."""

    drawing: Drawing
    caption: str
    alt: str
    svg: str
    png: bytes


@dataclass(frozen=True)
class Omitted:
    """A figure for which there is no data; `missed` where a task of this kind could have it."""

    drawing: Drawing
    reason: str
    missed: bool = True


#: The metric of each kind of task.
ACCURACY, FIT = "test_accuracy", "van_rossum_loss"

DRAWINGS = (
    Drawing(
        "accuracy",
        "Test accuracy",
        "Dot: mean over the seeds, with its 95 % interval. Grey ticks: the single seeds. Hollow "
        "diamond: a reference of that row, such as the network before its conversion.",
        dots.accuracy,
        metric(ACCURACY),
        ACCURACY,
    ),
    Drawing(
        "fit",
        "Fit to the target spikes",
        "Dot: mean over the seeds, with its 95 % interval. Grey ticks: the single seeds. 0 is equal "
        "to the target, 1 as good as no output spike at all; further left is better.",
        dots.fit,
        metric(FIT),
        FIT,
    ),
    Drawing(
        "tradeoff",
        "Accuracy against operations",
        "Up and to the left is better. Accumulates and multiply-accumulates count alike here, "
        "though hardware pays more for the latter; the table tells them apart.",
        tradeoff.tradeoff,
        metric(*tradeoff.BOTH),
        ACCURACY,
    ),
    Drawing(
        "latency",
        "Latency of one sample",
        "By the clock, on this machine. Filled: median with its 95 % interval. Hollow: 95th percentile, "
        "where there are enough calls for one.",
        dots.latency,
        metric("latency_ms"),
    ),
    Drawing(
        "throughput",
        "Throughput",
        "Filled: inference. Hollow: training. Medians with their 95 % intervals, in batches; "
        "further right is better.",
        dots.throughput,
        metric("inference_throughput", "train_throughput"),
    ),
    Drawing(
        "steps",
        "Accuracy by time step",
        "Latency in simulated steps: the answer after each of them. Line: mean over the seeds. Band: "
        "lowest to highest seed. A single point: a network without time.",
        curves.by_step,
        steps,
        ACCURACY,
    ),
    Drawing(
        "raster",
        "Output spikes and their targets",
        "Ticks: target spikes. Dots: output spikes in the same lane; a tick without a dot was missed, a "
        "dot without a tick is extra. Below, faint: the input spikes, the same for the rows above.",
        raster.raster,
        spikes,
        FIT,
    ),
    Drawing(
        "sparsity",
        "Activation sparsity",
        "Of the trained network, on the test data. Filled: the whole network, with its 95 % interval "
        "over the seeds. Hollow: each layer. Density, as some sources call it, is 100 % less this.",
        dots.sparsity,
        metric("activation_sparsity"),
    ),
    Drawing(
        "history",
        "Training history",
        "Means by epoch, over training batches. Line: mean over the seeds. Band: lowest to "
        "highest seed. The losses of different methods are different quantities: compare their "
        "course only. On a logarithmic axis, a 0 and what is 10 000 times below the highest value lie "
        "on the lower edge.",
        curves.history,
        course,
    ),
    Drawing(
        "activity",
        "Activity while training",
        "Percentage of a layer's neurons that spike in a step (density), the mean over an epoch's "
        "training batches. Line: mean over the seeds. Band: lowest to highest seed.",
        curves.activity,
        density,
    ),
)


def draw_figures(rows: Sequence[Row]) -> Iterator[Picture | Omitted]:
    """Every figure, or why it is left out."""
    for drawing in DRAWINGS:
        try:
            remark, svg, png = _render(drawing, rows)
        except NoDataError as nothing:
            kinds = {name for name in (ACCURACY, FIT) for row in rows if row.has(name)}
            yield Omitted(drawing, str(nothing), not kinds or drawing.kind in {"", *kinds})
        else:
            caption = f"{drawing.caption} {remark}".strip()
            yield Picture(drawing, caption, _described(drawing, rows), svg, png)


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
    """The rows that it shows, with their main numbers."""
    parts = [f"{row.name} {told}" for row in rows if (told := drawing.tell(row))]
    return f"{drawing.title}: {'; '.join(parts)}"


def _render(drawing: Drawing, rows: Sequence[Row]) -> tuple[str, str, bytes]:
    from matplotlib import rc_context

    svg, png = io.StringIO(), io.BytesIO()
    with rc_context(cast(Any, SETTINGS)), warnings.catch_warnings():
        # A plugin's name may hold characters that the font lacks: boxes, then, and no crash.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure, remark = drawing.draw(rows)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.set_layout_engine("none")  # found once, it stays: it takes seconds of many panels
        figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    return remark, svg.getvalue(), png.getvalue()
