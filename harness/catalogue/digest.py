"""Digests of source code: what tells two versions of a method apart, whatever their names say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from harness.catalogue.source import imports
from harness.errors import UsageError

#: The rooms of the host that run in a worker, and so decide results with the plugin.
_WORKER_ROOMS = ("plugin", "worker", "measure", "tasks", "metrics")


def file_digest(path: Path) -> str:
    """SHA-256, in hexadecimal, of a file; of one of Python with what it imports from beside it.

    Without the host, which has a digest of its own: a file in the folder of a checkout lies beside it.
    """
    path = path.resolve()
    try:
        files = _with_imports(path) if path.suffix == ".py" else {path}
        return _digest([(path.parent, files)]) if len(files) > 1 else _content_digest(path)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from None


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
    return _content_digest(Path(spec.origin)) if spec.origin and Path(spec.origin).is_file() else ""


def host_digest() -> str:
    """SHA-256 over the host's own files that run in a worker."""
    here = Path(__file__).parent.parent
    return _digest((here, (here / room).rglob("*.py")) for room in _WORKER_ROOMS)


def _with_imports(path: Path) -> set[Path]:
    """`path`, the modules and packages beside it that it imports, and those that these import."""
    files, unread = {path}, [path]
    while unread:
        text = unread.pop().read_text(encoding="utf-8-sig", errors="replace")
        for name in imports(text) - {"harness"}:
            module = path.parent / f"{name}.py"
            beside = {*(path.parent / name).rglob("*.py"), *([module] if module.is_file() else [])}
            # What is installed comes first, as in a worker.
            if beside - files and not _is_elsewhere(name, path.parent):
                unread += beside - files
                files |= beside
    return files


def _is_elsewhere(module: str, folder: Path) -> bool:
    """Whether the import system finds `module` outside of `folder`."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return False
    origin = spec.origin if spec else None
    return origin is not None and not Path(origin).is_relative_to(folder)


def _content_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(parts: Iterable[tuple[Path, Iterable[Path]]]) -> str:
    total = hashlib.sha256()
    for folder, paths in parts:
        for path in sorted(paths):
            content = path.read_bytes()
            name = path.relative_to(folder).as_posix()
            total.update(f"{name}\0{len(content)}\0".encode())
            total.update(content)
    return total.hexdigest()
