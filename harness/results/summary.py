"""One row of the comparison: its records, and each metric as one number with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from harness.errors import unknown
from harness.results import caveats
from harness.results.accuracy import Outcomes, accuracy_interval
from harness.results.answers import Answers
from harness.results.labels import labels
from harness.results.metrics import METRICS, Metric
from harness.results.reading import is_number
from harness.results.record import LayerTiming, NetworkTiming, Record, TrialRecord, latest
from harness.results.session import Session
from harness.results.statistics import Cell as Cell
from harness.results.statistics import mean_interval
from harness.results.tasks import task_of
from harness.subjects import LayerRow, Row


@dataclass(frozen=True)
class Summary:
    """One row of the comparison.

    `named` has those metrics that have a value for each of several names. `trials` are the records of
    all its seeds (none for a layer), `timing` that of its measurement, `outcomes` which test samples its
    networks predict correctly, where that was kept. `refuted` says why its numbers do not hold ("" where
    they do): it is ranked nowhere. `warnings` are what its reader must know, by kind.
    """

    row: Row | LayerRow
    label: str
    cells: Mapping[str, Cell]
    named: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)
    trials: Sequence[TrialRecord] = ()
    timing: NetworkTiming | LayerTiming | None = None
    outcomes: Outcomes | None = None
    refuted: str = ""
    warnings: Mapping[str, str] = field(default_factory=dict)

    def has(self, metric: str) -> bool:
        """Whether `metric` was measured."""
        return metric in self.cells

    def value(self, metric: str) -> float:
        """The value of a metric that was measured; UsageError where it was not, with the nearest name."""
        if metric not in self.cells:
            raise unknown("metric", metric, self.cells, f"of {self.label}")
        return self.cells[metric].value

    @property
    def references(self) -> Mapping[str, Cell]:
        """The accuracies of other predictions that the plugin handed over, by their names."""
        return self.named.get("reference_accuracy", {})

    @property
    def ok(self) -> list[TrialRecord]:
        """The trials that succeeded, by seed."""
        succeeded = [trial for trial in self.trials if trial.status == "ok"]
        return sorted(succeeded, key=lambda trial: trial.seed)

    @property
    def family(self) -> tuple[str, str]:
        """What rows that train one network on several frameworks have in common; its name "" for others.

        A parameter that is 0 or off is as good as one that a plugin does not have. A network with another
        neuron than it says is not the same.
        """
        row = self.row
        if not isinstance(row, Row) or not self.trials or caveats.NEURON in self.warnings:
            return "", ""
        params = sorted((name, value) for name, value in row.params.items() if value)
        return self.trials[0].family, repr((row.task, row.preset, row.device, params))

    @property
    def skipped(self) -> int:
        """How many seeds were skipped."""
        return sum(trial.status == "skipped" for trial in self.trials)


def summarise(
    records: Iterable[Record],
    sessions: Sequence[Session] = (),
    answers: Mapping[str, Answers] | None = None,
) -> list[Summary]:
    """The rows of `records`, in the order in which they appear; `answers` are those to each task.

    Records make one row where plugin, versions, parameters, device and code are the same, the code
    of the host and the version of torch included.
    """
    rows: dict[tuple[str, str], list[TrialRecord | NetworkTiming | LayerTiming]] = {}
    for record in latest(list(records)):
        if isinstance(record, (TrialRecord, NetworkTiming, LayerTiming)):
            rows.setdefault((record.row.key, _host(record, sessions)), []).append(record)
    names = labels([members[0].row for members in rows.values()])
    counts = Counter(names)
    names = [
        f"{name} {host}".rstrip() if counts[name] > 1 else name
        for name, (_, host) in zip(names, rows, strict=True)
    ]
    return [
        _summary(members, name, (answers or {}).get(task_of(members[0])), sessions)
        for members, name in zip(rows.values(), names, strict=True)
    ]


def _host(record: Record, sessions: Sequence[Session]) -> str:
    """The code of the host, and the torch, that made the record; they are no part of its row."""
    if record.session >= len(sessions):
        return ""
    host = sessions[record.session].host
    known = {"host": host.get("digest", "")[:8], "torch": host.get("torch", "")}
    return " ".join(f"{name}={value}" for name, value in known.items() if value)


def _summary(
    members: Sequence[TrialRecord | NetworkTiming | LayerTiming],
    label: str,
    answers: Answers | None,
    sessions: Sequence[Session],
) -> Summary:
    trials = [record for record in members if isinstance(record, TrialRecord)]
    succeeded = [trial for trial in trials if trial.status == "ok"]
    timing = next((r for r in members if isinstance(r, (NetworkTiming, LayerTiming))), None)
    ok = [trial.metrics for trial in succeeded]
    cells: dict[str, Cell] = {}
    named: dict[str, Mapping[str, Cell]] = {}
    n_test = _same(metrics.get("test_size") for metrics in ok)
    for metric in METRICS.values():
        values = [metrics[metric.name] for metrics in ok if metric.name in metrics]
        if metric.combine == "named":
            if values:
                named[metric.name] = _named(values)
        elif "trial" in metric.of and (numbers := [float(v) for v in values if is_number(v)]):
            cells[metric.name] = _over_seeds(metric, numbers, n_test)
        elif timing is not None and timing.kind in metric.of and timing.status == "ok":
            cell = measured(timing.metrics.get(metric.name))
            cells |= {} if cell is None else {metric.name: cell}
    outcomes = answers.outcomes(succeeded) if answers else None
    if outcomes is not None:
        cells["test_accuracy"] = accuracy_interval(outcomes.right)
    return Summary(
        members[0].row,
        label,
        cells,
        named,
        trials,
        timing,
        outcomes,
        refuted=caveats.refuted(succeeded, timing),
        warnings=caveats.warnings(succeeded, timing, answers, sessions),
    )


def _over_seeds(metric: Metric, values: Sequence[float], n_test: int | None) -> Cell:
    if metric.combine == "mean":
        return Cell(fmean(values), n=len(values))
    size = n_test if metric.combine == "accuracy" else None
    return mean_interval(values, size, (metric.low, metric.high))


def _named(values: Sequence[Any]) -> dict[str, Cell]:
    numbers: dict[str, list[float]] = {}
    for by_name in values:
        for name, value in by_name.items() if isinstance(by_name, Mapping) else ():
            if is_number(value):
                numbers.setdefault(str(name), []).append(float(value))
    return {name: Cell(fmean(every), n=len(every)) for name, every in numbers.items()}


def measured(value: object) -> Cell | None:
    """A metric of a measurement, a number or a median with its interval; None where it is neither."""
    if is_number(value):
        return Cell(float(value))
    if not isinstance(value, Mapping) or not is_number(value.get("median")):
        return None
    low, high = (value.get(end) for end in ("low", "high"))
    if not (is_number(low) and is_number(high)):
        low = high = None
    n = value.get("n")
    return Cell(float(value["median"]), low, high, "rounds", n if isinstance(n, int) else 1)


def _same(values: Iterable[Any]) -> int | None:
    integers = {int(value) for value in values if is_number(value)}
    return integers.pop() if len(integers) == 1 else None
