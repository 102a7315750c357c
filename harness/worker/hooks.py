"""One plugin behind its hooks: every call is checked, and an error says which hook it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

from harness.errors import InvalidOutput
from harness.plugin import (
    SPIKE_TRAIN,
    Evaluation,
    ModelNeuron,
    Params,
    Presets,
    Scalars,
    Stateful,
    Task,
    Unsupported,
)
from harness.subjects import PluginLocation
from harness.worker import checks, settings
from harness.worker.loading import LoadedPlugin

if TYPE_CHECKING:
    from torch import Generator, Tensor, device, nn

_WANTED = ("harness_presets", "harness_build_model", "harness_evaluate")
#: What the kinds of tasks need beyond that; a plugin brings one of them at least.
_CLASSIFYING = ("harness_encode", "harness_train_step")
_FITTING = ("harness_train_sequence",)


class Hooks(LoadedPlugin):
    """The hooks of one plugin that trains networks, by their names without the prefix."""

    def __init__(self, location: PluginLocation) -> None:
        super().__init__(location)
        settings.pin_again()  # a library that was imported may have changed them
        either = () if not self.lacks(*_FITTING) else _CLASSIFYING
        if missing := self.lacks(*_WANTED, *either):
            raise InvalidOutput(f"{self.name} does not implement {', '.join(missing)}")
        self._evaluate = _direct(self.hook.harness_evaluate)
        self._files = dict(location.files)

    def presets(self) -> Presets:
        """The plugin's parameters and presets."""
        with self.running("harness_presets"):
            return checks.presets(self.hook.harness_presets())

    def build_model(self, task: Task, params: Params, device: device) -> nn.Module:
        """A fresh model on `device`; from here on, `encode` and `train_step` are those of `task`."""
        needed = _FITTING if task.kind == SPIKE_TRAIN else _CLASSIFYING
        if missing := self.lacks(*needed):
            names = ", ".join(missing)
            raise Unsupported(f"has no {names}, which a task of kind {task.kind} needs")
        self._comes_as_spikes = task.steps is not None
        #: The hook that trains on this kind of task.
        self.training = needed[-1]
        self._train_step = _direct(getattr(self.hook, self.training))
        if task.kind != SPIKE_TRAIN:
            self._encode = _direct(self.hook.harness_encode)
        if self._files:
            places = {
                name: self._files.get(str(value), value) for name, value in vars(params).items()
            }
            params = Params(**places)
        with self.running("harness_build_model"):
            model = self.hook.harness_build_model(task=task, params=params, device=device)
            settings.pin_again()
            return checks.model(model)

    def encode(self, model: nn.Module, inputs: Tensor, generator: Generator) -> Tensor:
        """Spikes or currents [T, B, ...] of inputs [B, ...]; only their shape is checked.

        Inputs that are spike trains [B, T, ...] are merely transposed.
        """
        if self._comes_as_spikes:
            return inputs.transpose(0, 1).contiguous()
        self.current = "harness_encode"
        spikes: Tensor = self._encode(model=model, inputs=inputs, generator=generator)
        if getattr(spikes, "ndim", 0) < 2 or spikes.shape[1] != inputs.shape[0]:
            checks.encoded_shape(spikes, inputs)
        return spikes

    def train_step(self, model: nn.Module, spikes: Tensor, targets: Tensor) -> Scalars:
        """One update, by the hook that the task's kind needs; whoever adds up the scalars checks them."""
        self.current = self.training
        scalars: Scalars = self._train_step(model=model, spikes=spikes, targets=targets)
        return scalars

    def finish_training(
        self, model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], generator: Generator
    ) -> Scalars:
        """Calibration, conversion or labels; nothing where the plugin has no such hook."""
        with self.running("harness_finish_training"):
            scalars: Scalars | None = self.hook.harness_finish_training(
                model=model, batches=batches, generator=generator
            )
            return {} if scalars is None else scalars

    def training_state(self, model: nn.Module) -> Mapping[str, Stateful | Generator]:
        """What training keeps outside of the model's state; for a plugin that has the hook."""
        with self.running("harness_training_state"):
            return checks.training_state(self.hook.harness_training_state(model=model))

    def neuron(self, model: nn.Module) -> ModelNeuron | None:
        """The neuron that the model claims to use; None where it claims none."""
        with self.running("harness_neuron"):
            return checks.neuron(self.hook.harness_neuron(model=model))

    def evaluate(self, model: nn.Module, spikes: Tensor, record: bool) -> Evaluation:
        """The output for `spikes`; checked by whoever reads it."""
        self.current = "harness_evaluate"
        evaluation: Evaluation = self._evaluate(model=model, spikes=spikes, record=record)
        return evaluation


def _direct(hook: pluggy.HookCaller) -> Callable[..., Any]:
    """The hook's one implementation, called without pluggy's loop over implementations.

    The hooks of every batch go this way: the loop takes about as long as a small tensor operation,
    which would show in a single sample's latency. A wrapper around the hook keeps the loop.
    """
    implementations = hook.get_hookimpls()
    implementation = implementations[0]
    if len(implementations) > 1 or implementation.hookwrapper or implementation.wrapper:
        return hook
    function, names = implementation.function, implementation.argnames

    def call(**arguments: object) -> object:
        return function(*[arguments[name] for name in names])

    return call
