"""The small typed objects that pass through the hooks. Imports no torch: both sides share it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

#: The kinds of tasks: a class for each sample, or target spike trains for the output neurons.
CLASSIFICATION, SPIKE_TRAIN = "classification", "spike-train"

#: What a parameter may be.
Value = bool | int | float | str


class Unsupported(Exception):
    """The plugin cannot do what is asked of it; the trial is skipped, with this reason."""


@dataclass(frozen=True)
class Task:
    """What has to be solved, as a plugin sees it.

    `input_shape` is one sample's shape without batch and time ((1, 28, 28) for MNIST), `classes` the
    number of classes, or of output neurons where spike trains are to be fitted, `train_size` the
    number of training samples. `steps` is set where the samples are spike trains already: each
    has that many steps of `step_ms` milliseconds, and `harness_encode` is not called.
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
    """The activity of one layer for one batch: the host counts spikes and operations from it.

    `inputs` [T, B, ...] is what its connection received (an expanded view where it is constant over
    time): no fewer values other than 0 than what feeds it, the encoded input or the outputs of a layer
    of its size. `connection` is the weight [n_out, n_in] or the module (Linear, Conv1d to Conv3d; of
    others no operations are counted, and the record says so), and is the model's own: one of its
    modules, parameters or buffers, or a view of one. `outputs`
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
    """The output of a network for one batch.

    `scores` [B, C], or [T, B, C] where scores[t] is the output after the steps 0..t; the predicted
    class is the one with the highest score. Where spike trains are to be fitted, `scores` are the
    spikes [T, B, n_out] of the output neurons, 0 or 1. `layers` is needed only when recording.
    `references` are scores [B, C] of other networks for the same batch, such as the network before
    its conversion; their accuracy is reported too. `delay`: number of time steps between an input and
    its effect on the output (0 if none). The host checks that input step T - 1 - delay still changes
    the output.
    """

    scores: Tensor
    layers: Sequence[Layer] = ()
    references: Mapping[str, Tensor] = field(default_factory=dict)
    delay: int = 0


Scalars = Mapping[str, Any]
"""Named numbers worth plotting: floats, or 0-d tensors, which cost no synchronisation."""


class Stateful(Protocol):
    """Part of a training's state, as an optimizer: what `harness_training_state` names.

    Its state is a mapping of numbers, texts, None and tensors, also in lists, tuples and mappings. The
    tensors come back on the CPU.
    """

    def state_dict(self) -> Mapping[Any, Any]:
        """The state as it is now."""

    def load_state_dict(self, state_dict: Any) -> object:
        """Takes over a state that `state_dict` returned in another process."""


@dataclass(frozen=True)
class Neuron:
    """A spiking neuron as data; `harness_layer` builds it from a framework's own parts.

    Starting at rest, with input current I, membrane potential U, spikes S, and membrane potential R
    after the reset:

        U[t] = beta R[t-1] + I[t]
        S[t] = 1 where U[t] >= theta, or > theta (`compare`), else 0
        R[t] = U[t] - theta S[t] ("subtract"), or U[t] (1 - S[t]) ("zero")

    In place of the derivative of S, the backward pass uses the surrogate gradient, a function of
    v = U - theta: "fast_sigmoid" 1 / (1 + slope |v|)^2, "atan" 1 / (1 + (pi slope v / 2)^2), or
    "triangular" max(0, 1 - slope |v|). With `detach`, no gradient flows through the S of the reset.

    With `adaptation` the threshold is adaptive: theta + adaptation a[t] in place of theta in S and v, where
    a[t] = adaptation_decay a[t-1] + S[t-1] starts at 0. The reset subtracts theta as before.
    `harness_layer` is never asked for such a neuron.
    """

    beta: float
    theta: float = 1.0
    compare: Literal[">=", ">"] = ">="
    reset: Literal["subtract", "zero"] = "subtract"
    detach: bool = True
    surrogate: Literal["fast_sigmoid", "atan", "triangular"] = "fast_sigmoid"
    slope: float = 1.0
    adaptation: float = 0.0
    adaptation_decay: float = 0.0


@dataclass(frozen=True)
class ModelNeuron:
    """The neuron that a model claims to use, and how it runs it: see `harness_neuron`.

    `spikes` maps currents [T, B, n] to spikes [T, B, n], starting at rest, as the model does: the host
    compares spikes and gradients with the equations of `neuron`.
    """

    neuron: Neuron
    spikes: Callable[[Tensor], Tensor]
