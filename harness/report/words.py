"""What a reader must know to read the numbers right, in plain words, from what this run holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.report import layers
from harness.report.numbers import ABSENT, counted, listed
from harness.report.rows import NetworkRow
from harness.results.record import (
    LayerProof,
    LayerTiming,
    NetworkTiming,
    PeaksRecord,
    Record,
    TrialRecord,
)

INTERVALS = (
    "A bracket [low, high] is a 95 % interval: if the run were repeated, 95 of 100 such intervals "
    "would contain the true value. For times and throughput it comes from the medians of this "
    "run's rounds and does not include how the machine differs on another day. For everything else "
    "but accuracy it is Student's t over the seeds. Where two intervals overlap, the order of the two "
    "rows may be chance. No bracket: the data support no interval."
)
STEPS = (
    "Latency in simulated time steps: how many steps until the prediction is stable. Decision step is the "
    "first step, from 1, whose accuracy is within 0.1 points of the last step's; the figure Accuracy by "
    "time step shows all of them. Fewer steps are less latency on hardware that runs in step with its "
    "input; here every row runs all of its steps."
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
    "over layers, time steps and samples; what some papers call density is 1 - sparsity. "
    "Effective operations of one sample: connections whose weight and input are both non-zero; an "
    "accumulate (AC) where the layer's inputs lie in {-1, 0, 1}, else a multiply-accumulate (MAC). Dense "
    "operations: every connection at every step. Biases are not counted."
)
ENERGY = (
    "Modelled: 4.6 pJ a multiply-accumulate, 0.9 pJ an accumulate (45 nm, float32, Horowitz 2014), of the "
    "effective operations of one sample. Compute only: memory traffic is not included, and can cost "
    "orders of magnitude more. Measured energy, where a counter can be read, has a column of its own."
)
DASH = "Not measured, or nothing to measure: never 0. A 0 that was measured is printed as 0."

LAYER_TIMES = (
    "Size is the number of inputs, and of neurons. Medians with their 95 % intervals, over rounds in "
    "which the frameworks take turns in random order, each in processes of its own. The outputs of the "
    "timed calls are checked."
)
ROOFLINE = (
    "The least time that this device needs: operations that the inputs allow over its fastest matrix "
    "product, or bytes over its fastest copy, whichever is more. The column gives this time as a fraction "
    "of the measured one. A figure that implies more operations a second than the peak is invalid."
)
LAYER_MEMORY = (
    "The peak of a forward and a backward pass, above weights, inputs and outputs' gradient, in a pass of "
    "its own; on a GPU the peak of its own memory has a column too."
)


def headline(rows: Sequence[NetworkRow], records: Sequence[Record]) -> str:
    """What was compared, on one line."""
    if any(isinstance(record, (LayerProof, LayerTiming)) for record in records):
        return _layers_headline(records)
    if not rows:
        return "no records"
    trials = [record for record in records if isinstance(record, TrialRecord)]
    ok = sum(record.status == "ok" for record in trials)
    return ", ".join(
        (
            listed(row.row.task for row in rows),
            f"preset {listed(row.row.preset for row in rows)}",
            counted(len(rows), "row"),
            counted(len({record.seed for record in trials}), "seed"),
            f"{ok} of {counted(len(trials), 'trial')} finished",
        )
    )


def network_notes(rows: Sequence[NetworkRow], records: Sequence[Record]) -> list[tuple[str, str]]:
    """(subject, explanation) pairs for networks, only for what the tables hold."""
    have = {name for row in rows for name in row.summary.cells}
    intervals = any(cell.low is not None for row in rows for cell in row.summary.cells.values())
    timed = [r for r in records if isinstance(r, NetworkTiming) and r.status == "ok"]
    notes = [
        ("Accuracy", _accuracy(rows), {"test_accuracy"}),
        ("Spike trains", SPIKE_TRAINS, {"van_rossum_loss"}),
        ("Latency, in time", _latency(timed), {"latency_ms"}),
        ("Latency, in steps", STEPS, {"decision_step"}),
        ("Throughput", _throughput(timed), {"inference_throughput", "train_throughput"}),
        ("Intervals", INTERVALS, have if intervals else set()),
        ("Operations", OPERATIONS, {"activation_sparsity", "synops_ac", "synops_dense"}),
        ("Energy", ENERGY, {"energy_modelled_nj"}),
        (f"A dash, {ABSENT}", DASH, have),
    ]
    return [(subject, text) for subject, text, metrics in notes if metrics & have]


def layer_notes(records: Sequence[Record]) -> list[tuple[str, str]]:
    """(subject, explanation) pairs for layers, only where there are any."""
    proved = [r for r in records if isinstance(r, LayerProof)]
    timed = [r for r in records if isinstance(r, LayerTiming)]
    notes = [("Equal", _equal(proved))] if proved else []
    if timed:
        notes += [("Layer", _layer(timed)), ("Times", LAYER_TIMES)]
        notes += [("Roofline", ROOFLINE), ("Memory", LAYER_MEMORY)]
        notes += [("Intervals", INTERVALS), (f"A dash, {ABSENT}", DASH)]
    if peaks := layers.peaks(records):
        threads = listed(r.threads for r in records if isinstance(r, PeaksRecord))
        notes.append(
            (
                "Device",
                f"{peaks[0] / 1e9:.3g} GFLOP/s and {peaks[1] / 1e9:.3g} GB/s at most, measured in "
                f"this run; threads: {threads}.",
            )
        )
    return notes


def warnings(rows: Sequence[NetworkRow], records: Sequence[Record]) -> list[str]:
    """What limits the comparison of this run's networks."""
    found = []
    trials = [r for r in records if isinstance(r, TrialRecord) and r.status == "ok"]
    jobs = max((record.jobs for record in trials), default=1)
    if jobs > 1 and any("train_seconds" in record.metrics for record in trials):
        found.append(
            f"Up to {jobs} trials ran at once: training times are those of a shared machine, not "
            "comparable with another run's. Latency and throughput were timed alone."
        )
    ok = [row.row for row in rows if row.trials]
    for name in ("task", "device", "threads"):
        values = sorted({str(getattr(row, name)) for row in ok})
        if len(values) > 1:
            found.append(f"Rows differ in {name}: {listed(values)}.")
    if trials and len({record.seed for record in trials}) == 1:
        found.append("One seed only: how much the results vary over seeds is unknown.")
    return found


