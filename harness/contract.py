"""The small typed objects that pass through the hooks. Imports no torch: both sides share it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import UsageError, unknown

if TYPE_CHECKING:
    from torch import Tensor, nn

Value = bool | int | float | str

#: Parameters that the host itself reads; every plugin that trains in batches declares both.
EPOCHS, BATCH_SIZE = "epochs", "batch_size"

#: The kinds of tasks: which class is it, and which spikes shall answer.
CLASSIFICATION, SPIKE_TRAIN = "classification", "spike-train"

QUICK, SOURCE, BEST = "quick", "source", "best"

#: The `pattern` of a parameter that lists layer sizes: "256" or "256-64".
LAYER_SIZES = r"[1-9]\d*(-[1-9]\d*)*"

#: The task under which a preset's values hold for every task that it does not name.
ANY_TASK = "*"


class Unsupported(Exception):
    """The plugin cannot do what is asked of it; the trial is skipped, with this reason."""


@dataclass(frozen=True)
class PluginSource:
    """Where a worker finds a plugin: a module to import, or a file to load."""

    name: str
    module: str = ""
    file: str = ""


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


@dataclass(frozen=True)
class Parameter:
    """One parameter of a plugin: its default, what it is in one line, and what it may be.

    The default's type is the parameter's type. `low` and `high` are inclusive. A text that has a
    `pattern` must match all of it; `help` then says how it looks.
    """

    default: Value
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[Value, ...] | None = None
    pattern: str | None = None

    def check(self, name: str, value: object) -> Value:
        """`value`, in the parameter's type; UsageError where it has none or is out of bounds."""
        result = self._convert(name, value)
        if self.choices is not None and result not in self.choices:
            raise UsageError(
                f"parameter {name}: {result!r} is not one of "
                + ", ".join(str(choice) for choice in self.choices)
            )
        if self.pattern is not None and not re.fullmatch(self.pattern, str(result)):
            raise UsageError(f"parameter {name}: {result!r} is not what it takes: {self.help}")
        if isinstance(result, (int, float)) and not isinstance(result, bool):
            if not math.isfinite(result):
                raise UsageError(f"parameter {name}: {result} is not a finite number")
            if self.low is not None and result < self.low:
                raise UsageError(f"parameter {name}: {result} is below its bound {self.low:g}")
            if self.high is not None and result > self.high:
                raise UsageError(f"parameter {name}: {result} is above its bound {self.high:g}")
        return result

    def _convert(self, name: str, value: object) -> Value:
        kind = type(self.default)
        if kind is str:
            return str(value)
        if kind is bool:
            words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            if str(value).lower() in words:
                return words[str(value).lower()]
        else:
            try:
                number = float(str(value))
                if kind is float:
                    return number
                if number == int(number):
                    return int(number)
            except (ValueError, OverflowError):
                pass
        noun = {bool: "true or false", int: "an integer", float: "a number"}[kind]
        raise UsageError(f"parameter {name}: {value!r} is not {noun}")


@dataclass(frozen=True)
class Presets:
    """A plugin's parameters, and the named sets of values that it offers for a task.

    `values[preset][task]` overrides the defaults; the task "*" stands for every task. A preset that
    names neither the task nor "*" is not offered for it. `reported[preset][task]` is the test
    accuracy, as a fraction, that the method's source reports for that setting: the report puts it
    beside ours.
    """

    parameters: Mapping[str, Parameter]
    values: Mapping[str, Mapping[str, Mapping[str, Value]]] = field(
        default_factory=lambda: {QUICK: {ANY_TASK: {}}}
    )
    reported: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def offers(self, preset: str, task: str) -> bool:
        """Whether there are values of `preset` for `task`."""
        return not {task, ANY_TASK}.isdisjoint(self.values.get(preset, {}))

    def resolve(self, preset: str, task: str, overrides: Mapping[str, object]) -> dict[str, Value]:
        """The parameters of `preset` for `task`, with `overrides` on top, each of them checked.

        Unsupported where the preset is not offered for the task, UsageError for a wrong parameter.
        """
        if not self.offers(preset, task):
            offered = [name for name in self.values if self.offers(name, task)]
            raise Unsupported(
                f"no preset {preset!r} for task {task!r}; there is {', '.join(offered) or 'none'}"
            )
        by_task = self.values[preset]
        chosen: dict[str, object] = {name: p.default for name, p in self.parameters.items()}
        for source in (by_task.get(ANY_TASK, {}), by_task.get(task, {}), overrides):
            for name, value in source.items():
                if name not in self.parameters:
                    raise unknown("parameter", name, self.parameters)
                chosen[name] = value
        return {name: self.parameters[name].check(name, value) for name, value in chosen.items()}


def layer_sizes(text: str) -> list[int]:
    """The sizes that a parameter of pattern `LAYER_SIZES` lists: "256-64" is [256, 64], "none" [].

    The pattern does not admit "none"; a plugin that can do without hidden layers adds it.
    """
    return [] if text == "none" else [int(size) for size in text.split("-")]


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
