"""The exceptions that pass from one part of the harness to another."""

from __future__ import annotations

import inspect
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any


def plain(text: object) -> str:
    r"""`text` on one line; a newline, an escape code or an invisible character as `\n`, `\x1b`.

    Whatever comes from a plugin or a file goes through here on its way to a terminal, a page or a record.
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class UsageError(Exception):
    """The command line, a configuration or a folder is wrong; the message is one line with the fix."""

    def __init__(self, message: object) -> None:
        super().__init__(plain(message))


class WrongParameter(UsageError):
    """`what` is wrong with a parameter that was given as `name` for the plugins of `pattern`."""

    def __init__(self, what: object, pattern: str, name: str) -> None:
        super().__init__(f"--set {pattern}.{name}: {what}")
        self.what, self.pattern, self.name = plain(what), pattern, name


class InvalidOutput(Exception):
    """A hook returned something that the contract forbids; the message says which hook, what and where."""


class OtherContract(InvalidOutput):
    """A plugin has a hook, an argument or a version that this contract has not; the message has the fix."""


class DataMissing(Exception):
    """A task's data are not available; the message says how to place them by hand."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The one of `known` that `name` may be a misspelling of; "" where none is near."""
    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=0.5)), "")


def unknown(kind: str, name: str, known: Iterable[str], of: str = "") -> UsageError:
    """An error for a `name` that is not among `known`: suggests the nearest, and lists all.

    `of` says of what, as in `unknown preset 'bst' for task 'digits'`.
    """
    known = sorted(known)
    near = nearest(name, known)
    hint = f"did you mean {near!r}? " if near else ""
    what = f"{kind} {name!r} {of}".rstrip()
    return UsageError(f"unknown {what}: {hint}known: {', '.join(known) or 'none'}")


# --- exceptions of an author's code ---------------------------------------------------------------

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
    """The type and the text of `error`, and the name that was meant where it is about one there is not."""
    text = str(error).strip() or "no message"
    meant = "" if "did you mean" in text.lower() else _meant(error, text)
    hint = f": did you mean {meant!r}?" if meant else ""
    return f"{type(error).__name__}: {text.rstrip('.') if hint else text}{hint}"


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
