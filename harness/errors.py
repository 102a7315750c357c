"""The exceptions that pass from one part of the harness to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: More of a wrong value would hide what is said of it.
_LONGEST_VALUE = 80


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


class NoSuchFile(UsageError):
    """A file that was named relative to a folder is not there."""


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


#: What a value should have been, by the types of pydantic's errors.
_WANTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "an integer"),
    "int_parsing_size": "a smaller integer",
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    "finite_number": "a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    "string_type": "text",
    "string_unicode": "text in UTF-8",
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    **dict.fromkeys(("dict_type", "model_type", "dataclass_type"), "names with their values"),
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "too_short": "{min_length} or more of them",
    "literal_error": "{expected}",
}


def wrong_value(error: ErrorDetails) -> str:
    """What pydantic's `error` says of a value, in plain words: `wanted an integer, not 'x'`."""
    kind, limits = error["type"], error.get("ctx", {})
    value = plain(repr(error["input"]))
    value = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}..."
    match kind:
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case "missing" | "missing_argument":
            return "is missing"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return "is unknown"
        case "union_tag_not_found":
            return f"{limits['discriminator']} is missing"
        case "union_tag_invalid":
            return f"{limits['discriminator']}: wanted {limits['expected_tags']}, not {limits['tag']!r}"
        case "bool_type" if error["loc"][-1] == "bool":  # a parameter's first type of several
            return f"wanted a number, text, true or false, not {value}"
    if kind not in _WANTED:
        return error["msg"]
    words = {n: f"{x:.15g}" if isinstance(x, float) else x for n, x in limits.items()}
    return f"wanted {_WANTED[kind].format(**words)}, not {value}"
