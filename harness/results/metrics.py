"""The registry of metrics: what each is called, what it means, and how seeds are combined.

A new metric is one entry here and the place that computes it: records, frames, tables, figures, the
terminal and the table in docs/metrics.md read it from here.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    """One metric.

    `series` names the times that it is computed from, where it is a summary of times. `place` says
    where it is shown: `brief` in the terminal and the table, `table` in the table, `record` in the
    records, frames and docs only. `high` bounds its interval.
    """

    name: str
    title: str
    unit: Unit
    better: Better
    combine: Combine
    of: tuple[Of, ...]
    meaning: str
    place: Literal["brief", "table", "record"] = "table"
    series: str = ""
    high: float = float("inf")


def _fraction(
    name: str, title: str, better: Better, combine: Combine, meaning: str, **more: object
) -> Metric:
    return Metric(name, title, "fraction", better, combine, ("trial",), meaning, high=1.0, **more)  # type: ignore[arg-type] # passed on


_TRIAL: tuple[Of, ...] = ("trial",)
_NETWORK: tuple[Of, ...] = ("network-timing",)
_LAYER: tuple[Of, ...] = ("layer-timing",)
_PROOF: tuple[Of, ...] = ("layer-proof",)
_TIMED: tuple[Of, ...] = ("network-timing", "layer-timing")

#: In the order of the tables' columns.
REGISTRY: tuple[Metric, ...] = (
    _fraction(
        "test_accuracy",
        "Test accuracy",
        "more",
        "accuracy",
        "fraction of the whole test split that is classified correctly after the last step",
        place="brief",
    ),
    Metric(
        "van_rossum_loss",
        "Van Rossum loss",
        "number",
        "less",
        "seeds",
        _TRIAL,
        "squared difference of output and target spikes, both filtered by a double exponential (rise "
        "5 ms, decay 10 ms), over neurons and time, as a fraction of what no output spike at all gives: "
        "0 is equal, 1 as good as silence",
        place="brief",
    ),
    _fraction(
        "spikes_on_time",
        "Spikes on time",
        "more",
        "seeds",
        "fraction of target spikes that meet an output spike at most 2 ms away; each output spike "
        "counts once",
        place="brief",
    ),
    Metric(
        "spikes_extra",
        "Extra spikes",
        "number",
        "less",
        "seeds",
        _TRIAL,
        "output spikes that meet no target spike, over all output neurons",
        place="brief",
    ),
    Metric(
        "latency_ms",
        "Latency",
        "ms",
        "less",
        "one",
        _NETWORK,
        "median time of one sample, alone in its batch, from the raw input to the prediction after the "
        "last step, encoding included",
        place="brief",
        series="latency",
    ),
    Metric(
        "decision_step",
        "Decision step",
        "steps",
        "less",
        "mean",
        _TRIAL,
        "latency in simulated steps: the first step, from 1, within 0.1 points of the last step's "
        "accuracy",
        place="brief",
    ),
    Metric(
        "latency_p95_ms",
        "p95 latency",
        "ms",
        "less",
        "one",
        _NETWORK,
        "95 of 100 calls took no longer; from 200 calls on",
    ),
    Metric(
        "latency_p99_ms",
        "p99 latency",
        "ms",
        "less",
        "one",
        _NETWORK,
        "99 of 100 calls took no longer; from 1000 calls on",
    ),
    _fraction(
        "activation_sparsity",
        "Sparsity",
        "more",
        "seeds",
        "zeros / all activations, over layers, time steps and test samples; what some papers call "
        "density is 1 - sparsity",
        place="brief",
    ),
    Metric(
        "synops_effective",
        "Effective ops",
        "count",
        "less",
        "seeds",
        _TRIAL,
        "synaptic operations a sample whose weight and input are both non-zero: ACs and MACs together",
        place="brief",
    ),
    Metric(
        "spikes_per_sample",
        "Spikes",
        "count",
        "less",
        "seeds",
        _TRIAL,
        "spikes of all spiking layers for one sample",
        place="brief",
    ),
    Metric(
        "inference_throughput",
        "Inference / s",
        "per second",
        "more",
        "one",
        _NETWORK,
        "samples a second in inference batches, at the median call's rate, encoding included",
        place="brief",
        series="inference",
    ),
    Metric(
        "train_throughput",
        "Training / s",
        "per second",
        "more",
        "one",
        _NETWORK,
        "samples a second in training batches, at the median call's rate, encoding included",
        series="train",
    ),
    Metric(
        "train_seconds",
        "Training time",
        "s",
        "less",
        "seeds",
        _TRIAL,
        "from the first batch to the end of `harness_finish_training`; beside other trials where "
        "`jobs` > 1",
        place="brief",
    ),
    Metric(
        "synops_ac",
        "ACs",
        "count",
        "less",
        "seeds",
        _TRIAL,
        "accumulates a sample: effective operations of layers whose inputs all lie in {-1, 0, 1}",
    ),
    Metric(
        "synops_mac",
        "MACs",
        "count",
        "less",
        "seeds",
        _TRIAL,
        "multiply-accumulates a sample: effective operations of the other layers",
    ),
    Metric(
        "synops_dense",
        "Dense ops",
        "count",
        "less",
        "mean",
        _TRIAL,
        "synaptic operations a sample if every connection worked in every step",
    ),
    Metric(
        "energy_modelled_nj",
        "Energy, modelled",
        "nJ",
        "less",
        "mean",
        _TRIAL,
        "4.6 pJ a MAC and 0.9 pJ an AC (45 nm, float32, Horowitz 2014) times the effective operations "
        "of a sample; compute only: memory traffic, neurons and control are not in it and can "
        "dominate",
    ),
    Metric(
        "energy_measured_j",
        "Energy, measured",
        "J",
        "less",
        "one",
        _NETWORK,
        "joules a sample of inference batches, read from RAPL (packages and memory) or, for the GPU "
        "alone, NVML, over a loop of 1 s in a pass of its own; the idle power of the second before is "
        "subtracted; other load is in it",
    ),
    Metric(
        "forward_ms",
        "Forward",
        "ms",
        "less",
        "one",
        _LAYER,
        "median time of a forward pass that keeps the graph",
        series="forward",
    ),
    Metric(
        "backward_ms",
        "Backward",
        "ms",
        "less",
        "one",
        _LAYER,
        "median time of the backward pass to the weights",
        series="backward",
    ),
    Metric(
        "total_ms",
        "Total",
        "ms",
        "less",
        "one",
        _LAYER,
        "median time of a forward and a backward pass together",
        place="brief",
        series="total",
    ),
    Metric(
        "roofline_share",
        "Roofline",
        "fraction",
        "more",
        "one",
        _LAYER,
        "the least time that this device needs for both passes, as a fraction of the measured total",
        place="brief",
        high=1.0,
    ),
    Metric(
        "peak_memory_bytes",
        "Peak memory",
        "bytes",
        "less",
        "one",
        _TIMED,
        "peak host memory of an inference batch above the model, or of both passes of a layer above "
        "weights, inputs and gradient, in a pass of its own",
        place="brief",
    ),
    Metric(
        "train_peak_memory_bytes",
        "Training memory",
        "bytes",
        "less",
        "one",
        _NETWORK,
        "the same of a training batch",
    ),
    Metric(
        "device_memory_bytes",
        "GPU memory",
        "bytes",
        "less",
        "one",
        _TIMED,
        "the peak of an inference batch, or of a layer's passes, on the GPU, as torch's allocator "
        "counts it",
    ),
    Metric(
        "train_device_memory_bytes",
        "GPU memory, training",
        "bytes",
        "less",
        "one",
        _NETWORK,
        "the same of a training batch",
    ),
    Metric(
        "parameters",
        "Parameters",
        "count",
        "less",
        "mean",
        _TRIAL,
        "weights and biases of the trained model",
    ),
    Metric(
        "footprint_bytes",
        "Footprint",
        "bytes",
        "less",
        "mean",
        _TRIAL,
        "bytes of the trained model's parameters and buffers",
    ),
    _fraction(
        "validation_accuracy",
        "Validation",
        "more",
        "seeds",
        "fraction of the validation split that is classified correctly",
    ),
    _fraction(
        "train_accuracy",
        "Train accuracy",
        "more",
        "seeds",
        "the same for as many training samples as there are test samples",
    ),
    _fraction(
        "input_density",
        "Input density",
        "",
        "mean",
        "non-zero values / all values that the first layer receives",
    ),
    Metric(
        "first_call_ms",
        "First call",
        "ms",
        "less",
        "one",
        _TIMED,
        "the very first call of the freshly built subject, with whatever is compiled then",
    ),
    _fraction(
        "reference_accuracy",
        "Reference accuracy",
        "more",
        "named",
        "test accuracy of other predictions for the same samples that a plugin hands over, by name: a "
        "conversion's own ANN",
        place="record",
    ),
    _fraction(
        "reported_accuracy",
        "Reported accuracy",
        "",
        "mean",
        "test accuracy that the original paper or code gives for just this preset and task, as the "
        "plugin states it; not measured here",
        place="record",
    ),
    _fraction(
        "accuracy_by_step",
        "Accuracy by step",
        "more",
        "steps",
        "test accuracy of the prediction after each time step, where the network gives one",
        place="record",
    ),
    Metric(
        "test_size",
        "Test samples",
        "count",
        "",
        "mean",
        _TRIAL,
        "samples of the test split",
        place="record",
    ),
    _fraction(
        "connection_sparsity",
        "Connection sparsity",
        "more",
        "mean",
        "zero weights / weights of the recorded connections, biases excluded",
        place="record",
    ),
    Metric(
        "fewest_flops",
        "Fewest operations",
        "flops",
        "",
        "mean",
        _TRIAL,
        "floating-point operations a sample that the inputs allow at the least: an effective AC is one, "
        "a MAC two, an input that is constant over time counts once",
        place="record",
    ),
    Metric(
        "repeated_input_ratio",
        "Repeated input",
        "number",
        "",
        "one",
        _NETWORK,
        "median time of an input that is repeated over that of a new one; absent where there are too "
        "few samples to tell",
        place="record",
    ),
    Metric(
        "forward_bound_ms",
        "Forward, least",
        "ms",
        "",
        "one",
        _LAYER,
        "the roofline's least time for a forward pass",
        place="record",
    ),
    Metric(
        "backward_bound_ms",
        "Backward, least",
        "ms",
        "",
        "one",
        _LAYER,
        "the roofline's least time for a backward pass",
        place="record",
    ),
    Metric(
        "total_bound_ms",
        "Total, least",
        "ms",
        "",
        "one",
        _LAYER,
        "the roofline's least time for both passes",
        place="record",
    ),
    Metric(
        "layer_input_density",
        "Layer input density",
        "fraction",
        "",
        "one",
        _LAYER,
        "inputs of the timed layer that are not 0",
        place="record",
        high=1.0,
    ),
    Metric(
        "layer_output_density",
        "Layer output density",
        "fraction",
        "",
        "one",
        _LAYER,
        "outputs of the timed layer that are spikes",
        place="record",
        high=1.0,
    ),
    Metric(
        "spikes_compared",
        "Spikes compared",
        "count",
        "",
        "one",
        (*_PROOF, *_LAYER),
        "spikes of the layer that were held against the neuron's equations",
        place="record",
    ),
    Metric(
        "spikes_differing",
        "Spikes differing",
        "count",
        "less",
        "one",
        (*_PROOF, *_LAYER),
        "those that differ from the equations'",
        place="record",
    ),
    Metric(
        "spikes_at_threshold",
        "Ties",
        "count",
        "",
        "one",
        _PROOF,
        "spikes compared whose membrane potential was exactly the threshold",
        place="record",
    ),
    Metric(
        "weight_gradient_error",
        "Weight gradient error",
        "number",
        "less",
        "one",
        (*_PROOF, *_LAYER),
        "largest error of the weights' gradient, as a fraction of its largest value",
        place="record",
    ),
    Metric(
        "input_gradient_error",
        "Input gradient error",
        "number",
        "less",
        "one",
        _PROOF,
        "largest error of the inputs' gradient, as a fraction of its largest value",
        place="record",
    ),
    Metric(
        "peak_flops",
        "Peak operations",
        "flops",
        "",
        "one",
        ("peaks",),
        "float32 operations a second of the device's fastest matrix product",
        place="record",
    ),
    Metric(
        "peak_bandwidth",
        "Peak bandwidth",
        "bytes per second",
        "",
        "one",
        ("peaks",),
        "bytes a second, read and written, of the device's fastest large copy",
        place="record",
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in REGISTRY}


def of(*kinds: Of) -> list[Metric]:
    """The metrics that records of one of `kinds` hold, in the order of the registry."""
    return [metric for metric in REGISTRY if set(kinds) & set(metric.of)]


def docs_table(*kinds: Of) -> str:
    """The Markdown table of those metrics; docs/metrics.md holds it, and a test compares the two."""
    lines = [
        "| metric | unit | better | over seeds | what it is |",
        "| --- | --- | --- | --- | --- |",
    ]
    for metric in of(*kinds):
        cells = (f"`{metric.name}`", metric.unit, metric.better or "-", metric.combine)
        lines.append(f"| {' | '.join(cells)} | {metric.meaning} |")
    return "\n".join(lines) + "\n"
