"""Checks what a plugin returns against the contract: InvalidOutput says what is wrong and where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeGuard

import torch
from torch import Tensor, nn

from harness.errors import InvalidOutput
from harness.plugin import (
    BATCH_SIZE,
    EPOCHS,
    Evaluation,
    Layer,
    ModelNeuron,
    Presets,
    Scalars,
    Stateful,
)


def presets(value: object) -> Presets:
    """Presets that declare the two parameters which the host reads."""
    if not isinstance(value, Presets):
        raise InvalidOutput(f"harness_presets: returned {_kind(value)}, wanted Presets")
    for name in (EPOCHS, BATCH_SIZE):
        if name not in value.parameters:
            raise InvalidOutput(f"harness_presets: parameter {name!r} is missing: add it")
        if type(default := value.parameters[name].default) is not int:
            raise InvalidOutput(
                f"harness_presets: parameter {name!r} needs an integer as default, not {default!r}"
            )
    return value


def model(value: object) -> nn.Module:
    """A torch module."""
    if not isinstance(value, nn.Module):
        raise InvalidOutput(f"harness_build_model: returned {_kind(value)}, wanted nn.Module")
    return value


def neuron(value: object) -> ModelNeuron | None:
    """The neuron that a model claims to use, if it does."""
    if value is not None and not isinstance(value, ModelNeuron):
        raise InvalidOutput(f"harness_neuron: returned {_kind(value)}, wanted ModelNeuron or None")
    return value


def training_state(value: object) -> Mapping[str, Stateful | torch.Generator]:
    """Parts by their names, each with a state that can be read and loaded."""
    if not isinstance(value, Mapping):
        raise InvalidOutput(f"harness_training_state: returned {_kind(value)}, wanted a mapping")
    for name, part in value.items():
        stateful = hasattr(part, "state_dict") and hasattr(part, "load_state_dict")
        if not isinstance(name, str) or not (stateful or isinstance(part, torch.Generator)):
            raise InvalidOutput(
                f"harness_training_state: {name!r} is {_kind(part)}, wanted an object with state_dict() "
                "and load_state_dict(), or a torch.Generator"
            )
    return value


def encoded_shape(value: object, inputs: Tensor) -> None:
    """A tensor [T, B, ...] of the inputs' batch."""
    if not isinstance(value, Tensor):
        raise InvalidOutput(f"harness_encode: returned {_kind(value)}, wanted a tensor")
    if value.ndim < 2 or value.shape[0] < 1 or value.shape[1] != inputs.shape[0]:
        raise InvalidOutput(
            f"harness_encode: shape {tuple(value.shape)}, wanted [T, B={inputs.shape[0]}, ...]"
        )


def encoded(value: object, inputs: Tensor) -> Tensor:
    """`encoded_shape`, and finite floats on the inputs' device."""
    encoded_shape(value, inputs)
    assert isinstance(value, Tensor)
    if not is_plain(value):
        kind = type(value).__name__ if value.layout is torch.strided else value.layout
        raise InvalidOutput(f"harness_encode: returned {kind}, wanted a plain tensor")
    if not value.is_floating_point() or value.device != inputs.device:
        raise InvalidOutput(
            f"harness_encode: {value.dtype} on {value.device}, wanted floats on {inputs.device}"
        )
    _finite(value, "harness_encode: spikes")
    return value


def scalars(value: object, hook: str) -> Scalars:
    """Named floats or 0-d tensors."""
    if not isinstance(value, Mapping):
        raise InvalidOutput(f"{hook}: returned {_kind(value)}, wanted a mapping of scalars")
    for name, number in value.items():
        fine = number.ndim == 0 if isinstance(number, Tensor) else isinstance(number, (int, float))
        if not isinstance(name, str) or not fine:
            raise InvalidOutput(
                f"{hook}: {name!r} is {_kind(number)}, wanted a float or 0-d tensor"
            )
    return value


def numbers(value: object, hook: str) -> dict[str, float]:
    """`scalars`, read from the device: neither NaN nor infinite."""
    values = {name: float(number) for name, number in scalars(value, hook).items()}
    finite_scalars(values, hook)
    return values


def finite_scalars(value: Mapping[str, float], where: str) -> None:
    """No NaN and no infinity among numbers that were already read from the device."""
    for name, number in value.items():
        if not math.isfinite(number):
            raise InvalidOutput(f"{where}: {name} is {number}")


def scores(value: object, batch: int, classes: int) -> Tensor:
    """The scores of an evaluation: finite, [B, C] or [T, B, C]."""
    if not isinstance(value, Evaluation):
        raise InvalidOutput(f"harness_evaluate: returned {_kind(value)}, wanted Evaluation")
    _parts(value)
    tensor = value.scores
    if not is_plain(tensor):
        raise InvalidOutput(f"harness_evaluate: scores are {_kind(tensor)}, wanted a plain tensor")
    if not tensor.is_floating_point() or tensor.itemsize < 2:  # torch computes nothing with 8 bits
        raise InvalidOutput(f"harness_evaluate: scores are {tensor.dtype}, wanted floats")
    if tensor.is_meta:
        raise InvalidOutput(
            "harness_evaluate: scores are on the device 'meta', which holds no values"
        )
    if tensor.ndim not in (2, 3) or tensor.shape[-2:] != (batch, classes) or tensor.shape[0] < 1:
        raise InvalidOutput(
            f"harness_evaluate: scores have shape {tuple(tensor.shape)}, wanted "
            f"({batch}, {classes}) or (T, {batch}, {classes})"
        )
    _finite(tensor, "harness_evaluate: scores")
    return tensor


