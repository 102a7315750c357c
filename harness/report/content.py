"""What a report consists of, as data: the page, the Markdown and the terminal only lay it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Pairs = Sequence[tuple[str, str]]
"""(subject, text) pairs: a list of definitions."""


class Item(NamedTuple):
    """One cell of a table.

    `interval` stands in brackets beside the value, `remark` is small print. `sort` is what the
    column is sorted by (a number in full, or a name; empty where there is none), `colour` that of a
    swatch before the value, `style` the class of the value on the page.
    """

    value: str
    interval: str = ""
    sort: str = ""
    remark: str = ""
    colour: str = ""
    style: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.value, self.interval, self.remark)))


@dataclass(frozen=True)
class Column:
    """A column of a table; `help` says in a sentence what it holds, `order` how it is sorted now."""

    title: str
    help: str = ""
    number: bool = False
    order: Literal["", "ascending", "descending"] = ""


@dataclass(frozen=True)
class Table:
    """A titled table. The first column names the line; `style` is its class on the page."""

    name: str
    title: str
    columns: Sequence[Column]
    lines: Sequence[Sequence[Item]]
    note: str = ""
    style: str = "results"
    sortable: bool = False


@dataclass(frozen=True)
class Card:
    """A titled list of definitions."""

    title: str
    pairs: Pairs
