"""What a reader must know to read the numbers right, in plain words, from what this run holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.report.numbers import ABSENT, plain
from harness.report.rows import Row
from harness.results.record import Record

#: A load average above this, for each core, is another program's work.
BUSY = 0.5

INTERVALS = (
    "A bracket [low, high] is a 95 % interval: were the run repeated, 95 of 100 such intervals "
    "would hold the true value. For latency and throughput it comes from the medians of this "
    "run's rounds; it knows nothing of how the machine differs on another day. For everything else "
    "but accuracy it is Student's t over the seeds. Where two intervals overlap, the order of the two "
    "rows may be chance. No bracket: the data support no interval."
)
STEPS = (
    "The other sense of latency: not the time that this machine needs, but the simulated steps until "
    "the answer stands. Decision step is the first step, from 1, whose accuracy is within 0.1 points of "
    "the last step's; the figure Accuracy by time step shows all of them. Fewer steps are less latency "
    "on hardware that runs in step with its input; here every row runs all of its steps."
)
SPIKE_TRAINS = (
    "How well the output spikes fit the target spikes of the one pattern that was trained on; each "
    "seed has a pattern of its own. Van Rossum loss: both trains filtered by a double exponential "
    "(rise 5 ms, decay 10 ms), their squared difference summed over neurons and time, as a fraction of "
    "what no output spikes at all would give: 0 is equal, 1 as good as silence, above 1 worse. Spikes "
    "on time: target spikes that meet an output spike at most 2 ms away; each output spike counts "
    "once. Extra spikes: the output spikes left over, of all output neurons together."
)
OPERATIONS = (
    "NeuroBench's definitions, counted on the test data. Sparsity: zeros among all activations, "
    "over layers, time steps and samples; what some sources call density is 1 less sparsity. "
    "Effective operations of one sample: connections whose "
    "weight and input are both non-zero; an accumulate (AC) where the layer's inputs lie in -1, 0, "
    "1, else a multiply-accumulate (MAC). Dense operations: every connection at every step. Biases "
    "are not counted."
)
ENERGY = (
    "Modelled: 4.6 pJ a multiply-accumulate, 0.9 pJ an accumulate (45 nm, float32, Horowitz 2014), of the "
    "effective operations of one sample. Compute only: memory traffic is not in it, and can be more by "
    "orders of magnitude. Measured energy, where a counter can be read, has a column of its own."
)
DASH = "Not measured, or nothing to measure: never 0. A 0 that was measured is printed as 0."


def headline(rows: Sequence[Row], records: Sequence[Record]) -> str:
    """What was compared, on one line."""
    if not records:
        return "no records"
    trials = [record for record in records if record.stage == "trial"]
    ok = sum(record.status == "ok" for record in trials)
    seeds = len({record.seed for record in trials})
    return ", ".join(
        (
            _listed(record.task for record in records),
            f"preset {_listed(record.preset for record in records)}",
            _count(len(rows), "row"),
            _count(seeds, "seed"),
            f"{ok} of {_count(len(trials), 'trial')} finished",
        )
    )


def how_to_read(rows: Sequence[Row], records: Sequence[Record]) -> list[tuple[str, str]]:
    """(subject, explanation) pairs, only for what the tables hold."""
    have = {name for row in rows for name in row.summary}
    timed = [record for record in records if record.stage == "timing" and record.status == "ok"]
    notes = [
        ("Accuracy", _accuracy(rows), {"test_accuracy"}),
        ("Spike trains", SPIKE_TRAINS, {"van_rossum_loss"}),
        ("Latency, in time", _latency(timed), {"latency_ms"}),
        ("Latency, in steps", STEPS, {"decision_step"}),
        ("Throughput", _throughput(rows), {"inference_throughput", "train_throughput"}),
        ("Intervals", INTERVALS, {name for name in have if name.endswith("_low")}),
        ("Operations", OPERATIONS, {"activation_sparsity", "synops_ac", "synops_dense"}),
        ("Energy", ENERGY, {"energy_modelled_nj"}),
        (f"A dash, {ABSENT}", DASH, have),
    ]
    return [(subject, text) for subject, text, metrics in notes if metrics & have]


def warnings(run: Mapping[str, Any], records: Sequence[Record]) -> list[str]:
    """What makes this run's numbers weaker than they look."""
    found = []
    trials = [record for record in records if record.stage == "trial" and record.status == "ok"]
    jobs = max((record.jobs for record in trials), default=1)
    if jobs > 1 and any("train_seconds" in record.metrics for record in trials):
        found.append(
            f"Up to {jobs} trials ran at once: training times are those of a shared machine, not "
            "comparable with another run's. Latency and throughput were timed on their own."
        )
    for name in ("task", "preset", "device", "threads"):
        if name == "preset" and all("preset=" in record.label for record in trials):
            continue  # the rows' names tell
        values = sorted({str(getattr(record, name)) for record in trials})
        if len(values) > 1:
            found.append(f"Rows differ in {name}: {', '.join(map(plain, values))}.")
    if trials and len({record.seed for record in trials}) == 1:
        found.append("One seed only: how much another seed would change is unknown.")
    return found + _environment(run.get("environment"))


