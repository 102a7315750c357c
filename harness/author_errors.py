"""Exceptions of an author's code: what they say, the name that was meant, and the line in the file."""

from __future__ import annotations

import inspect
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.errors import nearest

_HOST, _LIBRARY = Path(__file__).parent, Path(sysconfig.get_path("stdlib"))
_TOOLKIT = _HOST / "plugin" / "toolkit"
_KEYWORD = re.compile(r"([\w.]+)\(\) got an unexpected keyword argument '(\w+)'")
_IMPORTED = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")


def raised_at(error: BaseException) -> str:
    """File and line of the last call in an author's code, as `mine.py:42`; "" where there is none.

    A function of the toolkit counts only where no author's called it: what it was given is its caller's.
    """
    frames = [
        (Path(frame.filename), frame.lineno)
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    ]
    own = [
        (path, line)
        for path, line in frames
        if path.suffix == ".py"
        and "site-packages" not in path.parts
        and not path.is_relative_to(_LIBRARY)
        and (not path.is_relative_to(_HOST) or path.is_relative_to(_TOOLKIT))
    ]
    authors = [place for place in own if not place[0].is_relative_to(_HOST)]
    return next((f"{path.name}:{line}" for path, line in authors or own), "")


def described(error: BaseException) -> str:
    """The type and the text of `error`, and the name that was meant where it is about one there is not.

    Also how a file is found that was looked for in the process's own folder.
    """
    try:
        text = str(error).strip() or "no message"
    except Exception:  # an author's class
        text = "no message that can be read"
    if (
        isinstance(error, FileNotFoundError)
        and _is_relative(error.filename)
        and not _of_command(error)
    ):
        own = f"Path(__file__).with_name({Path(error.filename).name!r})"
        return f"FileNotFoundError: {text}: a worker runs in a folder of its own; beside your file, {own}"
    meant = "" if "did you mean" in text.lower() else _meant(error, text)
    hint = f": did you mean {meant!r}?" if meant else ""
    return f"{type(error).__name__}: {text.rstrip('.') if hint else text}{hint}"


def _is_relative(name: object) -> bool:
    return isinstance(name, (str, Path)) and not Path(name).is_absolute()


def _of_command(error: BaseException) -> bool:
    """Whether a command was looked for, which does not lie beside an author's file."""
    raised_in = traceback.extract_tb(error.__traceback__)[-1:]
    return any(Path(frame.filename) == _LIBRARY / "subprocess.py" for frame in raised_in)


def _meant(error: BaseException, text: str) -> str:
    try:
        return nearest(*_looked_up(error, text))
    except Exception:  # an author's objects: `dir` and `signature` may do anything
        return ""


def _looked_up(error: BaseException, text: str) -> tuple[str, Iterable[str]]:
    """The name that was looked for, and those among which it was."""
    names = _names(error.__traceback__)
    if isinstance(error, NameError):
        return error.name or "", names
    if isinstance(error, AttributeError) and error.obj is not None:
        return error.name or "", dir(error.obj)
    if isinstance(error, ImportError) and (matched := _IMPORTED.search(text)):
        return matched[1], dir(sys.modules[matched[2]])
    if isinstance(error, TypeError) and (matched := _KEYWORD.search(text)):
        first, *rest = matched[1].removesuffix(".__init__").split(".")
        called = names[first]
        for name in rest:
            called = getattr(called, name)
        return matched[2], inspect.signature(called).parameters
    return "", ()


def _names(trace: TracebackType | None) -> dict[str, Any]:
    """What has a name where the exception was raised."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    frame = trace.tb_frame if trace else None
    return {**frame.f_builtins, **frame.f_globals, **frame.f_locals} if frame else {}
