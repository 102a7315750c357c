"""A trained state on disk: tensors only, so that loading it executes no code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from harness.errors import InvalidOutput


def entries(model: nn.Module) -> dict[str, Tensor]:
    """Copies of `model.state_dict()`; InvalidOutput as by `check`."""
    check(model)
    # Cloned, since the format refuses tensors that share memory (tied weights).
    return {
        name: value.detach().cpu().contiguous().clone()
        for name, value in model.state_dict().items()
    }


def check(model: nn.Module) -> None:
    """InvalidOutput where `model.state_dict()` is no mapping of names to dense tensors."""
    values = model.state_dict()
    if not isinstance(values, Mapping):
        raise InvalidOutput(f"state_dict: returned {type(values).__name__}, wanted a mapping")
    for name, value in values.items():
        if not isinstance(value, Tensor):
            raise InvalidOutput(f"state_dict: {name!r} is {type(value).__name__}, wanted a tensor")
        if value.layout is not torch.strided or value.is_meta:
            kind = "meta" if value.is_meta else str(value.layout).removeprefix("torch.")
            raise InvalidOutput(
                f"state_dict: {name!r} is a tensor of kind {kind}, wanted a dense one"
            )
        if not isinstance(name, str) or not name.isprintable() or name == "__metadata__":
            raise InvalidOutput(f"state_dict: {name!r} is no name that can be written")


def save(model: nn.Module, path: str) -> None:
    """Writes `entries`."""
    tensors = entries(model)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


def restore(model: nn.Module, path: str) -> dict[str, Tensor]:
    """Loads what `save` wrote, and returns it; InvalidOutput where it is damaged, and as by `load`."""
    try:
        saved = load_file(path)
    except (SafetensorError, ValueError, KeyError) as error:
        raise InvalidOutput(f"state: {Path(path).name} cannot be read: {error}") from None
    load(model, saved)
    return saved


def load(model: nn.Module, saved: Mapping[str, Tensor]) -> None:
    """Loads `saved`; InvalidOutput where the model has other entries, or of another shape or dtype.

    Torch converts a dtype without a word: a network in half precision would be measured in float32.
    """
    try:
        model.load_state_dict(saved)
    except RuntimeError as error:
        lines = str(error).strip().splitlines()
        raise InvalidOutput(f"state_dict: does not load again: {' '.join(lines[:2])}") from None
    own = model.state_dict()
    for name, value in saved.items():
        entry = own.get(name)
        if not isinstance(entry, Tensor):
            raise InvalidOutput(f"state_dict: {name!r} is gone when the state is loaded again")
        if (entry.dtype, entry.shape) != (value.dtype, value.shape):
            raise InvalidOutput(
                f"state_dict: {name!r} is {_kind(value)} in the trained network and {_kind(entry)} in one "
                "that is built again; harness_build_model has to build what is saved"
            )


def check_values(model: nn.Module, saved: Mapping[str, Tensor]) -> None:
    """InvalidOutput where an entry of a model that was loaded differs from what was `saved`."""
    own = model.state_dict()
    for name, value in saved.items():
        entry = own[name].detach().cpu()
        if not torch.allclose(entry, value, rtol=0, atol=0, equal_nan=value.is_floating_point()):
            raise InvalidOutput(f"state_dict: {name!r} has other values when it is loaded again")


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
