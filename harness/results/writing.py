"""Writes the files of a run: whole or not at all, and never through a symbolic link."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO, cast


def replace(path: Path, content: bytes) -> None:
    """Writes the file, whole or not at all: a reader sees the old one or the new one.

    OSError where its folder is a link: what lies there is no part of the run.
    """
    if path.parent.is_symlink():
        raise OSError(errno.ELOOP, f"{path.parent.name} is a symbolic link", str(path.parent))
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.unlink(missing_ok=True)
        with partial.open("xb") as file:  # new: what lies in its place may be a link
            file.write(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def opened(path: Path) -> BinaryIO:
    """The file, to be read and appended to; OSError where it is a link."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    return cast(BinaryIO, os.fdopen(os.open(path, flags, 0o666), "a+b"))
