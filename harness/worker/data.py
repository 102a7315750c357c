"""A task's cached arrays as tensors, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from safetensors import safe_open
from torch import Tensor

from harness.plugin import SPIKE_TRAIN, Task
from harness.tasks import find


@dataclass(frozen=True)
class Split:
    """Inputs as stored (uint8 or float32) and targets, on a device.

    Inputs [N, *input_shape] with classes [N] (int64), or spike trains [N, T, *input_shape] with
    classes [N] or target spike trains [N, T, n_out] (uint8).
    """

    inputs: Tensor
    targets: Tensor
    scale: float

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """The samples at `index`: inputs as float32 in [0, 1], and their targets.

        Target spike trains come time-major, as float32 [T, B, n_out].
        """
        targets = self.targets[index]
        if targets.ndim == 3:
            targets = targets.transpose(0, 1).float()
        return self.inputs[index].float().div_(self.scale), targets

    def batches(self, size: int, limit: int | None = None) -> Batches:
        """The first `limit` samples in their stored order; can be iterated repeatedly."""
        return Batches(self, size, len(self) if limit is None else min(limit, len(self)))


@dataclass(frozen=True)
class Batches:
    """The fixed-order batches that evaluation and `harness_finish_training` are given."""

    split: Split
    size: int
    samples: int

    def __len__(self) -> int:
        return -(-self.samples // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, self.samples, self.size):
            yield self.split.take(slice(start, min(start + self.size, self.samples)))


@dataclass(frozen=True)
class TaskData:
    """A task and its three splits."""

    task: Task
    train: Split
    validation: Split
    test: Split


def load(name: str, path: str, device: torch.device, seed: int = 0) -> TaskData:
    """The arrays that `harness.tasks.prepare` cached at `path`, on `device`.

    Where spike trains are to be fitted, every trial has one pattern, chosen by `seed`: it is used for
    training and for evaluation.
    """
    spec = find(name)
    with safe_open(path, framework="pt", device=str(device)) as file:
        scale = json.loads(file.metadata()["scale"])
        splits = {
            split: Split(
                file.get_tensor(f"{split}_inputs"), file.get_tensor(f"{split}_targets"), scale
            )
            for split in spec.sizes
        }
    if spec.kind == SPIKE_TRAIN:
        patterns = splits["patterns"]
        chosen = slice(seed % len(patterns), seed % len(patterns) + 1)
        one = Split(patterns.inputs[chosen], patterns.targets[chosen], scale)
        splits = {"train": one, "validation": one, "test": one}
    task = Task(
        spec.name,
        spec.kind,
        spec.input_shape,
        spec.classes,
        len(splits["train"]),
        spec.steps,
    )
    return TaskData(task, **splits)
