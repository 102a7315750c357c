"""The registry of metrics: what each is called, what it means, and how seeds are combined.

A new metric is one entry in metrics.toml and the place that computes it: records, frames, tables,
figures, the terminal and the table in docs/metrics.md read it from here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from harness.errors import plain
from harness.plugin.metrics import Unit
from harness.protocol.events import DeclaredMetric

#: Which way is good; "" where neither is.
Better = Literal["more", "less", ""]

#: How the values of several seeds become one number, and where its interval comes from.
#: accuracy: the mean, Student's t over seeds, Wilson's for one seed or seeds that agree (where predictions
#: are kept, `test_accuracy` has the interval of `harness.results.accuracy` instead);
#: seeds: the mean, Student's t over seeds; mean: the mean, no interval; one: of the one subject that
#: was measured, with the interval that its record has; named: a value for each of several names;
#: steps: a value for each time step.
Combine = Literal["accuracy", "seeds", "mean", "one", "named", "steps"]

#: The kinds of records that hold it.
Of = Literal["trial", "network-timing", "layer-proof", "layer-timing", "peaks"]

#: The group of columns on the page of metrics that name none, and of metrics by hook.
REST, BY_HOOK = "About the row", "Reliability and own metrics"


@dataclass(frozen=True)
class Metric:
    """One metric, as metrics.toml declares it.

    `series` names the times that it is computed from, where it is a summary of times. `place` says
    where it is shown: `brief` in the terminal and the table, `table` in the table, `record` in the
    records, frames and docs only. On the page its column is in a `group`, open `at_first` or one press
    away. A fraction that is not `bounded` may be above 1. Those by hook only may be `signed`, and have
    `changes`: the names of the changes of test samples that they are computed under, and the titles of
    their strengths.
    """

    name: str
    title: str
    unit: Unit
    combine: Combine
    of: tuple[Of, ...]
    meaning: str
    better: Better = ""
    place: Literal["brief", "table", "record"] = "table"
    group: str = REST
    at_first: bool = False
    series: str = ""
    bounded: bool = True
    signed: bool = False
    changes: tuple[tuple[str, str], ...] = ()

    @property
    def low(self) -> float:
        """The lowest possible value."""
        return float("-inf") if self.signed else 0.0

    @property
    def high(self) -> float:
        """The highest possible value."""
        limited = self.unit == "fraction" and self.bounded and not self.signed
        return 1.0 if limited else float("inf")


def _read() -> dict[str, Metric]:
    text = files("harness.results").joinpath("metrics.toml").read_text("utf-8")
    entries = tomllib.loads(text)["metric"]
    return {entry["name"]: Metric(**entry | {"of": tuple(entry["of"])}) for entry in entries}


#: Every metric by its name, in the order of the tables' columns: the host's, then those by hook that the
#: runs declare which this process has read or made (`join`).
METRICS: dict[str, Metric] = _read()
REGISTRY = METRICS.values()

#: Where a record's facts hold the accuracies under each change, by its name and strength.
UNDER_CHANGE = "accuracy_under"

#: The names of the host's own, which no metric by hook can take.
HOST = frozenset(METRICS)


def of(*kinds: Of) -> list[Metric]:
    """The host's metrics that records of one of `kinds` hold, in the order of the registry."""
    return [m for m in REGISTRY if m.name in HOST and set(kinds) & set(m.of)]


def join(declared: Iterable[DeclaredMetric]) -> None:
    """Adds metrics by hook to the registry: from here on they are shown and compared as any other.

    A run carries the declarations of its own, so the plugin that made them is not needed. One that is
    declared again, as after its file was edited, is replaced.
    """
    for each in declared:
        if each.name in HOST:
            continue
        METRICS[each.name] = Metric(
            name=each.name,
            title=plain(each.title)[:60],
            unit=each.unit,
            combine=each.combine,
            of=("trial",),
            meaning=plain(each.meaning),
            better=each.better,
            place=each.place,
            group=BY_HOOK,
            signed=each.signed,
            changes=tuple(each.changes.items()),
        )


def by_hook() -> list[Metric]:
    """The metrics that `join` added."""
    return [metric for metric in REGISTRY if metric.name not in HOST]
