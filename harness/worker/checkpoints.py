"""Checkpoints of a training: written at the end of an epoch, and where a trial goes on after a kill.

A checkpoint holds the model's state, what the plugin keeps besides (`harness_training_state`), every random
generator, and the learning curve so far. The epochs that follow are then those of a training that nobody
disturbed, bit for bit.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import numpy as np
import torch
from torch import Generator, nn

from harness.catalogue.digest import host_digest
from harness.plugin import EPOCHS, Stateful
from harness.protocol.events import Progress
from harness.protocol.requests import RunTrial
from harness.worker import checkpoint_file, state
from harness.worker.checkpoint_file import Damaged
from harness.worker.hooks import Hooks

NO_HOOK = (
    "no checkpoints, the plugin has no harness_training_state: a trial that is killed begins anew"
)


class Checkpoints:
    """The checkpoint of one trial; `request` says where it lies and how many seconds lie between two.

    `model` is the network in training. `seconds` is how long it was trained in processes before this one,
    `writing` how long this one took to write checkpoints.
    """

    def __init__(self, request: RunTrial, hooks: Hooks, report: Callable[[Progress], None]) -> None:
        self._hooks, self._report = hooks, report
        self._trial = request.trial
        self._path = Path(request.checkpoint) if request.checkpoint else None
        self._every, self._due = request.checkpoint_seconds, 0.0
        self._checkpoint: Mapping[str, Any] | None = None
        self._continued: list[int] = []
        self._start = 0.0
        self.seconds = self.writing = 0.0
        self.facts: dict[str, Any] = {}

    def begin(self, build: Callable[[], nn.Module]) -> nn.Module:
        """The model as `build` makes it, or as the checkpoint has it where there is one of this trial."""
        self.model = build()
        if self._path is not None and (checkpoint := self._read(self._path)):
            try:
                self._load(checkpoint)
            except Exception as error:
                traceback.print_exc()
                self._anew(f"does not load: {type(error).__name__}: {error}")
                self.model = build()
            else:
                self._checkpoint = checkpoint
                self._went_on(checkpoint)
        self._start = perf_counter()
        self._due = monotonic() + self._every
        return self.model

    def resume(self, **generators: Generator) -> list[dict[str, float]]:
        """The learning curve of the epochs that are done; puts `generators` where they were then.

        Called last before the next epoch, since every other draw would move torch's own generator.
        """
        if self._checkpoint is None:
            return []
        _set_generators(self._checkpoint["generators"], generators, self.model)
        history: list[dict[str, float]] = self._checkpoint["history"]
        self._checkpoint = None  # its tensors are not needed any more
        return history

    def offer(self, history: list[dict[str, float]], **generators: Generator) -> None:
        """Writes a checkpoint after an epoch, where it is time for one; no mistake in it ends a trial."""
        if self._path is None or monotonic() < self._due:
            return
        if self._hooks.lacks("harness_training_state"):
            self._give_up(NO_HOOK)
            return
        start = perf_counter()
        try:
            content = self._content(history, generators)
            checkpoint_file.write(self._path, content)
        except Exception as error:  # a full disk, or a state that cannot be kept
            traceback.print_exc()
            self._give_up(f"no checkpoint: {str(error) or type(error).__name__}")
        self.writing += perf_counter() - start
        self.facts["checkpoint_seconds"] = round(self.writing, 3)
        self._due = monotonic() + self._every

    def trained_seconds(self) -> float:
        """How long the training took in all processes, without the writing of checkpoints."""
        return self.seconds + perf_counter() - self._start - self.writing

    def _content(
        self, history: list[dict[str, float]], generators: Mapping[str, Generator]
    ) -> dict[str, Any]:
        parts = self._hooks.training_state(self.model)
        return {
            "identity": _identity(self._trial.model_dump_json()),
            "seconds": self.trained_seconds(),
            "continued": self._continued,
            "history": history,
            "model": state.entries(self.model),
            "parts": {name: _state_of(part) for name, part in parts.items()},
            "generators": _generators(generators, self.model),
        }

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            checkpoint = checkpoint_file.read(path)
            same = checkpoint["identity"] == _identity(self._trial.model_dump_json())
        except FileNotFoundError:
            return None
        except (Damaged, KeyError, TypeError) as error:
            self._anew(f"is damaged ({error})")
            return None
        if not same:
            self._anew("is of another trial, plugin, host or torch")
            return None
        kept: dict[str, Any] = checkpoint
        return kept

    def _load(self, checkpoint: Mapping[str, Any]) -> None:
        state.load(self.model, checkpoint["model"])
        parts = self._hooks.training_state(self.model)
        if parts.keys() != checkpoint["parts"].keys():
            raise KeyError("harness_training_state names other parts")
        for name, part in parts.items():
            _set_state(part, checkpoint["parts"][name])

    def _went_on(self, checkpoint: Mapping[str, Any]) -> None:
        done, epochs = len(checkpoint["history"]), self._trial.row.params.get(EPOCHS)
        self.seconds = checkpoint["seconds"]
        self._continued = [*checkpoint["continued"], done]
        self.facts["continued"] = self._continued
        note = f"goes on after epoch {done} of {epochs}, {self.seconds:.1f} s of training"
        self._report(Progress(stage="train", spent=self.seconds, note=note))

    def _anew(self, why: str) -> None:
        """The checkpoint is not used; it lies there until the next one is written."""
        self.facts["checkpoint"] = f"its checkpoint {why}: it began anew"
        self._report(Progress(stage="build", note=f"its checkpoint {why}: it begins anew"))

    def _give_up(self, why: str) -> None:
        self._path = None
        self.facts["checkpoint"] = why
        self._report(Progress(stage="train", note=why))


def _identity(trial: str) -> dict[str, str]:
    """What decides a training beside its machine: the trial holds the plugin's digest, and the data's."""
    return {"trial": trial, "host": host_digest(), "torch": str(torch.__version__)}


def _state_of(part: Stateful | Generator) -> Any:
    return part.get_state() if isinstance(part, Generator) else part.state_dict()


def _set_state(part: Stateful | Generator, saved: Any) -> None:
    if isinstance(part, Generator):
        part.set_state(saved)
    else:
        part.load_state_dict(saved)


def _generators(own: Mapping[str, Generator], model: nn.Module) -> dict[str, Any]:
    """The states of the host's `own` generators, of Python's, numpy's and torch's, on each device."""
    name, words, *rest = np.random.get_state()
    return {
        "own": {key: generator.get_state() for key, generator in own.items()},
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(np.asarray(words).astype(np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "cuda": {str(device): torch.cuda.get_rng_state(device) for device in _gpus(model)},
    }


def _set_generators(
    saved: Mapping[str, Any], own: Mapping[str, Generator], model: nn.Module
) -> None:
    for key, generator in own.items():
        generator.set_state(saved["own"][key])
    random.setstate(saved["python"])
    name, words, *rest = saved["numpy"]
    np.random.set_state((name, words.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(saved["torch"])
    for device in _gpus(model):
        with suppress(KeyError):
            torch.cuda.set_rng_state(saved["cuda"][str(device)], device)


def _gpus(model: nn.Module) -> set[torch.device]:
    return {p.device for p in model.parameters() if p.device.type == "cuda"}
