"""Numbers and names as text: no more digits than the interval supports, nothing unprintable."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from harness.errors import plain as plain
from harness.plugin.metrics import Unit
from harness.results.metrics import METRICS
from harness.results.summary import Cell

K = TypeVar("K")
V = TypeVar("V")

ABSENT = "\u2013"

#: Digits shown of a number without an interval; of one with, at least and at most.
DIGITS, LEAST_DIGITS, MOST_DIGITS = 3, 2, 4

PREFIXES = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))
BYTES = ((2.0**40, " TiB"), (2.0**30, " GiB"), (2.0**20, " MiB"), (2.0**10, " KiB"))

#: What Markdown or HTML takes for its own, and how it is written as text.
ESCAPES = str.maketrans(
    {c: f"\\{c}" for c in "\\`*_[]|~$#"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)


class Text(NamedTuple):
    """A value, and its interval in brackets (empty where there is none)."""

    value: str
    interval: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.interval}".strip()


def show(cell: Cell | None, metric: str) -> Text:
    """A cell of `metric`, in the format of the metric's unit; a dash where it was not measured."""
    return Text(ABSENT) if cell is None else in_unit(cell, METRICS[metric].unit)


def in_unit(cell: Cell, unit: Unit) -> Text:
    """A cell with a prefix for counts and bytes, else in one unit: a column can be compared by eye."""
    if unit == "fraction":
        return _percent(cell)
    if unit in {"bytes", "bytes per second"}:
        scale, prefix = next((pair for pair in BYTES if abs(cell.value) >= pair[0]), (1.0, " B"))
        return _text(cell, 1 / scale, prefix + ("/s" if unit != "bytes" else ""), most=DIGITS)
    if unit in {"count", "per second", "flops"}:
        scale, prefix = _prefix(cell.value)
        return _text(cell, 1 / scale, prefix, most=DIGITS)
    return _text(cell, 1, "" if unit in {"steps", "number"} else f" {unit}", most=MOST_DIGITS)


def _percent(cell: Cell) -> Text:
    """A fraction of 1 as a percentage; with an interval to a tenth at least, as is usual.

    A value below 1 is not rounded to 100 %: a sparsity of 0.99996 is 99.996 %.
    """
    text = _text(cell, 100, " %", most=MOST_DIGITS, least=1)
    missing = 100 * (1 - cell.value)
    if missing > 0 and text.value == "100 %":
        return Text(f"{100 - missing:.{-math.floor(math.log10(missing))}f} %", text.interval)
    return text


def points(cell: Cell | None, reference: Cell | None) -> Text:
    """The difference of two fractions in percentage points, with the first one's interval."""
    if cell is None or reference is None:
        return Text(ABSENT)
    known = () if cell.low is None or cell.high is None else (cell.low, cell.high)
    shifted = [100 * (end - reference.value) for end in (cell.value, *known)]
    decimals = 2 if known and 0 < shifted[2] - shifted[1] < 0.2 else 1
    value, *interval = (_signed(end, decimals) for end in shifted)
    return Text(value, f"[{', '.join(interval)}]" if interval else "")


def tick(value: float) -> str:
    """The label of an axis tick: 0.05, 12.5, 300 k."""
    scale, prefix = _prefix(value)
    return f"{value / scale:.4g}{prefix}"


def counted(n: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def listed(values: Iterable[object], most: int = 12) -> str:
    """Distinct values with commas; of many the first `most`, and how many more."""
    names = list(dict.fromkeys(plain(value) for value in values))
    rest = len(names) - most
    return ", ".join(names) if rest <= 0 else f"{', '.join(names[:most])} and {rest} more"


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """The values of each key, in the order of the first."""
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def _prefix(value: float) -> tuple[float, str]:
    # 999.6 would round to 1000.
    return next(((s, p) for s, p in PREFIXES if abs(value) >= s * 0.9995), (1.0, ""))


def _text(cell: Cell, scale: float, unit: str, most: int, least: int = 0) -> Text:
    value = cell.value * scale
    if cell.low is None or cell.high is None:
        whole = value == int(value) and abs(value) < 1000
        return Text(f"{value:.{0 if whole else _decimals(value, DIGITS)}f}{unit}")
    low, high = cell.low * scale, cell.high * scale
    # Down to the digit in which the interval's half-width starts, yet two digits of the value.
    decimals, half = _decimals(value, most), (high - low) / 2
    if half > 0:
        least = max(least, _decimals(value, LEAST_DIGITS))
        decimals = min(decimals, max(least, -math.floor(math.log10(half))))
    return Text(
        f"{_fixed(value, decimals)}{unit}", f"[{_fixed(low, decimals)}, {_fixed(high, decimals)}]"
    )


def _fixed(value: float, decimals: int) -> str:
    """The value to so many decimals; one digit of what would be shown as 0, and is none."""
    return f"{value:.{decimals}f}" if round(value, decimals) or not value else f"{value:.1g}"


def _signed(value: float, decimals: int) -> str:
    rounded = round(value, decimals)
    return f"{rounded:+.{decimals}f}" if rounded else f"{0:.{decimals}f}"


def _decimals(value: float, digits: int) -> int:
    """The decimals that show `digits` digits of `value`, once rounded: 9.996 is 10.0 in three."""
    rounded = abs(float(f"{value:.{digits - 1}e}"))
    return max(0, digits - 1 - math.floor(math.log10(rounded or 1.0)))
