"""Digests of source code: what tells two versions of a method apart, whatever their names say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

#: The rooms of the host that run in a worker, and so decide results with the plugin.
_WORKER_ROOMS = ("plugin", "worker", "measure", "tasks", "metrics")


def file_digest(path: Path) -> str:
    """SHA-256 of one file's content, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def package_digest(module: str) -> str:
    """SHA-256 over the Python files of the package that `module` belongs to; empty without one.

    Found where the import system would find it, in an editable install too; nothing is imported.
    """
    top = module.partition(".")[0]
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        spec = PathFinder.find_spec(top)
    if spec is None:
        return ""
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if folders:
        return _digest((folder, folder.rglob("*.py")) for folder in folders)
    return file_digest(Path(spec.origin)) if spec.origin and Path(spec.origin).is_file() else ""


def host_digest() -> str:
    """SHA-256 over the host's own files that run in a worker."""
    here = Path(__file__).parent.parent
    return _digest((here, (here / room).rglob("*.py")) for room in _WORKER_ROOMS)


def _digest(parts: Iterable[tuple[Path, Iterable[Path]]]) -> str:
    total = hashlib.sha256()
    for folder, paths in parts:
        for path in sorted(paths):
            content = path.read_bytes()
            name = path.relative_to(folder).as_posix()
            total.update(f"{name}\0{len(content)}\0".encode())
            total.update(content)
    return total.hexdigest()
