"""What a metric's author declares, and what the host hands over for it. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Generator, Tensor

#: What a change is made to: the samples before they are encoded, or the spikes that come of them.
INPUTS: Literal["inputs"] = "inputs"
SPIKES: Literal["spikes"] = "spikes"


#: The units of metrics.
Unit = Literal[
    "fraction", "ms", "s", "steps", "number", "count", "per second", "bytes", "nJ", "J", "flops",
    "bytes per second",
]  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A change of the test samples under which the host evaluates every trained network again.

    `apply(values, strength, generator)` returns changed values of the same shape; it must not write to
    `values`. With `of` "inputs" they are samples [B, *input_shape] in [0, 1], and what is returned is
    clipped to that; with "spikes" they are encoded, [T, B, ...]. `generator` lives on the CPU and is
    seeded by seed, change and strength, so that all rows get the same draws: draw on the CPU, then move.
    `Unsupported` says why a row cannot be evaluated so. `strengths` ascend and are above 0: unchanged
    samples are evaluated anyway. `title` names the strength on the axis of its curve.
    """

    name: str
    title: str
    strengths: tuple[float, ...]
    apply: Callable[[Tensor, float, Generator], Tensor]
    of: Literal["inputs", "spikes"] = INPUTS


@dataclass(frozen=True)
class Evidence:
    """What one trained network answered to the N test samples of a classification.

    `labels` [N] are the true classes, `predictions` [N] those after the last step, `by_step` [T, N] after
    each ([1, N] of a network that answers once); all are integers below `classes`. `scores` [N, C]
    (float32) are the output after the last step. `metrics` and `layers` hold what the host measured of the
    trial: accuracies, and the activity of the whole network and of each layer. `changed` holds
    the predictions [N] under each strength of each of the metric's changes, by its name.
    """

    labels: NDArray[Any]
    predictions: NDArray[Any]
    by_step: NDArray[Any]
    scores: NDArray[Any]
    classes: int
    metrics: Mapping[str, Any] = field(default_factory=dict)
    layers: Sequence[Mapping[str, Any]] = ()
    changed: Mapping[str, Mapping[float, NDArray[Any]]] = field(default_factory=dict)

    def curve(self, change: str) -> dict[float, float]:
        """The accuracy at each strength of a change, the unchanged samples' at 0."""
        every = {0.0: self.predictions, **self.changed[change]}
        return {strength: float((got == self.labels).mean()) for strength, got in every.items()}


@dataclass(frozen=True)
class MetricSpec:
    """One metric of a trained network.

    `compute(evidence)` returns a number, or with `combine` "named" a mapping of names to numbers; it runs
    in a process of the host's, never in that of the plugin that is measured. Raise `Unsupported` where
    a network has no such metric. Fields are those of `harness.results.metrics`: `better` is which way is
    good, `combine` how seeds become one number ("seeds" their mean with Student's t interval, "accuracy"
    the same for a fraction of all test samples, with Wilson's interval for one seed, "mean" the mean
    alone, "named" the mean of each name), and `place` where it is shown ("brief" in the table that ends a
    run in the terminal too, "table" in the report's alone, "record" in neither). Values are at least 0,
    and at most 1 of the unit "fraction", unless it is `signed`. A metric with `changes` costs an
    evaluation for each strength: it is computed only where `--metrics` names it.
    """

    name: str
    title: str
    unit: str
    better: Literal["more", "less"]
    meaning: str
    compute: Callable[[Evidence], float | Mapping[str, float]]
    combine: Literal["seeds", "accuracy", "mean", "named"] = "seeds"
    place: Literal["brief", "table", "record"] = "brief"
    signed: bool = False
    changes: tuple[Change, ...] = ()
