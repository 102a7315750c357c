"""What the report of `harness layers` shows: tables of words, drawn from the records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.numbers import ABSENT, Text, plain, plain_number, size
from harness.results.layers import LayerRecord

#: How the statuses of a proof and of a measurement are told.
PROVED = {"ok": "equal", "invalid": "not equal", "skipped": "refused"}
MEASURED = {"skipped": "not measured"}

#: The columns that hold medians and their intervals.
TIMES = ("Forward, ms", "Backward, ms", "Total, ms")


@dataclass(frozen=True)
class Table:
    """Rows of cells under `columns`; the first `texts` columns are words, the others numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1


def tables(records: Sequence[LayerRecord]) -> list[Table]:
    """The proofs, and one table of figures for each density."""
    return [proofs(records), *speeds(records)]


def proofs(records: Sequence[LayerRecord]) -> Table:
    """A line for each neuron, a column for each framework."""
    found = [record for record in records if record.stage == "equivalence"]
    names = list(dict.fromkeys(record.plugin for record in found))
    told = {(_neuron(r.neuron), r.plugin): PROVED.get(r.status, r.status) for r in found}
    rows = [
        [neuron, *(told.get((neuron, name), ABSENT) for name in names)]
        for neuron in dict.fromkeys(_neuron(record.neuron) for record in found)
    ]
    columns = ["Neuron", *map(plain, names)]
    return Table("The same neuron?", columns, rows, texts=len(columns))


def speeds(records: Sequence[LayerRecord]) -> list[Table]:
    """A table for each density: the sizes in turn, in each the fastest first."""
    found = [record for record in records if record.stage == "speed"]
    columns = ["Size", "Framework", *TIMES, "Ratio", "Roofline", "Memory"]
    made = []
    for density in dict.fromkeys(record.density for record in found):
        rows = []
        for neurons in dict.fromkeys(record.neurons for record in found):
            group = [r for r in found if (r.neurons, r.density) == (neurons, density)]
            fastest = min(filter(comparable, group), key=total, default=None)
            rows += [_row(r, fastest) for r in sorted(group, key=lambda r: (total(r), r.plugin))]
        made.append(Table(f"{_inputs(density)}", columns, rows, texts=2))
    return made


def reasons(records: Sequence[LayerRecord]) -> list[str]:
    """Why something was refused, is unequal or has no figure, each once."""
    told: dict[str, LayerRecord] = {}
    for record in records:
        if record.status != "ok" and record.stage != "peaks":
            told.setdefault(f"{record.plugin}: {record.reason}", record)
        elif record.status != "ok":
            told.setdefault(f"the roofline: {record.reason}", record)
    return [plain(text) for text in told]


def notes(records: Sequence[LayerRecord], run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the figures came about, as subject and text."""
    config = run.get("config", {})
    proved = [r.metrics for r in records if r.stage == "equivalence" and r.status == "ok"]
    ties = sum(metrics["ties"] for metrics in proved)
    compared = sum(metrics["spikes_compared"] for metrics in proved)
    made = [
        (
            "Equal",
            "On inputs whose sums are exact, every spike is that of the neuron's equations, and the "
            "gradients of weights and inputs are off by 1e-6 of their largest value at the most. "
            f"{compared} spikes were compared, {ties} of them with the membrane exactly on the "
            "threshold.",
        ),
        (
            "Layer",
            f"One product without bias into one layer of LIF neurons, beta = "
            f"{config.get('beta', ABSENT)}, reset detached; batch {config.get('batch', ABSENT)}, "
            f"{config.get('steps', ABSENT)} steps, float32. The backward pass yields the weights' "
            "gradient.",
        ),
        (
            "Times",
            "Size is the number of inputs, and of neurons. Medians with their 95 % intervals, over "
            "rounds in which the frameworks take turns in random order, each in a process of its "
            "own. Where the intervals of two totals meet, or there are none, it is a tie. Ratio: the "
            "total by that of the fastest. The outputs of the timed calls are checked.",
        ),
        (
            "Roofline",
            "The least time that this device needs: operations that the inputs allow over its "
            "fastest matrix product, or bytes over its fastest copy, whichever is more. A figure "
            "that implies more operations a second than the peak is invalid. The column tells this "
            "time as a share of the measured one.",
        ),
        (
            "Memory",
            "The peak of a forward and a backward pass, above weights, inputs and outputs' gradient, "
            "in a pass of its own; the device's where it has its own memory.",
        ),
    ]
    if peaks := peak_values(records):
        made.append(
            (
                "Device",
                f"{peaks[0] / 1e9:.3g} GFLOP/s and {peaks[1] / 1e9:.3g} GB/s at most, measured in "
                f"this run; threads: {config.get('threads', ABSENT)}.",
            )
        )
    return made


def peak_values(records: Sequence[LayerRecord]) -> tuple[float, float] | None:
    """The device's operations and bytes a second, the highest measured."""
    found = [r.metrics for r in records if r.stage == "peaks" and r.status == "ok"]
    if not found:
        return None
    return max(m["peak_flops"] for m in found), max(m["peak_bandwidth"] for m in found)


def comparable(record: LayerRecord) -> bool:
    """Whether the figure is valid and the neuron the same as everybody's."""
    return record.stage == "speed" and record.status == "ok" and record.metrics["equal"] is True


def total(record: LayerRecord) -> float:
    """The median milliseconds of both passes; infinite where they were not measured."""
    return float(record.metrics.get("total_ms", {}).get("median", float("inf")))


def shown_name(record: LayerRecord) -> str:
    """The framework, with what forbids to compare its figure."""
    if record.status == "ok" and not record.metrics["equal"]:
        return f"{plain(record.plugin)} (not equal)"
    if record.status == "invalid":
        return f"{plain(record.plugin)} (invalid)"
    return plain(record.plugin)


def _row(record: LayerRecord, fastest: LayerRecord | None) -> list[str]:
    head = [str(record.neurons), shown_name(record)]
    if not record.metrics:
        told = MEASURED.get(record.status, record.status)
        return [*head, told, *[ABSENT] * 5]
    flat = _flat(record.metrics)
    ratio = share = ABSENT
    if comparable(record) and fastest is not None:
        tie = record is not fastest and not _slower(record, fastest)
        ratio = f"{total(record) / total(fastest):.2f}{', a tie' if tie else ''}"
        if "total_bound_ms" in flat:
            share = f"{100 * flat['total_bound_ms'] / total(record):.2g} %"
    memory = "device_memory_bytes" if "device_memory_bytes" in flat else "peak_memory_bytes"
    times: list[Text] = [plain_number(flat, f"{p}_ms") for p in ("forward", "backward", "total")]
    return [*head, *map(str, times), ratio, share, str(size(flat, memory))]


def _slower(record: LayerRecord, fastest: LayerRecord) -> bool:
    """Whether the intervals are apart; without intervals nothing is claimed."""
    low, high = record.metrics["total_ms"].get("low"), fastest.metrics["total_ms"].get("high")
    return low is not None and high is not None and low > high


def _flat(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Medians by their metric's name, their interval's ends beside them."""
    flat: dict[str, Any] = {}
    for name, value in metrics.items():
        if isinstance(value, dict):
            flat[name] = value["median"]
            flat |= {f"{name}_{end}": value[end] for end in ("low", "high") if end in value}
        else:
            flat[name] = value
    return flat


def _neuron(fields: Mapping[str, Any]) -> str:
    return f"beta {fields['beta']:g}, reset {'detached' if fields['detach'] else 'attached'}"


def _inputs(density: float) -> str:
    return "Dense inputs" if density == 1 else f"Spikes as inputs, {100 * density:g} %"
