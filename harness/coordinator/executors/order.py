"""What travels between the coordinator and a node: a trial there, and what it came to back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.catalogue.digest import package_digest
from harness.catalogue.metrics import BUILT_IN
from harness.catalogue.plugins import Plugin
from harness.coordinator.executors.job import Outcome
from harness.coordinator.executors.parcel import Parcel
from harness.protocol.requests import MetricPlace
from harness.subjects import Trial


@dataclass(frozen=True)
class Evidence:
    """What metrics by hook need of a trial: see `RunTrial`.

    `changed` are the metrics under whose changes it is evaluated. `sources` are the contents of those
    that are files, by their paths, and `digests` those of the packages of others, by their modules.
    """

    changed: tuple[MetricPlace, ...] = ()
    sources: Mapping[str, bytes] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Evidence | None:
        """What the fields `asked` of `RunTrial` want; None where they want nothing."""
        if not asked.get("evidence"):
            return None
        changed = tuple(asked.get("changed", ()))
        files = {each.place.file for each in changed if each.place.file}
        modules = {each.place.module for each in changed if each.place.module}
        return cls(
            changed,
            {file: Path(file).read_bytes() for file in sorted(files)},
            {name: _digest(name) for name in sorted(modules - set(BUILT_IN.values()))},
        )

    def mismatch(self) -> str:
        """Why this node cannot leave it; "" where it can."""
        other = [name for name, digest in self.digests.items() if _digest(name) != digest]
        if other:
            return f"it has another version of the metrics of {other[0]}: install the same on every node"
        return ""

    def asked(self, scratch: Path) -> dict[str, Any]:
        """The fields of `RunTrial` here; files of metrics are written into the folder `scratch`."""
        places = {}
        for number, (file, content) in enumerate(self.sources.items()):
            path = scratch / f"metrics-{number}" / Path(file).name
            path.parent.mkdir()
            path.write_bytes(content)
            places[file] = str(path)
        changed = tuple(
            MetricPlace(
                place=replace(each.place, file=places.get(each.place.file, "")), name=each.name
            )
            for each in self.changed
        )
        return {"evidence": str(scratch / "evidence.safetensors"), "changed": changed}


@dataclass(frozen=True)
class Order:
    """A trial as it travels to a node, with the digests of all that must be alike there.

    `source` is the content of a plugin that is a file. `data` and `task` say what to prepare, and
    `arrays` is the digest of the prepared arrays. `evidence` is what metrics by hook need, if any do.
    """

    plugin: Plugin
    trial: Trial
    host: str
    task: str
    data: tuple[str, ...]
    arrays: str
    source: bytes = b""
    timeout: float | None = None
    memory: float | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Delivery:
    """What comes back. With `refused`, nothing was run: the node cannot do what this machine would do."""

    address: str
    outcome: Outcome | None = None
    files: dict[str, Parcel | None] = field(default_factory=dict)
    refused: str = ""


_digest = cache(package_digest)
