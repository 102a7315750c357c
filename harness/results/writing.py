"""Writes the files of a run: whole or not at all, and never through a symbolic link."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from harness.errors import UsageError


def replace(path: Path, content: bytes) -> None:
    """Writes the file, whole or not at all: a reader sees the old one or the new one.

    OSError where its folder is a link: what lies there is no part of the run.
    """
    refuse_link(path.parent)
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


def refuse_link(folder: Path) -> None:
    """OSError where the folder of a run is a link."""
    if folder.is_symlink():
        raise OSError(errno.ELOOP, f"{folder.name} is a symbolic link", str(folder))


@contextmanager
def writing(path: Path, again: str = "--resume it") -> Iterator[None]:
    """A UsageError in one line where something in the run at `path` cannot be written.

    `again` is what to do when a full disk has room.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        mend = f"free some room, then {again}" if full else "give --out a folder you can write to"
        raise UsageError(f"cannot write to {path} ({error.strerror or error}): {mend}") from None
