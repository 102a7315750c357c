"""The comparison, the failures and the parameters as tables of text, for every kind of page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.report.numbers import Text, percent, plain, plain_number, si, size
from harness.report.rows import Row
from harness.results.frame import IDENTITY, METRICS, PARTS, latest
from harness.results.record import Record

Format = Callable[[Mapping[str, Any], str], Text]
milliseconds: Format = partial(plain_number, unit=" ms")
seconds: Format = partial(plain_number, unit=" s")
nanojoules: Format = partial(plain_number, unit=" nJ")
joules: Format = partial(plain_number, unit=" J")


@dataclass(frozen=True)
class Column:
    """A metric's column. `help` says in a sentence what the number is."""

    metric: str
    title: str
    show: Format
    help: str


@dataclass(frozen=True)
class Unfinished:
    """What became of seeds that gave no result, and the logs that tell more."""

    name: str
    seeds: str
    status: str
    reason: str
    logs: Sequence[str]


COLUMNS = (
    Column("test_accuracy", "Test accuracy", percent, "correct answers on the test set"),
    Column(
        "van_rossum_loss",
        "Van Rossum loss",
        plain_number,
        "distance to the target spikes: 0 is equal to them, 1 is no output spike at all",
    ),
    Column(
        "spikes_on_time",
        "Spikes on time",
        percent,
        "target spikes that an output spike meets within 2 ms",
    ),
    Column("spikes_extra", "Extra spikes", plain_number, "output spikes that meet no target spike"),
    Column("latency_ms", "Latency", milliseconds, "median time to encode and answer one sample"),
    Column(
        "decision_step",
        "Decision step",
        plain_number,
        "latency in simulated steps: the first step whose accuracy is within 0.1 points of the last's",
    ),
    Column("latency_ms_p95", "p95 latency", milliseconds, "95 of 100 calls took no longer"),
    Column("latency_ms_p99", "p99 latency", milliseconds, "99 of 100 calls took no longer"),
    Column(
        "activation_sparsity",
        "Sparsity",
        percent,
        "zeros among all activations, over layers, time steps and test samples",
    ),
    Column("synops_effective", "Effective ops", si, "synaptic operations a sample, ACs and MACs"),
    Column("spikes_per_sample", "Spikes", si, "spikes that the layers emit for one sample"),
    Column("inference_throughput", "Inference / s", si, "samples a second, answered in batches"),
    Column("train_throughput", "Training / s", si, "samples a second while training"),
    Column("train_seconds", "Training time", seconds, "the whole training of one seed"),
    Column("synops_ac", "ACs", si, "accumulates a sample: effective operations on inputs -1, 0, 1"),
    Column("synops_mac", "MACs", si, "multiply-accumulates a sample: effective, other inputs"),
    Column("synops_dense", "Dense ops", si, "operations a sample if every connection worked"),
    Column("energy_modelled_nj", "Energy, modelled", nanojoules, "a sample, from its operations"),
    Column("energy_measured_j", "Energy, measured", joules, "read from the device"),
    Column("peak_memory_bytes", "Peak memory", size, "of an inference batch, above the model"),
    Column("train_peak_memory_bytes", "Training memory", size, "the same of a training batch"),
    Column("device_memory_bytes", "GPU memory", size, "peak on the device"),
    Column("parameters", "Parameters", si, "weights and biases"),
    Column("footprint_bytes", "Footprint", size, "bytes of parameters and buffers"),
    Column("validation_accuracy", "Validation", percent, "correct answers on the validation set"),
    Column("train_accuracy", "Train accuracy", percent, "correct answers on training samples"),
    Column("input_density", "Input density", percent, "non-zeros among the encoded inputs"),
    Column("first_call_ms", "First call", milliseconds, "the very first answer, with compilation"),
)
#: Shown through another column, in another table, or in the page's text.
HIDDEN = {
    *IDENTITY,
    "threads",
    "test_size",
    "reported_accuracy",
    "latency_ms_n",
    "inference_batch",
    "train_batch",
    "connection_sparsity",
    "fewest_flops",
    "repeated_input_ratio",
    "rounds",
}
#: Told in the section on how far to trust the timings.
HIDDEN_PARTS = ("versus_", "noise_floor_", "outliers_")


def columns(rows: Sequence[Row]) -> list[Column]:
    """The columns that some row has a number for; metrics that no one here knows come last."""
    known = {column.metric for column in COLUMNS} | HIDDEN
    known |= {metric + part for metric in METRICS for part in PARTS.get(metric, ())}
    found = sorted({name for row in rows for name in row.summary} - known)
    others = [
        Column(name, *_unknown(name))
        for name in found
        if not name.startswith(("seeds", *HIDDEN_PARTS))
        and not name.endswith(("_low", "_high", "_n"))
    ]
    return [c for c in (*COLUMNS, *others) if any(row.has(c.metric) for row in rows)]


def seeds(row: Row) -> str:
    """How many of a row's seeds succeeded: `3`, `2 of 3`, or `skipped`."""
    ok, of = row.summary["seeds_ok"], row.summary["seeds"]
    if 0 < of == row.summary["seeds_skipped"]:
        return "skipped"
    return str(ok) if ok == of else f"{ok} of {of}"


def unfinished(records: Sequence[Record]) -> list[Unfinished]:
    """Every record without a result, failures before skips; seeds that share a fate on one line."""
    found: dict[tuple[str, str, str, str], list[Record]] = {}
    for record in latest(records):
        if record.status != "ok":
            fate = (record.label, record.stage, record.status, record.reason)
            found.setdefault(fate, []).append(record)
    lines = [
        Unfinished(
            plain(label),
            ", ".join(str(record.seed) for record in members),
            f"{status} while timing" if stage == "timing" else status,
            plain(reason),
            [plain(record.log) for record in members if record.log],
        )
        for (label, stage, status, reason), members in found.items()
    ]
    return sorted(lines, key=lambda line: line.status == "skipped")


def parameters(rows: Sequence[Row], records: Sequence[Record]) -> list[tuple[Row, dict[str, str]]]:
    """The parameters of each row that has any, from the first of its records that does."""
    found = []
    for row in rows:
        own = next((r.params for r in records if r.label == row.summary["label"] and r.params), {})
        if own:
            found.append((row, {plain(name): plain(value) for name, value in own.items()}))
    return found


def _unknown(name: str) -> tuple[str, Format, str]:
    if name.startswith("reference_accuracy."):
        kind = plain(name.partition(".")[2])
        return f"{kind} accuracy", percent, f"test accuracy of the reference {kind!r} of this row"
    show: Format = size if name.endswith("_bytes") else si
    return plain(name), show, "a further metric of this run"
