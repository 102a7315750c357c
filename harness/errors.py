"""The exceptions that pass from one part of the harness to another."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UsageError(Exception):
    """The command line, a configuration or a folder is wrong; the message is one line with the fix."""


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
