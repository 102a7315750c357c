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
class Samples:
    """Inputs as stored, uint8 or float32: [N, *input_shape], or spike trains [N, T, *input_shape]."""

    inputs: Tensor
    scale: float

    def __len__(self) -> int:
        return len(self.inputs)

    def take_inputs(self, index: Tensor | slice) -> Tensor:
        """The inputs of the samples at `index`, as float32 in [0, 1]."""
        return self.inputs[index].float().div_(self.scale)

    def input_batches(self, size: int, limit: int | None = None) -> Iterator[Tensor]:
        """The inputs of the first `limit` samples, in their stored order."""
        for start, end in _bounds(len(self), size, limit):
            yield self.take_inputs(slice(start, end))


@dataclass(frozen=True)
class Split(Samples):
    """Samples, and their classes [N] (int64) or target spike trains [N, T, n_out] (uint8)."""

    targets: Tensor

    def take(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """The samples at `index`: inputs as float32 in [0, 1], and their targets.

        Target spike trains come time-major, as float32 [T, B, n_out].
        """
        targets = self.targets[index]
        if targets.ndim == 3:
            targets = targets.transpose(0, 1).float()
        return self.take_inputs(index), targets

    def batches(self, size: int, limit: int | None = None) -> Batches:
        """The first `limit` samples in their stored order; can be iterated repeatedly."""
        return Batches(self, size, limit)


@dataclass(frozen=True)
class Batches:
    """The fixed-order batches that evaluation and `harness_finish_training` are given."""

    split: Split
    size: int
    limit: int | None = None

    def __len__(self) -> int:
        return len(_bounds(len(self.split), self.size, self.limit))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for start, end in _bounds(len(self.split), self.size, self.limit):
            yield self.split.take(slice(start, end))


def _bounds(samples: int, size: int, limit: int | None) -> list[tuple[int, int]]:
    """Where each batch of `size` begins and ends, of the first `limit` of `samples`."""
    end = samples if limit is None else min(limit, samples)
    return [(start, min(start + size, end)) for start in range(0, end, size)]


@dataclass(frozen=True)
class TaskData:
    """A task and its three splits; of the test samples, a worker of a classification has no classes."""

    task: Task
    train: Split
    validation: Split
    test: Samples


def load(
    name: str,
    path: str,
    device: torch.device,
    seed: int = 0,
    *,
    also_validation: bool = False,
    limit: int | None = None,
) -> TaskData:
    """The arrays that `harness.tasks.prepare` cached at `path`, on `device`.

    Where spike trains are to be fitted, every trial has one pattern, chosen by `seed`: it is used for
    training and for evaluation. With `also_validation` the training set includes the validation samples.
    Of each split the first `limit` samples are used.
    """
    spec = find(name)
    with safe_open(path, framework="pt", device=str(device)) as file:
        scale = json.loads(file.metadata()["scale"])

        def samples(split: str) -> Samples:
            return Samples(file.get_tensor(f"{split}_inputs")[:limit], scale)

        def labelled(split: str) -> Split:
            return Split(samples(split).inputs, scale, file.get_tensor(f"{split}_targets")[:limit])

        if spec.kind == SPIKE_TRAIN:
            every = labelled("patterns")
            chosen = slice(seed % len(every), seed % len(every) + 1)
            train = validation = Split(every.inputs[chosen], scale, every.targets[chosen])
            test: Samples = train
        else:
            train, validation, test = labelled("train"), labelled("validation"), samples("test")
    if also_validation:
        train = Split(
            torch.cat([train.inputs, validation.inputs])[:limit],
            scale,
            torch.cat([train.targets, validation.targets])[:limit],
        )
    task = Task(spec.name, spec.kind, spec.input_shape, spec.classes, len(train), spec.steps)
    return TaskData(task, train, validation, test)
