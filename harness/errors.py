"""The exceptions that pass from one part of the harness to another."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


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


class InvalidOutput(Exception):
    """A hook returned something that the contract forbids; the message says which hook, what and where."""


class DataMissing(Exception):
    """A task's data are not available; the message says how to place them by hand."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """An error for a `name` that is not among `known`: suggests the nearest, and lists all."""
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UsageError(f"unknown {kind} {name!r}: {hint}known: {', '.join(known) or 'none'}")
