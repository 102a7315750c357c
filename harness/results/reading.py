"""Reads files that anybody may have written: regular ones, of a bounded size, with possible numbers.

A run's folder may be damaged, or made by somebody who wants to break the report: whatever is read here
ends in a value or in a ValueError of one line.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeGuard

from pydantic import AfterValidator, Field

from harness.errors import plain

#: More than any file of a run holds, and less than would fill a machine's memory.
LARGEST_FILE = 1 << 30

#: No quantity of a benchmark is larger; sums and squares of such numbers are still finite.
LARGEST = 1e100

#: No integer is larger: 64 bits and a sign.
_LARGEST_INTEGER = 2**64

#: How deep lists and mappings may lie in each other in a field: more than any record or session needs.
DEEPEST = 8
#: A field may lie as deep in its file: the facts of a record's variant are its fourth level.
_ABOVE = 4

#: A finite number, as the fields of records hold it.
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
#: A finite number that is not negative: a duration, a count, a size.
Amount = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]


def read_file(path: Path) -> bytes:
    """What the file holds; ValueError where it is no regular file, too large, or cannot be read.

    A pipe in its place does not hold up the reader.
    """
    try:
        # Without O_NONBLOCK, opening a pipe waits for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"{path.name} is no regular file")
            if status.st_size > LARGEST_FILE:
                raise ValueError(f"{path.name} is larger than {LARGEST_FILE >> 30} GiB")
            return file.read()
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror or error}") from None


def parse(text: str | bytes) -> Any:
    """The value of a JSON text; ValueError in one line where it is none, or holds an impossible number."""
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_float, parse_int=_integer)
    except RecursionError:
        raise ValueError("no valid JSON (nested too deeply)") from None
    except ValueError as error:
        raise ValueError(f"no valid JSON ({plain(error)})") from None
    return shallow(value, DEEPEST + _ABOVE)


#: The types of a tree of JSON beside numbers; isinstance with an abstract class takes ten times as long.
_PLAIN, _NESTED = frozenset({str, bool, type(None)}), frozenset({dict, list, tuple})


def shallow(value: Any, depth: int = DEEPEST) -> Any:
    """`value`, a tree of JSON; ValueError where it is nested deeper than `depth`, or has a number that
    is not finite or that `parse` would refuse.
    """
    kind = type(value)
    if kind is float:  # the most frequent first: a run has millions of numbers
        if not -LARGEST <= value <= LARGEST:
            raise ValueError("a number that is not finite, or too large")
    elif kind is int:
        if not -_LARGEST_INTEGER < value < _LARGEST_INTEGER:
            raise ValueError("an integer that is too large")
    elif kind in _PLAIN:
        pass
    elif kind in _NESTED or (
        isinstance(value, (Mapping, Sequence)) and not isinstance(value, (str, bytes))
    ):
        if not depth:
            raise ValueError("nested too deeply")
        for part in value.values() if kind is dict or isinstance(value, Mapping) else value:
            shallow(part, depth - 1)
    elif isinstance(value, int):
        shallow(int(value))
    elif isinstance(value, float):
        shallow(float(value))
    return value


#: Any JSON, but none that breaks a reader: neither deep nor with numbers that are not finite.
Tree = Annotated[Any, AfterValidator(shallow)]


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether `value` is a number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _float(digits: str) -> float:
    number = float(digits)
    if not abs(number) <= LARGEST:
        raise ValueError(f"{digits[:20]} is too large a number")
    return number


def _integer(digits: str) -> int:
    if len(digits) > len(str(-_LARGEST_INTEGER)):
        raise ValueError(f"{digits[:20]}... is too large a number")
    return int(digits)
