"""What a worker leaves for the metrics by hook: scores, and predictions under changed samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.arrays import LABELS, PREDICTED
from harness.plugin import Change, Evidence

#: The scores [N, C] in a worker's file.
SCORES = "scores"


def changed_name(change: str, strength: float) -> str:
    """What the predictions [N] under a change are called in a worker's file."""
    return f"changed {change} {strength!r}"


def seed_of(seed: int, change: str, strength: float) -> int:
    """The seed of a change's draws: the same for every row."""
    text = f"{seed} {change} {float(strength)!r}"
    return int.from_bytes(sha256(text.encode()).digest()[:8]) >> 1


def read(
    path: Path,
    labels: Path,
    classes: int,
    changes: Iterable[Change] = (),
    metrics: Mapping[str, Any] | None = None,
    layers: Sequence[Mapping[str, Any]] = (),
) -> Evidence:
    """The evidence in a worker's file, beside the true classes; ValueError in one line where it is none."""
    import numpy as np

    arrays, right = _arrays(path), _arrays(labels)[LABELS]
    samples = len(right)

    def classes_in(name: str) -> Any:
        array = arrays.get(name)
        if array is None or array.dtype.kind not in "iu" or array.shape[-1:] != (samples,):
            raise ValueError(f"{path.name} holds no {name} of {samples} samples")
        if array.size and not 0 <= array.min() <= array.max() < classes:
            raise ValueError(f"{path.name}: {name} is not all in [0, {classes})")
        return array.astype(np.int64)

    scores = arrays.get(SCORES)
    if scores is None or scores.dtype.kind != "f" or scores.shape != (samples, classes):
        raise ValueError(f"{path.name} holds no scores of {samples} samples and {classes} classes")
    by_step = np.atleast_2d(classes_in(PREDICTED))
    changed = {
        change.name: {s: classes_in(changed_name(change.name, s)) for s in change.strengths}
        for change in changes
    }
    return Evidence(
        right.astype(np.int64),
        by_step[-1],
        by_step,
        scores.astype(np.float32),
        classes,
        metrics or {},
        layers,
        changed,
    )


def _arrays(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from None
