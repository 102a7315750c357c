"""Raw files and folders by their names: where they are looked for, and what tells that they are right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from harness.errors import DataMissing
from harness.plugin.tasks import RawData, TaskSpec

_CHUNK = 1 << 20
#: Which digest a hexadecimal text is, by its length.
_KINDS = {32: "md5", 64: "sha256"}


def digest_of(path: Path, kind: str = "sha256") -> str:
    """The digest of a file, or of a folder's files and their names."""
    if path.is_dir():
        total = hashlib.new(kind, usedforsecurity=False)
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            total.update(f"{file.relative_to(path).as_posix()}\0{digest_of(file, kind)}\0".encode())
        return total.hexdigest()
    with path.open("rb") as content:
        return hashlib.file_digest(
            content, partial(hashlib.new, kind, usedforsecurity=False)
        ).hexdigest()


def locate_files(spec: TaskSpec, folders: Sequence[Path], code: str) -> RawData:
    """The task's files in the first of `folders` that has each; DataMissing where one is nowhere.

    `code` is the digest of the task's own code: what `read` makes of the files depends on it.
    """
    paths, digests, verified = {}, {}, []
    for name, published in spec.files.items():
        path = next((f / name for f in folders if (f / name).exists()), None)
        if path is None:
            searched = ", ".join(map(str, folders)) or "nowhere: no folder was given"
            raise DataMissing(
                f"{spec.name} needs {name}, looked for in {searched}: put it beside the task's "
                f"file, give --data DIR, or set HARNESS_DATA=DIR{_where_from(spec)}"
            )
        paths[name], digests[name] = path, digest_of(path)
        if published:
            kind = _KINDS.get(len(published))
            if kind is None:
                raise DataMissing(
                    f"{spec.name}: the digest of {name} is {published!r}, wanted a SHA-256 or an MD5"
                )
            actual = digests[name] if kind == "sha256" else digest_of(path, kind)
            if actual != published.lower():
                raise DataMissing(
                    f"{path} is damaged or another file: its {kind} is {actual}, wanted {published}"
                )
            verified.append(name)
    unverified = [name for name in paths if name not in verified]
    facts = {
        "source": spec.source or spec.origin,
        "sha256": digests,
        "verified": "by digests" if paths and not unverified else _unverified(unverified),
    }
    assert spec.read is not None
    identity = hashlib.sha256(repr((sorted(digests.items()), code)).encode()).hexdigest()
    return RawData(identity, facts, partial(spec.read, paths))


def look_for(spec: TaskSpec, folders: Sequence[Path]) -> list[str]:
    """What of the task's files lies where, a line each."""
    return [
        f"{name}: " + (f"in {place}" if place else f"in none of {_listed(folders)}")
        for name in spec.files
        for place in [next((f for f in folders if (f / name).exists()), None)]
    ]


def _listed(folders: Iterable[Path]) -> str:
    return ", ".join(map(str, folders)) or "no folder (none was given)"


def _unverified(names: Sequence[str]) -> str:
    return f"not verified, no digest is known: {', '.join(names)}" if names else "needs no files"


def _where_from(spec: TaskSpec) -> str:
    return f"; it is published at {spec.source}" if spec.source else ""
