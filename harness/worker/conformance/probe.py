"""The plugin under check: its hooks, the task that it is checked on, and its trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import UsageError
from harness.plugin import (
    BATCH_SIZE,
    EPOCHS,
    QUICK,
    SPIKE_TRAIN,
    Evaluation,
    Params,
    Presets,
    Task,
    Unsupported,
)
from harness.subjects import PluginLocation
from harness.worker import checks
from harness.worker.checkpoints import Checkpoints
from harness.worker.conformance.material import MAKERS
from harness.worker.conformance.outcome import Failing
from harness.worker.data import TaskData
from harness.worker.devices import on_device
from harness.worker.evaluate import ENCODE_SEED
from harness.worker.hooks import Hooks
from harness.worker.seeds import generator, other_seed, seed_everything
from harness.worker.train import finish, train

SEED = 0
#: Of models that are built to be loaded: their state has to hold what is drawn at building too.
OTHER_SEED = other_seed(SEED)
#: Updates that a training has at least; epochs are added where a preset has fewer on our few samples.
_UPDATES = 60
#: How many samples are looked at, and in how many steps of a spike-train task the fit must improve.
SAMPLES, FIT_EPOCHS = 32, 200


@dataclass(frozen=True)
class Material:
    """A task's data, and the plugin's parameters for it."""

    data: TaskData
    params: Params

    @property
    def batch_size(self) -> int:
        """The samples of an update."""
        size: int = getattr(self.params, BATCH_SIZE)
        return min(size, len(self.data.train))


class Probe:
    """A plugin on one device. Every part is made when a check first needs it, and kept.

    `folder` is for what a second process has to find.
    """

    def __init__(self, location: PluginLocation, device: str, quick: bool, folder: Path) -> None:
        self.location, self.quick, self.folder = location, quick, folder
        self._device = device

    @cached_property
    def device(self) -> torch.device:
        """The device of the checks, with one thread on the CPU."""
        return on_device(self._device, threads=1)

    @cached_property
    def hooks(self) -> Hooks:
        """The plugin's hooks."""
        return Hooks(self.location)

    @cached_property
    def presets(self) -> Presets:
        """The plugin's presets."""
        return self.hooks.presets()

    @cached_property
    def material(self) -> Material:
        """The first task that the plugin does not refuse; Failing where it refuses all."""
        refused = []
        for make in MAKERS:
            data = make(self.device, self.quick)
            try:
                material = Material(data, self._params(data))
                self.hooks.build_model(data.task, material.params, self.device)
            except Unsupported as reason:
                refused.append(f"{data.task.name}: {reason}")
                continue
            return material
        raise Failing(
            f"it solves no task that the host has ({'; '.join(refused)})",
            'offer the preset "quick" for "digits", "randman", "spike-train" or "*"',
        )

    def build(self, material: Material | None = None, seed: int = SEED) -> nn.Module:
        """A new model; from here on, the hooks are those of its task."""
        material = material or self.material
        seed_everything(seed)
        return self.hooks.build_model(material.data.task, material.params, self.device)

    def other(self, data: TaskData) -> Material:
        """Another task; Unsupported where the plugin offers it no quick preset."""
        return Material(data, Params(**self.presets.resolve(QUICK, data.task.name, {})))

    def _params(self, data: TaskData) -> Params:
        params = self.presets.resolve(QUICK, data.task.name, {})
        epochs, size = int(params[EPOCHS]), int(params[BATCH_SIZE])
        enough = -(-_UPDATES // -(-len(data.train) // size))
        if data.task.kind == SPIKE_TRAIN:
            enough, epochs = FIT_EPOCHS, 0
        try:
            return Params(
                **self.presets.resolve(QUICK, data.task.name, {EPOCHS: max(epochs, enough)})
            )
        except UsageError:  # above the bound of its own
            return Params(**params)

    @cached_property
    def trained(self) -> nn.Module:
        """A model that was trained and finished."""
        model, data = self.build(), self.material.data
        train(self.hooks, model, self.material.params, data.train, SEED, lambda _: None)
        self.finish(model, self.material)
        return model

    def train_few(
        self, model: nn.Module, updates: int, epochs: int, checkpoints: Checkpoints | None = None
    ) -> dict[str, Tensor]:
        """Trains `model` for `epochs` of a few `updates`; the tensors of its state."""
        params, few = self.material.params, updates * self.material.batch_size
        before, params.epochs = params.epochs, epochs
        try:
            split = self.material.data.train.first(few)
            train(self.hooks, model, params, split, SEED, lambda _: None, checkpoints)
        finally:
            params.epochs = before
        state = model.state_dict()  # that it holds nothing but tensors is another check's
        return {name: value.clone() for name, value in state.items() if isinstance(value, Tensor)}

    def finish(self, model: nn.Module, material: Material) -> None:
        """Ends the training of `model`, as a trial does."""
        finish(self.hooks, model, material.data.train, material.batch_size, SEED)

    def spikes_of(self, model: nn.Module, inputs: Tensor, seed: int = ENCODE_SEED) -> Tensor:
        """The encoded inputs, checked."""
        with torch.no_grad():
            spikes = self.hooks.encode(model, inputs, generator(seed, self.device))
        return checks.encoded(spikes, inputs)

    @cached_property
    def spikes(self) -> Tensor:
        """Some samples that the network was not trained on, encoded: [T, B, ...]."""
        data = self.material.data
        inputs = data.validation.take_inputs(slice(0, SAMPLES))
        return self.spikes_of(self.trained, inputs)

    @cached_property
    def recorded(self) -> Evaluation:
        """The trained network's output for `spikes`, with its activity, as the plugin returns it."""
        return self.evaluate(self.trained, self.spikes, record=True)

    def evaluate(self, model: nn.Module, spikes: Tensor, record: bool = False) -> Evaluation:
        """The output as the plugin returns it; random neurons draw the same numbers in every call."""
        seed_everything(SEED)
        with torch.no_grad():
            return self.hooks.evaluate(model, spikes, record)

    def scores(self, model: nn.Module, spikes: Tensor, record: bool = False) -> Tensor:
        """The last scores [B, C], or output spikes [B, T * C], checked, on the CPU."""
        scores = self.check_scores(self.evaluate(model, spikes, record), spikes)
        if self.material.data.task.kind == SPIKE_TRAIN:
            return scores.transpose(0, 1).flatten(1).cpu()
        return (scores[-1] if scores.ndim == 3 else scores).cpu()

    def check_scores(self, evaluation: Any, spikes: Tensor, task: Task | None = None) -> Tensor:
        """The scores or output spikes as they are; InvalidOutput where they are not what is wanted."""
        task, (steps, batch) = task or self.material.data.task, spikes.shape[:2]
        if task.kind == SPIKE_TRAIN:
            return checks.spike_trains(evaluation, (steps, batch, task.classes))
        return checks.scores(evaluation, batch, task.classes)

    def update(self, model: nn.Module, material: Material, samples: int) -> None:
        """One update with the first training samples; its scalars are checked."""
        hook = self.hooks
        inputs, targets = material.data.train.take(slice(0, samples))
        model.train()
        spikes = hook.encode(model, inputs, generator(SEED, self.device))
        checks.encoded(spikes, inputs)
        checks.numbers(hook.train_step(model, spikes, targets), hook.training)
        model.eval()

    @contextmanager
    def on(self, device: str) -> Iterator[None]:
        """The same probe on another device, as long as the context lasts."""
        before = self.device
        self.device = on_device(device, threads=1)
        try:
            yield
        finally:
            self.device = before


def compare_states(
    ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], device: torch.device, otherwise: str
) -> str:
    """How equal two states are; Failing, with the words `otherwise`, where a tensor differs."""
    exact = device.type == "cpu"
    # On CUDA, atomic additions are in no fixed order.
    tolerance = (0.0, 0.0) if exact else (1e-3, 1e-4)
    for name, value in ours.items():
        if not torch.allclose(value.double(), theirs[name].double(), *tolerance, equal_nan=True):
            raise Failing(f"{name!r} {otherwise}")
    return "bit for bit" if exact else "but for rounding"


def differing_samples(ours: Tensor, theirs: Tensor) -> Tensor:
    """Which samples' scores [B, C] differ by more than rounding: bool [B].

    Sums in another order change the last bits, by which a membrane potential at the threshold may spike:
    whoever asks has to allow for a few.
    """
    scale = max(float(theirs.abs().max()), 1e-6)
    return ((ours - theirs).abs() > 1e-3 * scale).flatten(1).any(1)


def take(spikes: Tensor, index: Any) -> Tensor:
    """The samples at `index` of spikes [T, B, ...]; a view that is expanded over time stays one."""
    if spikes.shape[0] > 1 and spikes.stride(0) == 0:
        return spikes[:1, index].expand(spikes.shape[0], *[-1] * (spikes.ndim - 1))
    return spikes[:, index]


Run = Callable[[Probe], str]
"""A check: returns what it found where all is well, raises Failing or Skipping otherwise."""
