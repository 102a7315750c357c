"""Folders of runs: where they lie by default, and what else may not lie in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import UsageError

RESULTS = Path("results")


@contextmanager
def new_folder(out: str | Path | None, name: str) -> Iterator[Path]:
    """`out`, or a new folder results/<time>-<name>, the time in UTC; UsageError where it cannot be.

    The folder is made at once, so that no other command begun in the same second takes it, and is
    removed where the command has left it empty.
    """
    if out is not None:
        yield _checked(Path(out))
        return
    first = not RESULTS.exists()
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-")[:100]
    path = _made(f"{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}-{plain}")
    try:
        yield path
    finally:
        with suppress(OSError):  # it is not empty
            path.rmdir()
            if first:
                RESULTS.rmdir()


def _checked(path: Path) -> Path:
    """`path`; UsageError where the system refuses such a name."""
    try:
        str(path).encode()
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        short = str(path).encode(errors="backslashreplace").decode()
        short = short if len(short) <= 60 else f"{short[:57]}..."
        raise UsageError(f"cannot write to {short} ({reason}): give another --out") from None
    return path


def _made(name: str) -> Path:
    number = 1
    while True:
        path = RESULTS / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not RESULTS.is_dir():
                raise UsageError(f"{RESULTS} is no folder: give an --out") from None
            number += 1
        except OSError as error:
            raise UsageError(
                f"cannot write to {RESULTS.absolute()} ({error.strerror}): "
                "give --out a folder you can write to"
            ) from None
        else:
            return path


def check_links(path: Path) -> None:
    """UsageError where a symbolic link lies in the run at `path`: what it points to is not the run's."""
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            link = Path(folder, name)
            if link.is_symlink():
                raise UsageError(
                    f"{link} is a symbolic link to {link.readlink()}: "
                    "nothing is written through it; replace it by what it points to"
                )
