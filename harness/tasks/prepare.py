"""Finds a task's data once for all trials, and keeps them in the cache.

One file of arrays is for the workers; the classes of the test samples lie in another, which the
coordinator alone opens.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.errors import DataMissing
from harness.plugin.contract import SPIKE_TRAIN
from harness.protocol import LABELS
from harness.tasks import find
from harness.tasks.spec import SPLIT_VERSION, Arrays, TaskSpec


def prepare(
    name: str, data: Sequence[Path], cache: Path, say: Callable[[str], None]
) -> tuple[Path, dict[str, Any]]:
    """The cached file of task `name`, made where it is missing, and the facts about its content.

    DataMissing where the raw data are not available or the cache cannot be written.
    """
    spec = find(name)
    source = spec.locate(data, cache / "data", say)
    tag = hashlib.sha256(f"{SPLIT_VERSION} {source.identity}".encode()).hexdigest()[:12]
    path = cache / "arrays" / f"{name}-{tag}.safetensors"
    wanted = [path] if spec.kind == SPIKE_TRAIN else [labels_of(path), path]
    if not all(map(_is_whole, wanted)):
        try:
            _write(path, spec, source.read())
        except OSError as error:
            raise DataMissing(
                f"cannot keep {name} in {path.parent} ({error.strerror}): set HARNESS_CACHE to a "
                "folder that can be written"
            ) from None
    return path, {**source.facts, "splits": spec.sizes, "split_version": SPLIT_VERSION}


def labels_of(path: Path) -> Path:
    """The file of the test samples' classes that belongs to the cached file `path`, if it has one."""
    return path.with_suffix(f".labels{path.suffix}")


def _is_whole(path: Path) -> bool:
    """Whether the cached file exists and is complete: a full disk may have truncated it."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            return True
    except (FileNotFoundError, SafetensorError):
        return False


def _write(path: Path, spec: TaskSpec, arrays: Arrays) -> None:
    tensors = {}
    for split, (inputs, targets) in arrays.splits.items():
        if len(inputs) != spec.sizes[split] or inputs.shape[1:] != spec.sample_shape:
            raise DataMissing(f"{spec.name}: {split} has shape {inputs.shape}, not as described")
        tensors[f"{split}_inputs"], tensors[f"{split}_targets"] = inputs, targets
    labels = {name: tensors.pop(name) for name in (LABELS,) if name in tensors}
    path.parent.mkdir(parents=True, exist_ok=True)
    if labels:
        _save(labels_of(path), labels, {})
    _save(path, tensors, {"scale": json.dumps(arrays.scale)})


def _save(path: Path, tensors: dict[str, Any], metadata: dict[str, str]) -> None:
    from safetensors.numpy import save_file

    # Renamed when complete: another run may be reading or writing the same file.
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    save_file(tensors, partial, metadata=metadata)
    partial.replace(path)