def _layers_headline(records: Sequence[Record]) -> str:
    every = records
    timed = [record for record in every if isinstance(record, LayerTiming)]
    plugins = {r.row.plugin for r in every if isinstance(r, (LayerProof, LayerTiming))}
    parts = ["one layer", counted(len(plugins), "framework")]
    if timed:
        sizes = sorted({record.row.size.neurons for record in timed})
        ok = sum(record.status == "ok" for record in timed)
        parts += [f"{listed(sizes)} neurons", listed(f"on {record.row.device}" for record in timed)]
        parts += [f"{ok} of {counted(len(timed), 'measurement')} finished"]
    return ", ".join(parts)


def _accuracy(rows: Sequence[NetworkRow]) -> str:
    cells = [cell for row in rows if (cell := row.cell("test_accuracy"))]
    sizes = sorted({int(row.value("test_size")) for row in rows if row.has("test_size")})
    of = f" of {' or '.join(map(str, sizes))} samples" if sizes else ""
    parts = [f"Correct predictions on the test set{of}; nothing was trained or tuned on it."]
    if any(cell.kind.startswith("t over") for cell in cells):
        parts.append(
            "The mean over the seeds that finished (column Seeds), with Student's t interval: it "
            "covers the variation over seeds, not over test sets."
        )
    if any(cell.kind.startswith("Wilson") for cell in cells):
        parts.append(
            "With one seed, or if all seeds agree, the interval is Wilson's, from the number of "
            "test samples: it covers the variation over test sets, not over seeds."
        )
    return " ".join(parts)


def _throughput(timed: Sequence[NetworkTiming]) -> str:
    sizes = []
    for name, word in (("inference", "inference"), ("train", "training")):
        batches = sorted({r.series[name].batch for r in timed if name in r.series})
        if batches:
            sizes.append(f"{' or '.join(map(str, batches))} for {word}")
    of = f" of {', '.join(sizes)}" if sizes else ""
    return f"Samples a second in batches{of}, at the median call's rate; encoding included."


def _latency(timed: Sequence[NetworkTiming]) -> str:
    threads = listed(record.row.threads for record in timed)
    calls = [series.outliers.calls for r in timed if (series := r.series.get("latency"))]
    return (
        "Measured time: one sample, alone in its batch, from the raw input to the prediction after the "
        f"last step, encoding included, on {listed(record.row.device for record in timed)} with "
        f"{threads} CPU thread{'' if threads == '1' else 's'}; for each row, the model of its first "
        "successful seed."
        + (f" Median of {_ends(calls)} calls." if calls else "")
        + " A percentile is given where there are enough calls for it."
    )


def _equal(proofs: Sequence[LayerProof]) -> str:
    proved = [record.metrics for record in proofs if record.status == "ok"]
    compared = sum(int(metrics.get("spikes_compared", 0)) for metrics in proved)
    ties = sum(int(metrics.get("spikes_at_threshold", 0)) for metrics in proved)
    return (
        "On inputs whose sums are exact, every spike is that of the neuron's equations, and the "
        "gradients of weights and inputs differ by at most 1e-6 of their largest value. "
        f"{compared} spikes were compared; for {ties} of them the membrane potential was exactly the "
        "threshold."
    )


def _layer(timed: Sequence[LayerTiming]) -> str:
    rows = [record.row for record in timed]
    return (
        "One product without bias into one layer of LIF neurons, beta = "
        f"{listed(f'{row.neuron.beta:g}' for row in rows)}, reset "
        f"{listed('detached' if row.neuron.detach else 'attached' for row in rows)}; batch "
        f"{listed(row.size.batch for row in rows)}, {listed(row.size.steps for row in rows)} steps, "
        "float32. The backward pass computes the weights' gradient."
    )


def _ends(values: Iterable[int]) -> str:
    low, *_, high = sorted([*values, *values])
    return str(low) if low == high else f"{low} to {high}"
