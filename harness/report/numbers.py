"""Numbers and names as text: no more digits than the interval supports, nothing unprintable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

ABSENT = "\u2013"

#: Digits shown of a number without an interval; of one with, at least and at most.
DIGITS, LEAST_DIGITS, MOST_DIGITS = 3, 2, 4

PREFIXES = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))
BYTES = ((2.0**40, " TiB"), (2.0**30, " GiB"), (2.0**20, " MiB"), (2.0**10, " KiB"))


class Text(NamedTuple):
    """A value, and its interval in brackets (empty where there is none)."""

    value: str
    interval: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.interval}".strip()


def percent(row: Mapping[str, Any], name: str) -> Text:
    """A fraction of 1 as a percentage; with an interval in tenths at least, as is usual.

    What is not quite all is not rounded to 100 %: a sparsity of 0.99996 is 99.996 %.
    """
    text = _text(row, name, 100, " %", most=MOST_DIGITS, least=1)
    missing = 100 * (1 - row.get(name, 1.0))
    if missing > 0 and text.value == "100 %":
        return Text(f"{100 - missing:.{-math.floor(math.log10(missing))}f} %", text.interval)
    return text


def points(row: Mapping[str, Any], name: str, reference: str) -> Text:
    """How far one fraction lies above another, in points, with the first's interval moved along."""
    if name not in row or reference not in row:
        return Text(ABSENT)
    ends = (row.get(name + part) for part in ("", "_low", "_high"))
    value, low, high = (None if end is None else 100 * (end - row[reference]) for end in ends)
    if low is None or high is None:
        return Text(_signed(value, 1))
    half = (high - low) / 2
    decimals = 2 if 0 < half < 0.1 else 1
    return Text(_signed(value, decimals), f"[{_signed(low, decimals)}, {_signed(high, decimals)}]")


def plain_number(row: Mapping[str, Any], name: str, unit: str = "") -> Text:
    """A number in one fixed unit, so that a column can be compared by eye."""
    return _text(row, name, 1, unit, most=MOST_DIGITS)


def si(row: Mapping[str, Any], name: str) -> Text:
    """A number with k, M, G or T."""
    size = abs(row.get(name, 0))
    # 999.6 would round to 1000.
    scale, prefix = next(((s, p) for s, p in PREFIXES if size >= s * 0.9995), (1.0, ""))
    return _text(row, name, 1 / scale, prefix, most=DIGITS)


def size(row: Mapping[str, Any], name: str) -> Text:
    """Bytes with a binary prefix."""
    bytes_ = abs(row.get(name, 0))
    scale, unit = next(((s, p) for s, p in BYTES if bytes_ >= s), (1.0, " B"))
    return _text(row, name, 1 / scale, unit, most=DIGITS)


def tick(value: float) -> str:
    """A tick's number: 0.05, 12.5, 300 k."""
    scale, prefix = next(((s, p) for s, p in PREFIXES if abs(value) >= s * 0.9995), (1.0, ""))
    return f"{value / scale:.4g}{prefix}"


def plain(text: object) -> str:
    r"""`text` on one line: what nobody can see, a newline or an escape code, as `\n`, `\x1b`."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def _text(
    row: Mapping[str, Any], name: str, scale: float, unit: str, most: int, least: int = 0
) -> Text:
    if name not in row:
        return Text(ABSENT)
    value = row[name] * scale
    if f"{name}_low" not in row:
        whole = value == int(value) and abs(value) < 1000
        return Text(f"{value:.{0 if whole else _decimals(value, DIGITS)}f}{unit}")
    low, high = row[f"{name}_low"] * scale, row[f"{name}_high"] * scale
    # Down to the digit in which the interval's half-width starts, yet two digits of the value.
    decimals, half = _decimals(value, most), (high - low) / 2
    if half > 0:
        least = max(least, _decimals(value, LEAST_DIGITS))
        decimals = min(decimals, max(least, -math.floor(math.log10(half))))
    return Text(f"{value:.{decimals}f}{unit}", f"[{low:.{decimals}f}, {high:.{decimals}f}]")


def _signed(value: float | None, decimals: int) -> str:
    rounded = round(value or 0.0, decimals)
    return f"{rounded:+.{decimals}f}" if rounded else f"{0:.{decimals}f}"


def _decimals(value: float, digits: int) -> int:
    """The decimals that show `digits` digits of `value`, once rounded: 9.996 is 10.0 in three."""
    rounded = abs(float(f"{value:.{digits - 1}e}"))
    return max(0, digits - 1 - math.floor(math.log10(rounded or 1.0)))
