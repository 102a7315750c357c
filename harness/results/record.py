"""The schema of a run's records: one JSON line for what became of one trial, or of its timing."""

from __future__ import annotations

import json
import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.plugin import Value
from harness.protocol import Status

#: Raised when a field changes its meaning or goes; records of another version are refused, not guessed.
SCHEMA = 1


class Record(BaseModel):
    """One line of `trials.jsonl`.

    A trial leaves one record of stage `trial`; the timing group adds one of stage `timing` for each
    row that it measured. `metrics` holds what was measured and nothing else: absent means not
    measured, never 0, and `absent` says why where there is a reason to tell. Its names are those of
    docs/metrics.md; `layers` holds the same for each layer,
    `history` the mean of each training scalar by epoch, `raster` the steps at which the input, target
    and output neurons of a fitted spike train spike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA
    stage: Literal["trial", "timing"]
    key: str
    plugin: str
    label: str
    framework: str
    framework_version: str = ""
    task: str
    preset: str
    params: dict[str, Value] = {}
    seed: int
    device: str
    threads: int = 1
    status: Status
    reason: str = ""
    metrics: dict[str, Any] = {}
    absent: dict[str, str] = {}
    layers: list[dict[str, Any]] = []
    history: list[dict[str, float]] = []
    raster: dict[str, list[list[int]]] = {}
    versions: dict[str, str] = {}
    started: str = ""
    seconds: float = 0.0
    jobs: int = 1
    log: str = ""

    def to_line(self) -> str:
        """The record as one JSON line, without its newline."""
        data = self.model_dump()
        data["schema"] = data.pop("schema_version")
        return json.dumps(data, allow_nan=False, ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> Record:
        """The record of one JSON line; ValueError that says in one line what is wrong with it."""
        try:
            data = json.loads(line, parse_constant=_reject_constant)
        except ValueError as error:
            raise ValueError(f"no valid JSON ({error})") from None
        if not isinstance(data, dict):
            raise ValueError("no JSON object")
        if data.get("schema") != SCHEMA:
            raise ValueError(f"schema {data.get('schema')!r}, this version reads {SCHEMA}")
        data["schema_version"] = data.pop("schema")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{where}: {first['msg']}") from None


def finite(metrics: dict[str, Any]) -> dict[str, Any]:
    """`metrics` without the values that are no finite number: not measured, so absent."""
    return {
        name: value
        for name, value in metrics.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
