"""The records of `harness layers`, and the folder that they lie in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import UsageError
from harness.protocol import Status
from harness.results.store import RUN, RunFolder, file_name

#: Raised when a field changes its meaning or goes.
SCHEMA = 1

LAYERS = "layers.jsonl"


class LayerRecord(BaseModel):
    """One line of `layers.jsonl`.

    Stage `peaks`: what the device does at most, before and after the measurements. Stage
    `equivalence`: whether a framework's layer is the neuron; `skipped` where it refuses, `invalid`
    where it is another. Stage `speed`: one framework at one size. `neuron` holds the fields of
    `harness.plugin.Neuron`; what does not apply is absent from `metrics` and empty elsewhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA
    stage: Literal["peaks", "equivalence", "speed"]
    key: str
    plugin: str = ""
    framework: str = ""
    framework_version: str = ""
    neuron: dict[str, Any] = {}
    neurons: int = 0
    steps: int = 0
    batch: int = 0
    density: float = 0.0
    device: str
    threads: int
    status: Status
    reason: str = ""
    metrics: dict[str, Any] = {}
    log: str = ""

    def to_line(self) -> str:
        """The record as one JSON line, without its newline."""
        data = self.model_dump()
        data["schema"] = data.pop("schema_version")
        return json.dumps(data, allow_nan=False, ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> LayerRecord:
        """The record of one JSON line; ValueError that says what is wrong with it."""
        data = json.loads(line)
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise ValueError(f"no record of schema {SCHEMA}")
        data["schema_version"] = data.pop("schema")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{where}: {first['msg']}") from None


class LayersFolder:
    """A folder of `harness layers` on disk. Only the coordinator writes here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = RunFolder(path)

    @classmethod
    def create(cls, path: Path, description: dict[str, Any]) -> LayersFolder:
        """A new one at `path`; UsageError where something is there already or cannot be written."""
        check_free(path)
        folder = cls(path)
        try:
            for name in ("logs", "samples"):
                (path / name).mkdir(parents=True, exist_ok=True)
            (path / LAYERS).touch()
        except OSError as error:
            raise UsageError(
                f"cannot write to {path} ({error.strerror}): give another --out"
            ) from None
        folder.run.describe({"kind": "layers", **description})
        return folder

    @classmethod
    def open(cls, path: Path) -> LayersFolder:
        """An existing one; UsageError where there is none."""
        folder = cls(path)
        if not (path / LAYERS).is_file():
            raise UsageError(f"{path} holds no layers: it has no {LAYERS}")
        return folder

    def description(self) -> dict[str, Any]:
        """What run.json says."""
        return self.run.description()

    def append(self, record: LayerRecord) -> None:
        """Adds one record; it is on the disk when this returns."""
        try:
            with (self.path / LAYERS).open("ab") as file:
                file.write(record.to_line().encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(f"cannot write to {self.path} ({error.strerror})") from None

    def records(self) -> list[LayerRecord]:
        """Every record; UsageError that names the line which cannot be read."""
        found = []
        lines = (self.path / LAYERS).read_bytes().split(b"\n")
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    found.append(LayerRecord.from_line(line.decode()))
                except ValueError as error:
                    raise UsageError(f"{self.path / LAYERS} line {number}: {error}") from None
        return found

    def log(self, plugin: str) -> Path:
        """Where what the plugin's worker prints goes."""
        return self.path / "logs" / f"{file_name(plugin)}.log"


def check_free(path: Path) -> None:
    """UsageError where no new folder can be made at `path`: found before any work is done."""
    if (path / RUN).exists():
        raise UsageError(f"{path} already holds a run: give another --out")
    RunFolder.check_free(path)
