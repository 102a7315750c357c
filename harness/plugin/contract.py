"""The small typed objects that pass through the hooks. Imports no torch: both sides share it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor, nn

#: The kinds of tasks: which class is it, and which spikes shall answer.
CLASSIFICATION, SPIKE_TRAIN = "classification", "spike-train"


class Unsupported(Exception):
    """The plugin cannot do what is asked of it; the trial is skipped, with this reason."""


@dataclass(frozen=True)
class Task:
    """What has to be solved, as a plugin sees it.

    `input_shape` is one sample's shape without batch and time ((1, 28, 28) for MNIST), `classes` the
    number of classes, or of output neurons where spike trains are to be fitted, `train_size` the
    number of training samples. `steps` is set where the samples are spike trains already: each
    has that many steps of `step_ms` milliseconds, and nothing is left to encode.
    """

    name: str
    kind: str
    input_shape: tuple[int, ...]
    classes: int
    train_size: int
    steps: int | None = None
    step_ms: float = 1.0

    @property
    def inputs(self) -> int:
        """The number of values in one sample."""
        return math.prod(self.input_shape)


class Params(SimpleNamespace):
    """The resolved parameters of one trial, as attributes: `params.hidden`."""


@dataclass(frozen=True)
class Layer:
    """What one layer did with a batch, for the host to count spikes and operations.

    `inputs` [T, B, ...] is what its connection received (an expanded view where it is constant over
    time); `connection` is the weight [n_out, n_in] or the module (Linear, Conv1d to Conv3d; of others
    no operations are counted, and the record says so); `outputs`
    [T, B, ...] is what its neurons emitted, None for a readout that emits nothing. `spiking` says
    that the outputs are spikes, which the host then checks to be 0 or 1. A feed-forward
    network has T = 1.
    """

    name: str
    inputs: Tensor
    connection: Tensor | nn.Module
    outputs: Tensor | None
    spiking: bool = True


@dataclass(frozen=True)
class Evaluation:
    """A network's answer to a batch.

    `scores` [B, C], or [T, B, C] where scores[t] is the answer after the steps 0..t; the class is
    the highest. Where spike trains are to be fitted, they are the spikes [T, B, n_out] of the output
    neurons, 0 or 1. `layers` is wanted only when recording. `references` are other answers to the same
    batch [B, C] whose accuracy belongs beside it, such as that of the network before conversion.
    `delay` is the number of steps that an input takes to reach the answer, where layers answer late:
    the host checks that every step before that counts.
    """

    scores: Tensor
    layers: Sequence[Layer] = ()
    references: Mapping[str, Tensor] = field(default_factory=dict)
    delay: int = 0


Scalars = Mapping[str, Any]
"""Named numbers worth plotting: floats, or 0-d tensors, which cost no synchronisation."""


@dataclass(frozen=True)
class Neuron:
    """A spiking neuron as data, for frameworks to build their own of: `harness_layer`.

    From rest, with input current I, membrane U, spikes S and membrane after the reset R:

        U[t] = beta R[t-1] + I[t]
        S[t] = 1 where U[t] >= theta, or > theta (`compare`), else 0
        R[t] = U[t] - theta S[t] ("subtract"), or U[t] (1 - S[t]) ("zero")

    The derivative of S is replaced by the surrogate, of v = U - theta: "fast_sigmoid"
    1 / (1 + slope |v|)^2, "atan" 1 / (1 + (pi slope v / 2)^2), or "triangular"
    max(0, 1 - slope |v|). With `detach`, no gradient flows through the S of the reset.
    """

    beta: float
    theta: float = 1.0
    compare: Literal[">=", ">"] = ">="
    reset: Literal["subtract", "zero"] = "subtract"
    detach: bool = True
    surrogate: Literal["fast_sigmoid", "atan", "triangular"] = "fast_sigmoid"
    slope: float = 1.0
