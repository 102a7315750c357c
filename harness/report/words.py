"""What a reader must know to read the numbers right, in plain words, from what this run holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import Template
from typing import Any

from harness.report.classes import without_samples
from harness.report.content import PROSE, prose
from harness.report.numbers import counted, grouped, listed
from harness.report.rows import NetworkRow
from harness.results.asked import asked_trials
from harness.results.record import (
    LayerProof,
    LayerTiming,
    NetworkTiming,
    PeaksRecord,
    Record,
    TrialRecord,
)
from harness.results.roofline import highest_peaks
from harness.results.session import Session

#: More rows than these are counted in a sentence and not named.
MOST_NAMES = 6

#: The metrics of which a row with more time steps has more.
_GROWING = ("synops_effective", "latency_ms")


def headline(
    rows: Sequence[NetworkRow], records: Sequence[Record], sessions: Sequence[Session] = ()
) -> str:
    """What was compared, on one line; of how many trials that `sessions` asked for."""
    of_layers = [r for r in records if isinstance(r, (LayerProof, LayerTiming))]
    trials = [record for record in records if isinstance(record, TrialRecord)]
    timed = [record for record in of_layers if isinstance(record, LayerTiming)]
    if of_layers:
        plugins = {record.row.plugin for record in of_layers}
        parts = ["one layer", counted(len(plugins), "framework")]
    elif rows:
        parts = [
            listed(row.row.task for row in rows),
            f"preset {listed(row.row.preset for row in rows)}",
            counted(len(rows), "row"),
            counted(len({record.seed for record in trials}), "seed"),
            finished(trials, asked_trials(records, sessions), "trial"),
        ]
    else:
        return "no records"
    if timed:
        sizes = sorted({record.row.size.neurons for record in timed})
        parts += [f"{listed(sizes)} neurons", listed(f"on {record.row.device}" for record in timed)]
        parts += [finished(timed, len(timed), "measurement")]
    return ", ".join(parts)


def notes(rows: Sequence[NetworkRow], records: Sequence[Record]) -> list[tuple[str, str]]:
    """(subject, explanation) pairs, only for what the tables hold."""
    timed = [r for r in records if isinstance(r, LayerTiming)]
    peaks = highest_peaks(records)
    cells = [(name, cell) for row in rows for name, cell in row.cells.items()]
    have = {name for name, _ in cells} | {
        record.kind for record in records if peaks or record.kind != "peaks"
    }
    have |= {"number"} if cells or timed else set()
    have |= {"interval"} if timed or any(cell.low is not None for _, cell in cells) else set()
    facts = _facts(rows, records, peaks or (0.0, 0.0))
    return [
        (note["subject"], Template(note["text"]).substitute(facts))
        for note in PROSE["notes"]
        if have & set(note["needs"])
    ]


def warnings(
    rows: Sequence[NetworkRow], records: Sequence[Record], data: Mapping[str, Any]
) -> list[str]:
    """What limits the comparison of networks on one task, of whose `data` this is known."""
    sentences = [*without_samples(data)]
    trials = [r for r in records if isinstance(r, TrialRecord) and r.status == "ok"]
    jobs = max((record.jobs for record in trials), default=1)
    if min(jobs, len(trials)) > 1 and any("train_seconds" in record.metrics for record in trials):
        timed = any(isinstance(record, NetworkTiming) for record in records)
        alone = [prose("warnings", "alone")] if timed else []
        sentences.append(" ".join([prose("warnings", "jobs", jobs=min(jobs, len(trials))), *alone]))
    for name in ("device", "threads"):
        values = sorted({str(getattr(row.row, name)) for row in rows if row.trials})
        if len(values) > 1:
            sentences.append(prose("warnings", "differ", field=name, values=listed(values)))
    if limits := sorted({row.row.limit for row in rows if row.trials and row.row.limit}):
        sentences.append(prose("warnings", "limit", samples=_either(limits)))
    if sentence := unequal_steps(rows):
        sentences.append(sentence)
    if trials and len({record.seed for record in trials}) == 1:
        sentences.append(prose("warnings", "one_seed"))
    return sentences


def unequal_steps(rows: Sequence[NetworkRow], most: int = MOST_NAMES) -> str:
    """How many time steps each row takes for a sample, where that differs among `rows`; else "".

    At most so many names for each number.
    """
    having = [row for row in rows if any(row.has(name) for name in _GROWING)]
    names = grouped((_steps(row), row.name) for row in having)
    if len(names) < 2:
        return ""
    ends = {None: "none", -1: "not recorded"}
    ordered = sorted(names.items(), key=lambda pair: pair[0] or 0)
    parts = [f"{ends.get(steps, steps)} for {listed(each, most)}" for steps, each in ordered]
    return prose("warnings", "steps", steps="; ".join(parts))


def _steps(row: NetworkRow) -> int | None:
    """None for a network without time, -1 where a spiking one does not say it."""
    by_step = [len(trial.metrics.get("accuracy_by_step", ())) for trial in row.trials]
    stated = row.settings.get("steps")
    if steps := max(by_step, default=0):
        return steps
    if isinstance(stated, int):
        return stated
    return -1 if row.has("spikes_per_sample") else None


def finished(records: Sequence[Record], asked: int, noun: str) -> str:
    """How many of those that were `asked` for succeeded: `12 of 13 trials finished`."""
    ok = sum(record.status == "ok" for record in records)
    return f"{ok} of {counted(asked, noun)} finished"


def _facts(
    rows: Sequence[NetworkRow], records: Sequence[Record], peaks: tuple[float, float]
) -> dict[str, str]:
    """What the notes name; a phrase that may be missing brings the space before it."""
    ok = [record for record in records if record.status == "ok"]
    timed = [record for record in ok if isinstance(record, NetworkTiming)]
    proved = [record.metrics for record in ok if isinstance(record, LayerProof)]
    of_layers = [record.row for record in records if isinstance(record, LayerTiming)]
    sources = {row.cells["test_accuracy"].source for row in rows if row.has("test_accuracy")}
    kinds = [kind for kind in PROSE["accuracy"] if kind in sources]
    sizes = sorted({int(row.value("test_size")) for row in rows if row.has("test_size")})
    batches = []
    for name, word in (("inference", "inference"), ("train", "training")):
        if batch_sizes := sorted({r.series[name].batch for r in timed if name in r.series}):
            batches.append(f"{_either(batch_sizes)} for {word}")
    calls = [series.outliers.calls for r in timed if (series := r.series.get("latency"))]
    ends = f"{min(calls)} to {max(calls)}" if len(set(calls)) > 1 else listed(calls)
    threads = listed(record.row.threads for record in timed)
    return {
        "test_samples": f" of {_either(sizes)} samples" if sizes else "",
        "intervals": "".join(f" {prose('accuracy', kind)}" for kind in kinds),
        "devices": listed(record.row.device for record in timed),
        "threads": f"{threads} CPU thread{'' if threads == '1' else 's'}",
        "calls": f" Median of {ends} calls." if calls else "",
        "batches": f" of {', '.join(batches)}" if batches else "",
        "compared": str(sum(int(metrics.get("spikes_compared", 0)) for metrics in proved)),
        "at_threshold": str(sum(int(metrics.get("spikes_at_threshold", 0)) for metrics in proved)),
        "betas": listed(f"{row.neuron.beta:g}" for row in of_layers),
        "resets": listed("detached" if row.neuron.detach else "attached" for row in of_layers),
        "layer_batches": listed(row.size.batch for row in of_layers),
        "steps": listed(row.size.steps for row in of_layers),
        "flops": f"{peaks[0] / 1e9:.3g}",
        "bandwidth": f"{peaks[1] / 1e9:.3g}",
        "device_threads": listed(r.threads for r in records if isinstance(r, PeaksRecord)),
    }


def _either(values: Iterable[object]) -> str:
    return " or ".join(map(str, values))
