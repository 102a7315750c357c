"""Records as tables: one row for each trial, and one for each row of the comparison.

A metric that was not measured is absent from a row (NaN in a frame, an empty cell in a CSV file).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.results.record import Record
from harness.results.statistics import mean_interval

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

#: What makes trials one row of the comparison: everything but the seed.
GROUP = ("label", "task", "preset", "device")

IDENTITY = ("label", "plugin", "framework", "framework_version", "task", "preset", "device")
COUNTS = ("threads", "seeds", "seeds_ok", "seeds_failed", "seeds_skipped", "test_size")

#: Averaged over the seeds with an interval; those below 1 by definition first.
FRACTIONS = (
    "test_accuracy",
    "validation_accuracy",
    "train_accuracy",
    "activation_sparsity",
    "spikes_on_time",
)
AMOUNTS = (
    "spikes_per_sample",
    "synops_ac",
    "synops_mac",
    "synops_effective",
    "train_seconds",
    "van_rossum_loss",
    "spikes_extra",
)

#: The summary's metrics in their order. Others, such as a third party's, follow by name.
METRICS = (
    "test_accuracy",
    "validation_accuracy",
    "train_accuracy",
    "reported_accuracy",
    "decision_step",
    "latency_ms",
    "inference_throughput",
    "train_throughput",
    "first_call_ms",
    "train_seconds",
    "activation_sparsity",
    "input_density",
    "spikes_per_sample",
    "synops_ac",
    "synops_mac",
    "synops_effective",
    "synops_dense",
    "connection_sparsity",
    "energy_modelled_nj",
    "energy_measured_j",
    "parameters",
    "footprint_bytes",
    "peak_memory_bytes",
    "train_peak_memory_bytes",
    "device_memory_bytes",
    "van_rossum_loss",
    "spikes_on_time",
    "spikes_extra",
)
GPU_ONLY = ("device_memory_bytes",)

#: The parts of a metric: its value (no suffix) and what stands beside it.
PARTS: Mapping[str, tuple[str, ...]] = {
    "test_accuracy": ("_low", "_high", "_interval"),
    "latency_ms": ("_low", "_high", "_p95", "_p99", "_n"),
    **dict.fromkeys((*FRACTIONS[1:], *AMOUNTS), ("_low", "_high")),
    **dict.fromkeys(("inference_throughput", "train_throughput"), ("_low", "_high", "_n")),
}


def latest(records: Iterable[Record]) -> list[Record]:
    """The last record of each trial and timing: one that is repeated replaces its earlier self.

    Records may be those of several runs, whose keys need not differ.
    """

    def identity(record: Record) -> tuple[str, ...]:
        return record.stage, record.key, record.task, record.preset, record.device

    return list({identity(record): record for record in records}.values())


def groups(records: Iterable[Record]) -> dict[tuple[str, ...], list[Record]]:
    """The latest records of each row of the comparison, in the order in which the rows appear."""
    found: dict[tuple[str, ...], list[Record]] = {}
    for record in latest(records):
        found.setdefault(tuple(getattr(record, name) for name in GROUP), []).append(record)
    return found


def trials_frame(records: Iterable[Record]) -> pd.DataFrame:
    """One row for each trial, its timing merged in by key; nested metrics by dotted names.

    Lists such as `accuracy_by_step` stay lists; `layers` and `history` stay in the records.
    """
    import pandas as pd

    rows: dict[str, Row] = {}
    for record in latest(records):
        row = rows.setdefault(record.key, {"key": record.key})
        outcome = {"status": record.status, "reason": record.reason}
        if record.stage == "timing":
            outcome = {f"timing_{name}": value for name, value in outcome.items()}
        identity = {name: getattr(record, name) for name in (*IDENTITY, "seed", "threads")}
        trained = {"started": record.started, "seconds": record.seconds}
        row |= identity | outcome | (trained if record.stage == "trial" else {})
        row |= _flat({"params": record.params}) | _flat(record.metrics)
    first = ("key", *IDENTITY, "seed", "threads", "status", "reason")
    return pd.DataFrame(list(rows.values()), columns=_ordered(rows.values(), first))


def summary_frame(records: Iterable[Record]) -> pd.DataFrame:
    """One row for each row of the comparison; see `summary_rows`. The columns' order is fixed."""
    import pandas as pd

    rows = summary_rows(records)
    gpu = any(not row["device"].startswith("cpu") for row in rows)
    known = (
        name + part
        for name in METRICS
        if gpu or name not in GPU_ONLY
        for part in ("", *PARTS.get(name, ()))
    )
    return pd.DataFrame(rows, columns=_ordered(rows, (*IDENTITY, *COUNTS, *known)))


def summary_rows(records: Iterable[Record]) -> list[Row]:
    """One dict for each row of the comparison, over the seeds that succeeded.

    Metrics of the trials are means, with `_low` and `_high` where seeds differ;
    `test_accuracy_interval` says of which kind its interval is. Metrics of the timing are those of
    the one model timed.
    """
    return [_summary(members) for members in groups(records).values()]


def _summary(members: Sequence[Record]) -> Row:
    trials = [record for record in members if record.stage == "trial"]
    ok = [record for record in trials if record.status == "ok"]
    timings = [record for record in members if record.stage == "timing" and record.status == "ok"]
    skipped = sum(record.status == "skipped" for record in trials)
    row: Row = {name: getattr((ok or members)[0], name) for name in (*IDENTITY, "threads")}
    row |= {"seeds": len(trials), "seeds_ok": len(ok), "seeds_skipped": skipped}
    row["seeds_failed"] = len(trials) - len(ok) - skipped
    measured = [_with_effective(_flat(record.metrics)) for record in ok]
    sizes = {metrics["test_size"] for metrics in measured if "test_size" in metrics}
    n_test = int(sizes.pop()) if len(sizes) == 1 else None
    for name in dict.fromkeys(name for metrics in measured for name in metrics):
        values = [metrics[name] for metrics in measured if _is_number(metrics.get(name))]
        if values:
            row |= _over_seeds(name, [float(value) for value in values], n_test)
    for timing in timings[:1]:
        for name, value in _flat(timing.metrics).items():
            if _is_number(value):
                row[name.removesuffix(".median").replace(".", "_")] = value
    if n_test is not None:
        row["test_size"] = n_test
    return row


def _over_seeds(name: str, values: list[float], n_test: int | None) -> Row:
    if name not in FRACTIONS and name not in AMOUNTS:
        return {name: sum(values) / len(values)}
    is_accuracy = name == "test_accuracy"
    bounds = (0.0, 1.0) if name in FRACTIONS else (0.0, float("inf"))
    mean = mean_interval(values, n_test if is_accuracy else None, bounds)
    cells: Row = {name: mean.value}
    if mean.low is not None and mean.high is not None:
        cells |= {f"{name}_low": mean.low, f"{name}_high": mean.high}
        if is_accuracy:
            cells[f"{name}_interval"] = mean.kind
    return cells


def _with_effective(metrics: Row) -> Row:
    """Adds accumulates and multiply-accumulates, which NeuroBench calls effective operations."""
    if "synops_ac" in metrics and "synops_mac" in metrics:
        return metrics | {"synops_effective": metrics["synops_ac"] + metrics["synops_mac"]}
    return metrics


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Row:
    flat: Row = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        elif value is not None:
            flat[prefix + name] = value
    return flat


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _ordered(rows: Iterable[Row], first: Iterable[str]) -> list[str]:
    first = list(first)
    return first + sorted({name for row in rows for name in row} - set(first))
