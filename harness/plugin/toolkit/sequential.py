"""A ReLU network as `nn.Sequential`, taken apart into the stages that a conversion turns into spikes.

A stage is a connection and its neurons. What it supports is named in `SUPPORTED`: batch normalisation
has to follow its connection, and is folded into it before the network is evaluated (Rueckauer et al.
2017, section 2.2); average pooling, flattening and dropout may stand anywhere. UsageError in one line
for everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.errors import UsageError
from harness.plugin import Task

Connection = nn.Linear | nn.Conv2d
Norm = nn.BatchNorm1d | nn.BatchNorm2d

_CONNECTIONS = (nn.Linear, nn.Conv2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_PASSIVE = (nn.AvgPool2d, nn.Flatten, nn.Dropout)
SUPPORTED = (*_CONNECTIONS, *_NORMS, nn.ReLU, *_PASSIVE)
_NAMES = ", ".join(kind.__name__ for kind in SUPPORTED)


@dataclass(frozen=True, eq=False)
class Stage:
    """One connection: what its inputs pass `before` it, its `norm`, and what its currents pass `behind`.

    `before` and `behind` hold average pooling, flattening and dropout, which have no weights.
    """

    connection: Connection
    norm: Norm | None = None
    before: tuple[nn.Module, ...] = ()
    behind: tuple[nn.Module, ...] = ()

    @property
    def dropouts(self) -> list[nn.Module]:
        """Its dropout, which has to know whether the network is in training."""
        return [module for module in (*self.before, *self.behind) if isinstance(module, nn.Dropout)]


def stages_of(network: nn.Module) -> list[Stage]:
    """The stages of `network`, the last of which is the readout; UsageError where it cannot be converted.

    A connection without a bias gets one of 0 where batch normalisation follows, whose shift it will hold.
    """
    if not isinstance(network, nn.Sequential):
        raise UsageError(
            f"it is a {type(network).__name__}, and a conversion needs an nn.Sequential"
        )
    stages: list[Stage] = []
    passed: list[nn.Module] = []  # since the last connection or ReLU
    connection: Connection | None = None
    norm: Norm | None = None
    before: tuple[nn.Module, ...] = ()
    for place, module in _layers(network):
        if isinstance(module, _PASSIVE):
            passed.append(module)
        elif isinstance(module, _CONNECTIONS):
            if connection is not None:
                raise UsageError(
                    f"{place} follows another connection without a ReLU between them, and a spike "
                    "stands for a value above 0: put one between, or make one layer of both"
                )
            if any(module is stage.connection for stage in stages):
                raise UsageError(f"{place} is used twice: give each place a layer of its own")
            connection, before, passed = module, tuple(passed), []
        elif isinstance(module, _NORMS):
            if connection is None or norm is not None or passed:
                raise UsageError(
                    f"{place} has to follow a Linear or Conv2d directly, to be folded into it"
                )
            if module.running_mean is None:
                raise UsageError(
                    f"{place} keeps no running statistics: leave track_running_stats=True"
                )
            norm = module
        else:
            if connection is None:
                raise UsageError(
                    f"{place} has no Linear or Conv2d before it whose values it could rectify"
                )
            stages.append(Stage(connection, norm, before, tuple(passed)))
            connection, norm, passed = None, None, []
    if connection is None:
        raise UsageError(
            "it has to end with a Linear or Conv2d, without a ReLU: those are the scores"
        )
    if not stages:
        raise UsageError("it has no ReLU, so there is nothing that neurons could stand for")
    stages.append(Stage(connection, norm, before, tuple(passed)))
    for stage in stages:
        if stage.norm is not None and stage.connection.bias is None:
            zeros = torch.zeros_like(stage.connection.weight[:, :1].flatten(1)[:, 0])
            stage.connection.bias = nn.Parameter(zeros, requires_grad=False)
    return stages


def check_shapes(network: nn.Module, task: Task) -> None:
    """UsageError where `network` does not take a sample of `task`, or has another number of outputs."""
    training = network.training
    try:
        with torch.no_grad():
            scores = network.eval()(torch.zeros(2, *task.input_shape))
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        shape = f"(2, {_listed(task.input_shape)})"
        raise UsageError(
            f"it does not take a batch of samples of {task.name}, {shape}: {reason}"
        ) from None
    finally:
        network.train(training)
    scores_shape = tuple(getattr(scores, "shape", ()))
    if scores_shape != (2, task.classes):
        raise UsageError(
            f"for a batch of 2 it gives {scores_shape}, and the {task.classes} classes of {task.name} need "
            f"(2, {task.classes})"
        )


def affine(connection: Connection, values: Tensor, bias: Tensor | None) -> Tensor:
    """What `connection` makes of `values` [N, ...], with this `bias`.

    Not by the module's call: a framework's subclass may expect time as an additional dimension.
    """
    if isinstance(connection, nn.Linear):
        return nn.functional.linear(values, connection.weight, bias)
    convolved: Tensor = connection._conv_forward(values, connection.weight, bias)
    return convolved


def through(modules: Iterable[Callable[[Tensor], Tensor]], values: Tensor) -> Tensor:
    """`values` after `modules`, one after another."""
    for module in modules:
        values = module(values)
    return values


@torch.no_grad()
def fold(stage: Stage) -> None:
    """Puts the batch normalisation of a stage, as it is in evaluation, into its connection's weights."""
    norm, connection = stage.norm, stage.connection
    if norm is None:
        return
    mean, var, bias = norm.running_mean, norm.running_var, connection.bias
    assert mean is not None and var is not None and bias is not None
    scale = torch.rsqrt(var + norm.eps)
    if norm.weight is not None:
        scale = norm.weight * scale
    connection.weight *= scale.view(-1, *[1] * (connection.weight.ndim - 1))
    bias.copy_(scale * (bias - mean))
    if norm.bias is not None:
        bias += norm.bias


def _layers(network: nn.Sequential) -> Iterator[tuple[str, nn.Module]]:
    """The layers of `network` and of those inside it, each with its place for people."""
    for place, module in enumerate(_flat(network)):
        name = f"layer {place}, {type(module).__name__},"
        # A subclass may compute anything, and so may a parametrised layer, whose class is another one too.
        if type(module) not in SUPPORTED:
            raise UsageError(f"{name} cannot be converted: what can is {_NAMES}")
        yield name, module


def _flat(network: nn.Sequential) -> Iterator[nn.Module]:
    for module in network:
        if type(module) is nn.Sequential:
            yield from _flat(module)
        else:
            yield module


def _listed(shape: Sequence[int]) -> str:
    return ", ".join(map(str, shape))
