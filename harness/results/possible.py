"""Which values a metric can have at all: a record that holds another one is no measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.errors import plain
from harness.results.metrics import METRICS, Metric
from harness.results.reading import LARGEST, is_number

#: Fractions are means of many samples in float32 too: this much above 1 is rounding.
_ROUNDING = 1e-6


def impossible(metrics: Mapping[str, Any]) -> str:
    """What is impossible about `metrics`, in one line; "" where nothing is.

    A metric of the registry is a number from 0 to its highest value; what is measured over calls is a
    mapping that has its median, what is measured by name or by step several numbers. Other names may
    hold any finite numbers.
    """
    for name, value in metrics.items():
        metric = METRICS.get(name)
        if metric is None:
            continue
        plain_number = type(value) is float and metric.combine not in ("named", "steps")
        if plain_number and metric.low <= value <= min(metric.high, LARGEST):
            continue  # the most frequent case, without a call
        if reason := _wrong(metric, value):
            return f"{name}: {reason}"
    return ""


def _wrong(metric: Metric, value: Any) -> str:
    parts: Iterable[Any] = (value,)
    if metric.combine == "named":
        if not isinstance(value, Mapping):
            return f"{_short(value)} is no mapping of numbers"
        parts = value.values()
    elif metric.combine == "steps":
        if not isinstance(value, (list, tuple)):
            return f"{_short(value)} is no list of numbers"
        parts = value
    elif metric.combine == "one" and isinstance(value, Mapping):
        ends = (value.get(end) for end in ("low", "high"))
        parts = (value.get("median"), *(end for end in ends if end is not None))
    return next(filter(None, (_out_of_range(metric, part) for part in parts)), "")


def _out_of_range(metric: Metric, value: Any) -> str:
    if not is_number(value):
        return f"{_short(value)} is no number"
    high = min(metric.high * (1 + _ROUNDING), LARGEST)
    if not metric.low <= value <= high:
        bounds = "in [0, 1]" if metric.high == 1 else "finite and at least 0"
        return f"{_short(value)} is not {bounds}"
    return ""


def _short(value: Any) -> str:
    return plain(repr(value))[:40]
