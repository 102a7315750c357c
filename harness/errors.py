"""The exceptions that pass from one part of the harness to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
    """The command line, a configuration or a folder is wrong; the message is one line with the fix.

    `option` is the field of the configuration whose value is wrong, where that is known.
    """

    option = ""

    def __init__(self, message: object) -> None:
        super().__init__(plain(message))


@contextmanager
def concerning(option: str) -> Iterator[None]:
    """A UsageError that is raised inside is about the value of `option`."""
    try:
        yield
    except UsageError as error:
        error.option = error.option or option
        raise


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