def _parts(value: Evaluation) -> None:
    """Layers, references and a delay beside the scores."""
    wrong = ""
    if not isinstance(value.layers, Sequence) or not all(
        isinstance(x, Layer) for x in value.layers
    ):
        wrong = "layers are no sequence of Layer"
    elif not all(isinstance(layer.name, str) and layer.name for layer in value.layers):
        wrong = "a layer's name is no text"
    elif not isinstance(value.references, Mapping):
        wrong = f"references are {_kind(value.references)}, wanted a mapping"
    elif not isinstance(value.delay, int) or value.delay < 0:
        wrong = f"delay is {value.delay!r}, wanted a number of steps"
    if wrong:
        raise InvalidOutput(f"harness_evaluate: {wrong}")


def spike_trains(value: object, shape: tuple[int, ...]) -> Tensor:
    """The output spikes of an evaluation: 0 or 1, of the targets' `shape` [T, B, n_out]."""
    if not isinstance(value, Evaluation) or not is_plain(value.scores):
        raise InvalidOutput(
            f"harness_evaluate: returned {_kind(value)}, wanted Evaluation of a plain tensor"
        )
    _parts(value)
    spikes = value.scores
    if tuple(spikes.shape) != shape:
        raise InvalidOutput(
            f"harness_evaluate: output spikes have shape {tuple(spikes.shape)}, wanted {shape}"
        )
    if not bool(((spikes == 0) | (spikes == 1)).all()):
        raise InvalidOutput("harness_evaluate: output spikes are not all 0 or 1")
    return spikes


def references(value: Mapping[str, Tensor], batch: int, classes: int) -> None:
    """Reference scores: finite, [B, C]."""
    for name, tensor in value.items():
        if not is_plain(tensor) or tensor.shape != (batch, classes):
            raise InvalidOutput(f"harness_evaluate: reference {name!r} is not ({batch}, {classes})")
        _finite(tensor, f"harness_evaluate: reference {name!r}")


def layers(value: Sequence[Layer], batch: int) -> None:
    """Recorded layers: inputs and outputs [T, B, ...], a weight in each, and spikes that are 0 or 1."""
    names = [layer.name for layer in value]
    if len(set(names)) < len(names):
        raise InvalidOutput(f"harness_evaluate: two layers have one name, in {', '.join(names)}")
    looked_at: list[Tensor] = []
    for layer in value:
        where = f"harness_evaluate: layer {layer.name!r}"
        for what, tensor in (("inputs", layer.inputs), ("outputs", layer.outputs)):
            if tensor is None and what == "outputs":
                continue
            if any(tensor is known for known in looked_at):  # what the layer before emits
                continue
            if not is_plain(tensor) or tensor.ndim < 3 or tensor.shape[1] != batch:
                shape = tuple(tensor.shape) if is_plain(tensor) else _kind(tensor)
                raise InvalidOutput(f"{where}: {what} are {shape}, wanted [T, B={batch}, ...]")
            _finite(tensor, f"{where}: {what}")
            looked_at.append(tensor)
        if layer.outputs is not None and len(layer.outputs) != len(layer.inputs):
            raise InvalidOutput(
                f"{where}: inputs of {len(layer.inputs)} steps and outputs of {len(layer.outputs)}"
            )
        _connection(layer, where)
        emitted = layer.outputs if layer.spiking else None
        # 0 and 1 are their own squares, and nothing else is.
        if emitted is not None and not torch.equal(emitted * emitted, emitted):
            wrong = emitted[(emitted != 0) & (emitted != 1)][0].item()
            raise InvalidOutput(f"{where}: spikes are not binary, one is {wrong:g}")


def _connection(layer: Layer, where: str) -> None:
    connection, shape = layer.connection, layer.inputs.shape
    if isinstance(connection, nn.Module):
        # ActivityMeter decides for which kinds of modules operations can be counted.
        fine = next(connection.parameters(), None) is not None
    else:
        fine = isinstance(connection, Tensor) and connection.ndim >= 2
    if not fine:
        raise InvalidOutput(f"{where}: its connection has no weight [n_out, n_in]")
    weight = connection.weight if isinstance(connection, nn.Linear) else connection
    if not isinstance(weight, Tensor) or weight.ndim != 2:
        return
    if weight.shape[1] not in (shape[-1], math.prod(shape[2:])):
        raise InvalidOutput(
            f"{where}: its weight is {tuple(weight.shape)} but its inputs are {tuple(shape)}"
        )


def is_plain(value: object) -> TypeGuard[Tensor]:
    """Whether `value` is a dense tensor and of no subclass, which could answer as it likes."""
    return type(value) in (Tensor, nn.Parameter) and value.layout is torch.strided  # type: ignore[attr-defined]


def _finite(value: Tensor, what: str) -> None:
    # A view expanded over time holds one step's values.
    seen = value[:1] if value.ndim and value.stride(0) == 0 else value
    # A sum tells at a fraction of the time; that of finite values may overflow.
    if math.isfinite(float(seen.detach().sum())):
        return
    if not bool(torch.isfinite(seen).all()):
        wrong = seen[~torch.isfinite(seen)][0].item()
        raise InvalidOutput(f"{what}: not finite, one value is {wrong}")


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__
