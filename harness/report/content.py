"""What a report consists of, as data: the page, the Markdown and the terminal only lay it out."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple

from harness.report.numbers import show
from harness.results.summary import Cell

#: What a report says in words; prose.toml says how it is made.
PROSE: dict[str, Any] = tomllib.loads(
    files("harness.report").joinpath("prose.toml").read_text("utf-8")
)

Pairs = Sequence[tuple[str, str]]
"""(subject, text) pairs: a list of definitions."""


class Item(NamedTuple):
    """One cell of a table.

    `interval` stands in brackets beside the value, `remark` is small print. `sort` is what the
    column is sorted by (a number in full, or a name; empty where there is none), `colour` that of a
    swatch before the value, `style` the class of the value on the page. `row` names the row that a line
    is of where `value` says more than its name, `brief` is the value where there is little room.
    """

    value: str
    interval: str = ""
    sort: str = ""
    remark: str = ""
    colour: str = ""
    style: str = ""
    row: str = ""
    brief: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.value, self.interval, self.remark)))


def number(cell: Cell | None, metric: str) -> Item:
    """A metric in a column that can be sorted."""
    text = show(cell, metric)
    return Item(text.value, text.interval, "" if cell is None else repr(cell.value))


@dataclass(frozen=True)
class Column:
    """A column of a table; `help` says in a sentence what it holds, `order` how it is sorted now
    (ascending, descending or not), `metric` names the metric that it holds, if it holds one.
    """

    title: str
    help: str = ""
    number: bool = False
    order: str = ""
    metric: str = ""


@dataclass(frozen=True)
class Table:
    """A titled table. The first column names the line; `style` is its class on the page.

    `density` is that of the inputs of its layers, where it compares layers.
    """

    name: str
    title: str
    columns: Sequence[Column]
    lines: Sequence[Sequence[Item]]
    note: str = ""
    style: str = "results"
    sortable: bool = False
    density: float | None = None


@dataclass(frozen=True)
class Card:
    """A titled list of definitions."""

    title: str
    pairs: Pairs


@dataclass(frozen=True)
class Picture:
    """A drawn figure; `alt` tells its content to those who cannot see it."""

    name: str
    title: str
    caption: str
    alt: str
    svg: str
    png: bytes


@dataclass(frozen=True)
class Omitted:
    """A figure that is not there; `missed` where a run of this kind could have it."""

    name: str
    title: str
    reason: str
    missed: bool = True


def prose(section: str, name: str, **facts: object) -> str:
    """A text of prose.toml, with the facts that it names."""
    return Template(PROSE[section][name]).substitute(facts)
