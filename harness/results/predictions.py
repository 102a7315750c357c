"""The predictions of a trial's network for every test sample, and the metrics that follow from them.

A worker is not given the test labels: it writes what its network predicts, and the coordinator scores
it. Both files are safetensors: opening them executes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.arrays import LABELS, PREDICTED, REFERENCE
from harness.errors import plain
from harness.results.reading import read_file
from harness.results.writing import replace

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: More classes than any task has: a table of them still fits into memory.
MOST_CLASSES = 2**12

#: What is computed here, and nowhere else.
SCORED = (
    "test_accuracy", "test_size", "accuracy_by_step", "decision_step", "reference_accuracy"
)  # fmt: skip

#: The accuracy stays within this of the last step's, or within one sample of it, from the decision step on.
DECISION_TOLERANCE = 0.001


@dataclass(frozen=True)
class Predictions:
    """Classes [T, N] after each step, or [1, N] of a network that answers once (`over_time` is False).

    `references` holds the classes [N] that other networks predict, by their names.
    """

    classes: NDArray[Any]
    over_time: bool = False
    references: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def last(self) -> NDArray[Any]:
        """The classes [N] of the last step."""
        last: NDArray[Any] = self.classes[-1]
        return last

    def metrics(self, labels: NDArray[Any]) -> dict[str, Any]:
        """Accuracies beside the true classes `labels` [N], by their names in the record."""
        by_step = [float(share) for share in (self.classes == labels).mean(1)]
        metrics: dict[str, Any] = {"test_accuracy": by_step[-1], "test_size": len(labels)}
        if self.over_time:
            metrics["accuracy_by_step"] = by_step
            metrics["decision_step"] = decision_step(by_step, len(labels))
        if self.references:
            metrics["reference_accuracy"] = {
                name: float((classes == labels).mean()) for name, classes in self.references.items()
            }
        return metrics


def decision_step(by_step: list[float], samples: int) -> int:
    """The first step (from 1) from which the accuracy stays within the tolerance of the last step's.

    The tolerance is 0.1 points, or one of the `samples` where that is more.
    """
    # 1e-12 keeps the rounding of accuracies out of it.
    tolerance = max(DECISION_TOLERANCE, 1 / samples) + 1e-12
    away = [step for step, acc in enumerate(by_step, start=1) if abs(acc - by_step[-1]) > tolerance]
    return away[-1] + 1 if away else 1


def read(path: Path, samples: int, classes: int) -> Predictions:
    """What a worker wrote at `path`: for so many `samples`, of so many `classes`.

    ValueError in one line where it is missing or holds anything else.
    """
    import numpy as np

    arrays = _arrays(path)
    predicted = arrays.get(PREDICTED)
    references = {
        name.removeprefix(REFERENCE): array
        for name, array in arrays.items()
        if name.startswith(REFERENCE)
    }
    if predicted is None or predicted.ndim not in (1, 2) or not predicted.size:
        raise ValueError(f"{path.name} holds no predictions [T, N]")
    for array in (predicted, *references.values()):
        if array.shape[-1] != samples or not np.issubdtype(array.dtype, np.integer):
            raise ValueError(
                f"{path.name}: {array.dtype} {array.shape}, wanted classes of {samples} samples"
            )
        if array.min() < 0 or array.max() >= classes:
            raise ValueError(f"{path.name}: classes are not all in [0, {classes})")
    return Predictions(np.atleast_2d(predicted), predicted.ndim == 2, references)


def read_labels(path: Path) -> NDArray[Any]:
    """The true classes [N] of the test samples; ValueError where they cannot be read."""
    labels = _arrays(path).get(LABELS)
    if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iu" or not labels.size:
        raise ValueError(f"{path.name} holds no labels [N]")
    if labels.min() < 0 or labels.max() >= MOST_CLASSES:
        raise ValueError(f"{path.name}: classes are not all in [0, {MOST_CLASSES})")
    return labels


def keep_labels(
    source: Path, path: Path, places: Callable[[int], NDArray[Any] | None] = lambda _: None
) -> None:
    """Copies the labels at `source` to `path`: all, or those at `places(number of all)`."""
    labels = read_labels(source)
    chosen = places(len(labels))
    if chosen is None:
        shutil.copyfile(source, path)
        return
    from safetensors.numpy import save

    path.write_bytes(save({LABELS: labels[chosen]}))


def keep(path: Path, predictions: Predictions) -> str:
    """Keeps the last step's classes [N] of what was read from `path`, a byte each where that will do.

    Returns the SHA-256 of the file. The steps before are in the record, as accuracies.
    """
    import numpy as np
    from safetensors.numpy import save

    every = {PREDICTED: predictions.last}
    every |= {f"{REFERENCE}{name}": classes for name, classes in predictions.references.items()}
    kind = np.uint8 if max(classes.max() for classes in every.values()) < 2**8 else np.int32
    data = save({name: np.ascontiguousarray(c, kind) for name, c in every.items()})
    replace(path, data)
    return sha256(data).hexdigest()


def digest(path: Path) -> str:
    """The SHA-256 of a file; ValueError where it cannot be read."""
    return sha256(read_file(path)).hexdigest()


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = read_file(path)
    try:
        return load(data)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        # numpy has no arrays of some kinds that a file may name, and that is a KeyError.
        raise ValueError(f"{path.name} cannot be read: {plain(error)}") from None
