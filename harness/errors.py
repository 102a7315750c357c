"""The exceptions that cross rooms."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UsageError(Exception):
    """The command line, a configuration or a folder is wrong; one line that says how to mend it."""


class InvalidOutput(Exception):
    """A hook returned something that the contract forbids; says which hook, what and where."""


class DataMissing(Exception):
    """A task's data could not be had; says how to place them by hand."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """`name` is not among `known`: names the nearest, and all where there are few or none is near."""
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UsageError(f"unknown {kind} {name!r}: {hint}known: {', '.join(known) or 'none'}")
