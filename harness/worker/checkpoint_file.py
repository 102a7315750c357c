"""A training's state in a file: tensors and JSON in one safetensors file, so that loading executes no code.

It is written whole or not at all. Its digest is over names, types, shapes and values of all that it holds.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from harness.errors import InvalidOutput

_DIGEST, _TREE = "digest", "tree"
_PLAIN = (type(None), bool, int, float, str)


class Damaged(Exception):
    """The file is not what was written."""


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Writes `content`, a tree of tensors, numbers, texts, None, lists, tuples and mappings.

    InvalidOutput where it holds anything else; OSError where there is no room.
    """
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_packed(content, tensors)).encode()
    tensors[_TREE] = torch.frombuffer(bytearray(tree), dtype=torch.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file(tensors, partial, {_DIGEST: _digest(tensors)})
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except SafetensorError as error:
        raise OSError(str(error)) from None
    finally:
        partial.unlink(missing_ok=True)


def read(path: Path) -> Any:
    """What `write` wrote, the tensors on the CPU; FileNotFoundError where there is none, or Damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if metadata.get(_DIGEST) != _digest(tensors):
            raise Damaged("it has another digest than when it was written")
        return _unpacked(json.loads(bytes(tensors[_TREE].numpy())), tensors)
    except FileNotFoundError:
        raise
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise Damaged(str(error)) from None


def _packed(value: Any, tensors: dict[str, Tensor]) -> Any:
    """`value` as JSON; its tensors go to `tensors`, copied: the file holds none that share memory."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, Mapping):
        items = [[_packed(key, tensors), _packed(part, tensors)] for key, part in value.items()]
        return {"mapping": items}
    if isinstance(value, tuple):
        return {"tuple": [_packed(part, tensors) for part in value]}
    if isinstance(value, list):
        return [_packed(part, tensors) for part in value]
    if isinstance(value, _PLAIN):
        return value
    raise InvalidOutput(
        f"harness_training_state: a state holds {type(value).__name__}, wanted tensors, numbers, "
        "texts, None, and lists, tuples and mappings of them"
    )


def _unpacked(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    match value:
        case list():
            return [_unpacked(part, tensors) for part in value]
        case {"tensor": name}:
            return tensors[name]
        case {"mapping": items}:
            return {_unpacked(key, tensors): _unpacked(part, tensors) for key, part in items}
        case {"tuple": parts}:
            return tuple(_unpacked(part, tensors) for part in parts)
    return value


def _digest(tensors: Mapping[str, Tensor]) -> str:
    total = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name}\0{tensor.dtype}\0{list(tensor.shape)}\0".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
