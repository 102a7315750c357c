"""What is wrong with a metric's declaration, or with the value that it gave."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from harness.errors import InvalidOutput, plain, wrong_value
from harness.plugin import INPUTS, SPIKES, Change, MetricSpec, Unsupported
from harness.protocol.events import DeclaredMetric

#: No metric is larger: sums and squares of such numbers are still finite.
LARGEST = 1e100
#: So many evaluations of the test split, and so many names, are enough for any metric.
MOST_STRENGTHS, MOST_NAMES = 50, 4096

_NAME = re.compile(r"[a-z][a-z0-9_]{1,47}")


def listed(value: object, where: str) -> list[Any]:
    """What `harness_metrics` returned, as a list; InvalidOutput where it is none, or empty."""
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        kind = "nothing" if value is None else type(value).__name__
        raise InvalidOutput(
            f"{where}: harness_metrics returned {kind}, wanted a list of MetricSpec"
        )
    if not (specs := list(value)):
        raise InvalidOutput(f"{where}: harness_metrics returned no metric")
    return specs


def declared(spec: object, source: str) -> DeclaredMetric:
    """The declaration of a metric from `source`; InvalidOutput in one line where it is wrong."""
    if not isinstance(spec, MetricSpec):
        raise InvalidOutput(f"harness_metrics: {plain(repr(spec))[:60]} is no MetricSpec")
    where = f"metric {plain(spec.name)[:60]}"
    if not isinstance(spec.name, str) or not _NAME.fullmatch(spec.name):
        raise InvalidOutput(f"{where}: its name is not of a-z, 0-9 and _, 2 to 48 of them")
    for field in ("title", "meaning"):
        text = getattr(spec, field)
        if not isinstance(text, str) or not text.strip() or not text.isprintable():
            raise InvalidOutput(f"{where}: its {field} is no line of text")
    if not callable(spec.compute):
        raise InvalidOutput(f"{where}: compute is no function")
    for change in spec.changes:
        if problem := _change_problem(change):
            raise InvalidOutput(f"{where}: {problem}")
    try:
        metric = DeclaredMetric(
            source=source,
            changes={change.name: change.title for change in spec.changes},
            **{n: getattr(spec, n) for n in DeclaredMetric.model_fields.keys() - _OURS},
        )
    except ValueError as error:
        first = error.errors()[0]  # type: ignore[attr-defined] # pydantic's
        raise InvalidOutput(f"{where}: its {first['loc'][0]}: {wrong_value(first)}") from None
    if metric.combine == "accuracy" and metric.unit != "fraction":
        raise InvalidOutput(f'{where}: combine "accuracy" is for the unit "fraction"')
    return metric


_OURS = {"source", "digest", "changes"}


def _change_problem(change: object) -> str:
    if not isinstance(change, Change):
        return f"{plain(repr(change))[:60]} is no Change"
    where = f"its change {plain(change.name)[:60]}"
    if not isinstance(change.name, str) or not _NAME.fullmatch(change.name):
        return f"{where} has a name that is not of a-z, 0-9 and _"
    if not callable(change.apply):
        return f"{where}: apply is no function"
    if change.of not in (INPUTS, SPIKES):
        return f"{where}: of is {change.of!r}, wanted {INPUTS!r} or {SPIKES!r}"
    strengths = list(change.strengths)
    numbers = all(isinstance(s, (int, float)) and 0 < s < LARGEST for s in strengths)
    if not strengths or not numbers or sorted(set(strengths)) != strengths:
        return f"{where}: its strengths are not ascending numbers above 0"
    return f"{where} has more than {MOST_STRENGTHS} strengths" * (len(strengths) > MOST_STRENGTHS)


def value_of(spec: DeclaredMetric, returned: object) -> float | dict[str, float]:
    """What `compute` returned, as the record holds it; Unsupported in one line where it is impossible."""
    if spec.combine != "named":
        return _number(spec, returned, "it")
    if not isinstance(returned, Mapping) or not returned or len(returned) > MOST_NAMES:
        raise Unsupported(f"it returned {_short(returned)}, wanted a mapping of names to numbers")
    return {plain(name): _number(spec, value, plain(name)) for name, value in returned.items()}


def _number(spec: DeclaredMetric, returned: object, what: str) -> float:
    try:
        if isinstance(returned, (str, bytes, bool)) or returned is None:
            raise TypeError
        value = float(returned)  # type: ignore[arg-type] # numpy's scalars and 0-d arrays too
    except (TypeError, ValueError):
        raise Unsupported(f"{what} came out as {_short(returned)}, wanted a number") from None
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise Unsupported(f"{what} came out as {value}, wanted a finite number")
    high = 1 + 1e-6 if spec.unit == "fraction" else LARGEST
    if not spec.signed and not 0 <= value <= high:
        wanted = "in [0, 1]" if spec.unit == "fraction" else "at least 0"
        raise Unsupported(f"{what} came out as {value:g}, wanted {wanted} (or signed=True)")
    return value


def _short(value: object) -> str:
    return "nothing" if value is None else plain(repr(value))[:60]
