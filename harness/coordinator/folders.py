"""Folders of runs: where they lie by default, what else may not lie in them, where their paths begin."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.catalogue.functions import split_function
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


def start_folder(run: Path) -> str:
    """The current folder, relative to that of a run: what a run keeps to find its files again."""
    return os.path.relpath(Path.cwd(), run.absolute())


def located_options(options: Mapping[str, Any], base: Path | None) -> dict[str, Any]:
    """`options` of a configuration, the paths among them as `located` sees them."""

    def seen(name: str, value: Any) -> Any:
        match name:
            case "plugins" | "metrics":
                return type(value)(located_plugin(each, base) for each in value)
            case "data":
                return type(value)(located(each, base) for each in value)
            case "task":
                return located_tasks(value, base)
            case "params":
                return located_params(value, base)
        return value

    return {name: seen(name, value) for name, value in options.items()}


def located_plugin(name: str, base: Path | None) -> str:
    """A plugin's name; or its file, with the version after its @ if any, as `located` sees it."""
    path, suffix, version = name.rpartition(".py")
    if suffix and (not version or version.startswith("@")):
        return located(path + suffix, base) + version
    return name


def located_tasks(text: str, base: Path | None) -> str:
    """The tasks that `text` of --task names, their files as `located` sees them."""
    from harness.catalogue.tasks import split_path, split_tasks

    parts = map(split_path, split_tasks(text))
    return ",".join(located(path, base) + rest if path else rest for path, rest in parts)


def located(text: str, base: Path | None) -> str:
    """The path `text` as seen from here, where it was written in the folder `base`."""
    if base is None or Path(text).is_absolute() or not (base / text).exists():
        return text
    return str(base / text)


def located_params(params: Mapping[str, Mapping[str, Any]], base: Path | None) -> dict[str, Any]:
    """Parameters by plugin, each a tuple of values: those that name a file, as `located` sees it."""

    def seen(value: Any) -> Any:
        path, rest = split_function(value) if isinstance(value, str) else ("", "")
        return located(path, base) + rest if path else value

    return {
        pattern: {name: tuple(map(seen, values)) for name, values in chosen.items()}
        for pattern, chosen in params.items()
    }
