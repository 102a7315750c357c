"""Which figures there are: what they show, of which rows, and their captions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.report import curves, dots, layers, raster, scaling, tell, tradeoff
from harness.report.panels import best_in_panels
from harness.report.rows import NetworkRow
from harness.report.style import MOST_LINES, Drawn
from harness.results.summary import Summary

R = TypeVar("R")

#: As many rows as a figure with a line for each can show, as many small panels, and rows in these.
MOST_ROWS, MOST_PANELS, MOST_IN_PANELS = 40, 14, 30

#: The metric of each kind of task.
ACCURACY, FIT = "test_accuracy", "van_rossum_loss"


@dataclass(frozen=True)
class Drawing(Generic[R]):
    """One figure of the report.

    `has` says whether a row has something to show, `otherwise` why there is no figure where none
    has. `best` keeps the first of many rows, as many as can be read. `tell` says in words what the
    figure shows of a row. `kind` is the metric of the only kind of task that has this figure.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Sequence[R]], Drawn]
    has: Callable[[R], bool]
    otherwise: str
    tell: Callable[[R], str]
    best: Callable[[Sequence[R]], Sequence[R]] = lambda rows: rows[:MOST_ROWS]
    kind: str = ""


def _measured(*names: str) -> Callable[[NetworkRow], bool]:
    return lambda row: any(map(row.has, names))


def _epochs(density: bool) -> Callable[[NetworkRow], bool]:
    return lambda row: any(
        name != "epoch" and name.startswith(curves.DENSITY) == density
        for name in curves.scalar_names([row])
    )


def _panels(rows: Sequence[NetworkRow]) -> Sequence[NetworkRow]:
    return rows if len(rows) <= MOST_LINES else best_in_panels(rows[:MOST_IN_PANELS], MOST_PANELS)


NETWORKS: tuple[Drawing[NetworkRow], ...] = (
    Drawing(
        "accuracy",
        "Test accuracy",
        "Dot: mean over the seeds, with its 95 % interval. Grey ticks: the single seeds. Hollow "
        "diamond: a reference of that row, such as the network before its conversion.",
        dots.accuracy,
        _measured(ACCURACY),
        "no row has a test accuracy",
        tell.metric(ACCURACY),
        kind=ACCURACY,
    ),
    Drawing(
        "fit",
        "Fit to the target spikes",
        "Dot: mean over the seeds, with its 95 % interval. Grey ticks: the single seeds. 0 is equal "
        "to the target, 1 as good as no output spike at all; further left is better.",
        dots.fit,
        _measured(FIT),
        "no row fits spike trains",
        tell.metric(FIT),
        kind=FIT,
    ),
    Drawing(
        "tradeoff",
        "Accuracy against operations",
        "Up and to the left is better. Accumulates and multiply-accumulates count alike here, "
        "though hardware pays more for the latter; the table has both.",
        tradeoff.tradeoff,
        lambda row: all(map(row.has, tradeoff.BOTH)) and row.value("synops_effective") > 0,
        "no row has both an accuracy and its operations",
        tell.metric(ACCURACY, "synops_effective"),
        kind=ACCURACY,
    ),
    Drawing(
        "latency",
        "Latency of one sample",
        "Measured time, on this machine. Filled: median with its 95 % interval. Hollow: 95th "
        "percentile, where there are enough calls for one.",
        dots.latency,
        _measured("latency_ms"),
        "no row's latency was measured",
        tell.metric("latency_ms", "latency_p95_ms"),
    ),
    Drawing(
        "throughput",
        "Throughput",
        "Filled: inference. Hollow: training. Medians with their 95 % intervals, in batches; "
        "further right is better.",
        dots.throughput,
        _measured("inference_throughput", "train_throughput"),
        "no row's throughput was measured",
        tell.metric("inference_throughput", "train_throughput"),
    ),
    Drawing(
        "steps",
        "Accuracy by time step",
        "Latency in simulated time steps: the prediction after each step. Line: mean over the seeds. "
        "Band: lowest to highest seed. A single point: a network without time.",
        curves.by_step,
        lambda row: any("accuracy_by_step" in trial.metrics for trial in row.trials),
        "no row gives its prediction over time",
        tell.steps,
        _panels,
        ACCURACY,
    ),
    Drawing(
        "raster",
        "Output spikes and their targets",
        "Ticks: target spikes. Dots: output spikes in the same lane; a tick without a dot was missed, a "
        "dot without a tick is extra. Below, faint: the input spikes, the same for the rows above.",
        raster.raster,
        lambda row: bool(raster.first_trial(row)),
        "no row fits spike trains",
        tell.spikes,
        raster.best,
        FIT,
    ),
    Drawing(
        "sparsity",
        "Activation sparsity",
        "Of the trained network, on the test data. Filled: the whole network, with its 95 % interval "
        "over the seeds. Hollow: each layer. Density, as some papers call it, is 100 % minus this.",
        dots.sparsity,
        _measured("activation_sparsity"),
        "no row's activations were recorded",
        tell.metric("activation_sparsity"),
    ),
    Drawing(
        "history",
        "Training history",
        "Means by epoch, over training batches. Line: mean over the seeds. Band: lowest to "
        "highest seed. The losses of different methods are different quantities: compare their "
        "course only. On a logarithmic axis, zeros and values below 1/10 000 of the maximum are drawn at "
        "the lower edge.",
        curves.history,
        _epochs(density=False),
        "no row reported scalars while training",
        tell.course,
        _panels,
    ),
    Drawing(
        "activity",
        "Activity while training",
        "Percentage of a layer's neurons that spike in a step (density), the mean over an epoch's "
        "training batches. Line: mean over the seeds. Band: lowest to highest seed.",
        curves.activity,
        _epochs(density=True),
        "no row reported its layers' activity while training",
        tell.density,
        _panels,
    ),
)

LAYERS: tuple[Drawing[Summary], ...] = (
    Drawing(
        "layers",
        "Total time against the number of neurons",
        "Medians of a forward and a backward pass together, with their 95 % intervals; lower is better. "
        "Dashed grey line: the roofline.",
        scaling.scaling,
        layers.comparable,
        "no layer was both proved equal and timed",
        lambda row: f"{layers.name(row)} {scaling.largest(row)}",
        lambda rows: rows,
    ),
)
