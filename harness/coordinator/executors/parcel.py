"""Files that travel from a node to the coordinator: whole, by their SHA-256, or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from harness.results.writing import replace

#: What a worker prints is kept up to this much, from its end: where the error stands.
LOG_BYTES = 2**22


class Damaged(Exception):
    """A file did not arrive as it was sent."""


@dataclass(frozen=True)
class Parcel:
    """The content of one file, and the SHA-256 that it had on the node."""

    content: bytes
    digest: str

    @classmethod
    def of(cls, path: Path, limit: int | None = None) -> Parcel | None:
        """The file at `path`, or its last `limit` bytes; None where there is none."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        content = content[-limit:] if limit else content
        return cls(content, hashlib.sha256(content).hexdigest())

    def check(self, name: str) -> None:
        """Damaged where the content has another digest than on the node; `name` is what it is."""
        if hashlib.sha256(self.content).hexdigest() != self.digest:
            raise Damaged(f"{name} came back damaged")

    def keep(self, path: Path) -> None:
        """Writes the file, whole or not at all; OSError where it cannot be written."""
        replace(path, self.content)
