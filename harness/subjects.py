"""What is trained and measured, as data: its identity decides what may be compared with what.

Nothing here is a label. Labels are made last, for people (`harness.results.labels`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.plugin.contract import Neuron, Value

Status = Literal["ok", "skipped", "failed", "timeout", "oom", "crashed", "invalid"]
#: How a trained network is evaluated: as it is, by torch.compile, or by CUDA graphs.
VARIANTS = ("eager", "compile", "graphs")


@dataclass(frozen=True)
class PluginLocation:
    """Where a worker finds a plugin: a module to import, or a file to load.

    `files` are the files that the row's parameters name: (what stands in the row, where it is).
    """

    name: str
    module: str = ""
    file: str = ""
    files: tuple[tuple[str, str], ...] = ()


class Data(BaseModel):
    """Immutable data that crosses processes and lies in records; unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class TaskLocation(Data):
    """Where a worker finds a task: in which module or file, by which name, with which parameters.

    Without a name it is the only one of its file. `digest` is that of its code.
    """

    place: PluginLocation
    name: str = ""
    options: dict[str, str] = {}
    digest: str = ""


#: What a row has from the installed code, whatever the command asks for.
_FOUND = {"framework", "framework_version", "digest", "params", "data"}

#: Keys that were computed: a report of 10 000 trials asks for 80 000, of a tenth as many subjects.
_KEYS: dict[tuple[type, str], str] = {}
_MOST_KEYS = 5000


class Contender(Data):
    """Which code runs, and on what.

    `digest` is that of the plugin's source: its file, or all files of its package. `framework_version`
    is the version of the library that it is built on, `pinned` the one that NAME@VERSION asked for.
    """

    plugin: str
    framework: str
    framework_version: str = ""
    digest: str = ""
    pinned: str | None = None
    device: str = "cpu"
    threads: int = 1

    @property
    def contender(self) -> str:
        """The plugin, with the version of its framework that was asked for."""
        return f"{self.plugin}@{self.pinned}" if self.pinned else self.plugin

    @property
    def key(self) -> str:
        """A short text that no other subject has: the plugin's name and a digest of the identity."""
        try:
            known = type(self), self.model_dump_json()
        except ValueError:  # a lone surrogate, which has no UTF-8
            return self._key()
        key = _KEYS.get(known)
        if key is None:
            if len(_KEYS) >= _MOST_KEYS:
                _KEYS.clear()
            key = _KEYS[known] = self._key()
        return key

    def _key(self) -> str:
        identity = self._identity()
        return f"{self.plugin}-{hashlib.sha256(identity.encode()).hexdigest()[:10]}"

    @property
    def asked(self) -> str:
        """What the command asked for: the same although the plugin's code or version has changed."""
        return self._identity(exclude=_FOUND)

    def _identity(self, exclude: set[str] | None = None) -> str:
        """Without what is None: a field that a later version adds changes no row that has none of it."""
        fields = self.model_dump(mode="json", exclude=exclude).items()
        return json.dumps({k: v for k, v in fields if v is not None}, sort_keys=True)


class Row(Contender):
    """One row of the comparison of networks.

    `params` are all parameters of the plugin, resolved; `swept` are those of which the command gave
    several values, each of which is a row. `limit` is the number of samples that each split was cut to,
    `data` the digest of the task's arrays.
    """

    task: str
    preset: str
    params: dict[str, Value] = {}
    swept: dict[str, Value] = {}
    limit: int | None = None
    data: str | None = None


class Trial(Data):
    """One row with one seed: all that decides a trained network."""

    row: Row
    seed: int

    @property
    def key(self) -> str:
        """What tells this trial from every other, also as a file's name."""
        return f"{self.row.key}-seed{self.seed}"


class LayerSize(Data):
    """One layer to be measured: `neurons` inputs and outputs, of whose inputs `density` are not 0."""

    neurons: int
    steps: int
    batch: int
    density: float

    @property
    def inputs(self) -> int:
        """The number of values in the inputs [T, B, neurons] of a call, and in its outputs."""
        return self.steps * self.batch * self.neurons


class LayerRow(Contender):
    """One framework's layer of `neuron`, in one size."""

    neuron: Neuron
    size: LayerSize
