"""The registry of metrics: what each is called, what it means, and how seeds are combined.

A new metric is one entry in metrics.toml and the place that computes it: records, frames, tables,
figures, the terminal and the table in docs/metrics.md read it from here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

Unit = Literal[
    "fraction", "ms", "s", "steps", "number", "count", "per second", "bytes", "nJ", "J", "flops",
    "bytes per second",
]  # fmt: skip

#: Which way is good; "" where neither is.
Better = Literal["more", "less", ""]

#: How the values of several seeds become one number, and where its interval comes from.
#: accuracy: the mean, Student's t over seeds, Wilson's for one seed or seeds that agree;
#: seeds: the mean, Student's t over seeds; mean: the mean, no interval; one: of the one subject that
#: was measured, with the interval that its record has; named: a value for each of several names;
#: steps: a value for each time step.
Combine = Literal["accuracy", "seeds", "mean", "one", "named", "steps"]

#: The kinds of records that hold it.
Of = Literal["trial", "network-timing", "layer-proof", "layer-timing", "peaks"]


@dataclass(frozen=True)
class Metric:
    """One metric, as metrics.toml declares it.

    `series` names the times that it is computed from, where it is a summary of times. `place` says
    where it is shown: `brief` in the terminal and the table, `table` in the table, `record` in the
    records, frames and docs only. A fraction that is not `bounded` may be above 1.
    """

    name: str
    title: str
    unit: Unit
    combine: Combine
    of: tuple[Of, ...]
    meaning: str
    better: Better = ""
    place: Literal["brief", "table", "record"] = "table"
    series: str = ""
    bounded: bool = True

    @property
    def high(self) -> float:
        """The highest possible value."""
        return 1.0 if self.unit == "fraction" and self.bounded else float("inf")


def _read() -> dict[str, Metric]:
    text = files("harness.results").joinpath("metrics.toml").read_text("utf-8")
    entries = tomllib.loads(text)["metric"]
    return {entry["name"]: Metric(**entry | {"of": tuple(entry["of"])}) for entry in entries}


#: Every metric by its name, in the order of the tables' columns.
METRICS: dict[str, Metric] = _read()
REGISTRY: tuple[Metric, ...] = tuple(METRICS.values())


def of(*kinds: Of) -> list[Metric]:
    """The metrics that records of one of `kinds` hold, in the order of the registry."""
    return [metric for metric in REGISTRY if set(kinds) & set(metric.of)]
