"""One plugin behind its hooks: every call is checked, and an error says which hook it came from."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from harness.plugin import hookspecs
from harness.plugin import SPIKE_TRAIN, Evaluation, Params, Presets, Scalars, Task, Unsupported
from harness.subjects import PluginLocation
from harness.errors import InvalidOutput
from harness.worker import checks

if TYPE_CHECKING:
    from torch import Generator, Tensor, device, nn

_WANTED = ("presets", "build_model", "evaluate")
#: What the kinds of tasks need beyond that; a plugin brings one of them at least.
_CLASSIFYING, _FITTING = ("encode", "train_step"), ("train_sequence",)


class Hooks:
    """The hooks of one plugin, by their names without the prefix. `current` is the one running."""

    def __init__(self, source: PluginLocation) -> None:
        self.current = "import"
        manager = pluggy.PluginManager("harness")
        manager.add_hookspecs(hookspecs)
        with self._running("import"):
            module = load_module(source)
            manager.register(module, name=source.name)
            manager.check_pending()
        self._hook = manager.hook
        either = () if self._lacks(*_FITTING) == "" else _CLASSIFYING
        if missing := self._lacks(*_WANTED, *either):
            raise InvalidOutput(f"{source.name} does not implement {missing}")
        self._evaluate = _direct(self._hook.harness_evaluate)

    def _lacks(self, *names: str) -> str:
        """Those of the hooks `names` that the plugin does not implement."""
        hooks = [f"harness_{name}" for name in names]
        return ", ".join(name for name in hooks if not getattr(self._hook, name).get_hookimpls())

    @contextmanager
    def _running(self, name: str) -> Iterator[None]:
        self.current = name
        yield
        self.current = ""  # not in a finally: after an error it tells where it happened

    def presets(self) -> Presets:
        """The plugin's parameters and presets."""
        with self._running("harness_presets"):
            return checks.presets(self._hook.harness_presets())

    def build_model(self, task: Task, params: Params, device: device) -> nn.Module:
        """A fresh model on `device`; from here on, `encode` and `train_step` are those of `task`."""
        needed = _FITTING if task.kind == SPIKE_TRAIN else _CLASSIFYING
        if missing := self._lacks(*needed):
            raise Unsupported(f"has no {missing}, which a task of kind {task.kind} needs")
        self._comes_as_spikes = task.steps is not None
        self._training = f"harness_{needed[-1]}"
        if task.kind == SPIKE_TRAIN:
            self._train_step = _direct(self._hook.harness_train_sequence)
        else:
            self._encode = _direct(self._hook.harness_encode)
            self._train_step = _direct(self._hook.harness_train_step)
        with self._running("harness_build_model"):
            return checks.model(
                self._hook.harness_build_model(task=task, params=params, device=device)
            )

    def encode(self, model: nn.Module, inputs: Tensor, generator: Generator) -> Tensor:
        """Spikes or currents [T, B, ...] of inputs [B, ...]; only their shape is checked.

        Inputs that are spike trains [B, T, ...] are merely turned.
        """
        if self._comes_as_spikes:
            return inputs.transpose(0, 1).contiguous()
        self.current = "harness_encode"
        spikes: Tensor = self._encode(model=model, inputs=inputs, generator=generator)
        if getattr(spikes, "ndim", 0) < 2 or spikes.shape[1] != inputs.shape[0]:
            checks.encoded_shape(spikes, inputs)
        return spikes

    def train_step(self, model: nn.Module, spikes: Tensor, targets: Tensor) -> Scalars:
        """One update, of the hook that the task's kind needs; whoever adds up the scalars checks them."""
        self.current = self._training
        scalars: Scalars = self._train_step(model=model, spikes=spikes, targets=targets)
        return scalars

    def finish_training(
        self, model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], generator: Generator
    ) -> Scalars:
        """Calibration, conversion or labels; nothing where the plugin has no such hook."""
        with self._running("harness_finish_training"):
            scalars: Scalars | None = self._hook.harness_finish_training(
                model=model, batches=batches, generator=generator
            )
            return scalars or {}

    def evaluate(self, model: nn.Module, spikes: Tensor, record: bool) -> Evaluation:
        """The answer to `spikes`; checked by whoever reads it."""
        self.current = "harness_evaluate"
        evaluation: Evaluation = self._evaluate(model=model, spikes=spikes, record=record)
        return evaluation


def _direct(hook: pluggy.HookCaller) -> Callable[..., Any]:
    """The hook's one implementation, called without pluggy's loop over implementations.

    The hooks of every batch go this way: the loop takes about as long as a small tensor operation,
    which would show in a single sample's latency. A wrapper around the hook keeps the loop.
    """
    implementations = hook.get_hookimpls()
    found = implementations[0]
    if len(implementations) > 1 or found.hookwrapper or found.wrapper:
        return hook
    function, names = found.function, found.argnames

    def call(**arguments: object) -> object:
        return function(*[arguments[name] for name in names])

    return call


def load_module(source: PluginLocation) -> ModuleType:
    """The plugin's module, imported or loaded from its file."""
    if source.module:
        return importlib.import_module(source.module)
    path = Path(source.file)
    # Not by its plain name: a file norse.py may well import norse.
    name = f"harness_file_{path.stem.replace('-', '_')}"
    loader = _SourceLoader(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


class _SourceLoader(SourceFileLoader):
    """Compiles the file each time, and leaves nothing beside it.

    Bytecode counts as fresh by the second and the size of its source: 0.1 changed to 0.2 within a
    second of the last run would go unseen.
    """

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)