def _environment(facts: object) -> list[str]:
    found = []
    known = facts if isinstance(facts, Mapping) else {}
    load, cores = known.get("load_average"), known.get("cores")
    if isinstance(load, (int, float)) and isinstance(cores, int) and load > BUSY * cores:
        found.append(
            f"The machine was busy with something else when the run began (load {load:.1f} on "
            f"{_count(cores, 'core')}): its timings are less sure than their intervals say."
        )
    if known.get("dirty"):
        found.append("The working tree had uncommitted changes: the commit alone is not this code.")
    return found


def _accuracy(rows: Sequence[Row]) -> str:
    kinds = {row.summary.get("test_accuracy_interval", "") for row in rows if row.trials}
    sizes = sorted({int(row.summary["test_size"]) for row in rows if row.has("test_size")})
    of = f" of {' or '.join(map(str, sizes))} samples" if sizes else ""
    parts = [f"Correct answers on the test set{of}; nothing was trained, tuned or scaled on it."]
    if any(kind.startswith("t over") for kind in kinds):
        parts.append(
            "The mean over the seeds that finished (column Seeds), with Student's t interval: it "
            "covers what another seed would change, not what another test set would."
        )
    if any(kind.startswith("Wilson") for kind in kinds):
        parts.append(
            "With one seed, or seeds that all agree, the interval is Wilson's, from the number of "
            "test samples: it covers what another test set would change, not another seed."
        )
    return " ".join(parts)


def _throughput(rows: Sequence[Row]) -> str:
    sizes = []
    for what, name in (("inference", "inference_batch"), ("training", "train_batch")):
        found = sorted({int(row.summary[name]) for row in rows if row.has(name)})
        if found:
            sizes.append(f"{' or '.join(map(str, found))} for {what}")
    of = f" of {', '.join(sizes)}" if sizes else ""
    return f"Samples a second in batches{of}, at the median call's rate; encoding included."


def _latency(timed: Sequence[Record]) -> str:
    threads = _listed(record.threads for record in timed)
    counts = [latency["n"] for record in timed if "n" in (latency := _latency_of(record))]
    ends = dict.fromkeys(str(int(end(counts))) for end in (min, max)) if counts else ()
    return (
        "By the clock: one sample, alone in its batch, from the raw input to the answer after the last "
        "step, encoding included, on "
        f"{_listed(record.device for record in timed)} with {threads} CPU "
        f"thread{'' if threads == '1' else 's'}; for each row, its first successful seed's model."
        + (f" Median of {' to '.join(ends)} calls." if ends else "")
        + " A percentile appears where there are enough calls for it."
    )


def _latency_of(record: Record) -> Mapping[str, Any]:
    latency = record.metrics.get("latency_ms")
    return latency if isinstance(latency, Mapping) else {}


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(plain(value) for value in values))
