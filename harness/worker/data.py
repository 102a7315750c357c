"""A task's cached arrays as tensors, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from harness.errors import DataMissing
from harness.plugin import SPIKE_TRAIN, Task
from harness.tasks import cached
from harness.tasks.subset import subset

#: Bytes of inputs above which they stay in the host's memory, mapped from their file, and go to the device
#: batch by batch; and bytes of a file above which a worker does not compute its digest once more.
_MAPPED, _CHECKED = 1 << 31, 1 << 28


@dataclass(frozen=True)
class Samples:
    """Inputs as stored, uint8 or float32: [N, *input_shape], or spike trains [N, T, *input_shape].

    Inputs that are mapped from a file are taken to the device `takes_to` batch by batch.
    """

    inputs: Tensor
    scale: float
    takes_to: torch.device | None = field(default=None, kw_only=True)

    @property
    def device(self) -> torch.device:
        """Where the inputs of a batch lie."""
        return self.takes_to or self.inputs.device

    def __len__(self) -> int:
        return len(self.inputs)

    def take_inputs(self, index: Tensor | slice) -> Tensor:
        """The inputs of the samples at `index`, as float32 in [0, 1]."""
        if self.takes_to is None:
            return self.inputs[index].float().div_(self.scale)
        index = index.to(self.inputs.device) if isinstance(index, Tensor) else index
        return self.inputs[index].to(self.takes_to).float().div_(self.scale)

    def input_batches(self, size: int, limit: int | None = None) -> Iterator[Tensor]:
        """The inputs of the first `limit` samples, in their stored order."""
        samples = len(self) if limit is None else min(limit, len(self))
        for start, end in _bounds(samples, size):
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

    def first(self, samples: int) -> Split:
        """The first `samples`, in their stored order."""
        return replace(self, inputs=self.inputs[:samples], targets=self.targets[:samples])

    def batches(self, size: int) -> Batches:
        """The samples in their stored order; can be iterated repeatedly."""
        return Batches(self, size)


@dataclass(frozen=True)
class Batches:
    """The fixed-order batches that evaluation and `harness_finish_training` are given."""

    split: Split
    size: int

    def __len__(self) -> int:
        return len(_bounds(len(self.split), self.size))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for start, end in _bounds(len(self.split), self.size):
            yield self.split.take(slice(start, end))


def _bounds(samples: int, size: int) -> list[tuple[int, int]]:
    """Where each batch of `size` begins and ends."""
    return [(start, min(start + size, samples)) for start in range(0, samples, size)]


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
    hashed: bool = True,
) -> TaskData:
    """The arrays that `harness.tasks.prepare` cached at `path`, on `device`.

    Where spike trains are to be fitted, every trial has one pattern, chosen by `seed`: it is used for
    training and for evaluation. With `also_validation` the training set includes the validation samples.
    Of each split `limit` samples are used, as `harness.tasks.subset` draws them. Not `hashed`, the file is
    not held against its digest: for who has just done that in another process.
    """
    task = _checked(name, Path(path), hashed)
    mapped = device.type != "cpu" and Path(path).stat().st_size > _MAPPED
    takes_to = device if mapped else None
    with (
        safe_open(path, framework="pt", device="cpu" if mapped else str(device)) as file,
        safe_open(path, framework="pt", device=str(device)) as there,
    ):
        scale = json.loads(file.metadata()[cached.SCALE])

        def samples(split: str) -> Samples:
            inputs = _some(file.get_tensor(f"{split}_inputs"), limit)
            return Samples(inputs, scale, takes_to=takes_to)

        def labelled(split: str) -> Split:
            targets = _some(there.get_tensor(f"{split}_targets"), limit)
            return Split(samples(split).inputs, scale, targets, takes_to=takes_to)

        if task.kind == SPIKE_TRAIN:
            every = labelled("patterns")
            chosen = slice(seed % len(every), seed % len(every) + 1)
            train = validation = Split(every.inputs[chosen], scale, every.targets[chosen])
            test: Samples = train
        else:
            train, validation, test = labelled("train"), labelled("validation"), samples("test")
    if also_validation:
        train = replace(
            train,
            inputs=_some(torch.cat([train.inputs, validation.inputs]), limit),
            targets=_some(torch.cat([train.targets, validation.targets]), limit),
        )
    return TaskData(replace(task, train_size=len(train)), train, validation, test)


def _some(values: Tensor, limit: int | None) -> Tensor:
    places = subset(len(values), limit)
    return values if places is None else values[torch.from_numpy(places).to(values.device)]


def _checked(name: str, path: Path, hashed: bool) -> Task:
    """The task that the file is of; DataMissing where it is damaged or of another one."""
    again = "run again, and it is made anew"
    try:
        metadata = cached.metadata_of(path)
        task = json.loads(metadata[cached.TASK])
        if (
            hashed
            and path.stat().st_size <= _CHECKED
            and cached.content_digest(path) != metadata[cached.DIGEST]
        ):
            raise DataMissing(f"{path} was damaged since it was prepared: {again}")
        if task["name"] != name:
            raise DataMissing(f"{path} holds {task['name']}, not {name}: {again}")
    except (OSError, ValueError, KeyError) as error:
        raise DataMissing(f"{path} cannot be read ({error}): {again}") from None
    return Task(**task | {"input_shape": tuple(task["input_shape"])})
