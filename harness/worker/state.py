"""A trained state on disk: tensors only, so that loading it executes no code."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import nn

from harness.errors import InvalidOutput


def save(model: nn.Module, path: str) -> None:
    """Writes `model.state_dict()`; InvalidOutput where it holds anything but tensors."""
    tensors = {}
    for name, value in model.state_dict().items():
        if not hasattr(value, "contiguous"):
            raise InvalidOutput(f"state_dict: {name!r} is {type(value).__name__}, wanted a tensor")
        # Cloned, since the format refuses tensors that share memory (tied weights).
        tensors[name] = value.detach().cpu().contiguous().clone()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


def restore(model: nn.Module, path: str) -> None:
    """Loads what `save` wrote; InvalidOutput where the rebuilt model has other entries."""
    try:
        model.load_state_dict(load_file(path))
    except RuntimeError as error:
        lines = str(error).strip().splitlines()
        raise InvalidOutput(f"state_dict: does not load again: {' '.join(lines[:2])}") from None
