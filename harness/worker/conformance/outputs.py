"""The checks of what a trained network returns for one batch.

They call the checks that every trial makes, on outputs without the faults that are another check's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from harness.errors import InvalidOutput
from harness.measure.activity import ActivityMeter
from harness.plugin import SPIKE_TRAIN, Evaluation, Layer
from harness.worker import checks, validity, wiring
from harness.worker.conformance.outcome import Failing, Skipping
from harness.worker.conformance.probe import Probe, differing_samples
from harness.worker.facts import unrecorded_fact
from harness.worker.unrecorded import unrecorded


def shapes(probe: Probe) -> str:
    """Shapes of scores and layers."""
    evaluation = _without(probe.recorded, finite=True, binary=True)
    scores = _checked(probe, evaluation)
    names = ", ".join(layer.name for layer in evaluation.layers)
    return f"scores {list(scores.shape)}, layers {names or 'none'}"


def finite(probe: Probe) -> str:
    """No NaN, no infinity."""
    _checked(probe, _without(probe.recorded, binary=True))
    return ""


def spikes(probe: Probe) -> str:
    """Spikes are 0 or 1."""
    _checked(probe, _without(probe.recorded, finite=True))
    layers = probe.recorded.layers
    names = [x.name for x in layers if x.spiking and x.outputs is not None]
    if not names:
        raise Skipping("no recorded layer emits spikes")
    return f"of {', '.join(names)}"


def operations(probe: Probe) -> str:
    """What the host can count."""
    layers = probe.recorded.layers
    if not layers:
        raise Failing("harness_evaluate returns no layers although `record` is set")
    missing = unrecorded(layers, probe.trained)
    fact = unrecorded_fact(probe.hooks, probe.trained, probe.build, probe.spikes, missing)
    if weights := fact.get("unrecorded"):
        raise Failing(
            f"no recorded layer has {100 * weights['share']:.3g} % of the weights that the scores "
            "depend on: " + ", ".join(weights["names"])
        )
    meter = ActivityMeter()
    meter.add(layers, probe.spikes.shape[1])
    if reason := meter.absent().get("synops_effective"):
        raise Skipping(reason, "a Linear, a convolution or a weight [n_out, n_in] would be counted")
    return f"{meter.metrics()['synops_effective']:.0f} a sample"


def record(probe: Probe) -> str:
    """The same prediction with and without the activity."""
    plain = probe.scores(probe.trained, probe.spikes)
    recorded = probe.scores(probe.trained, probe.spikes, record=True)
    if plain.shape != recorded.shape:
        raise Failing(
            f"scores are {list(plain.shape)} without `record`, {list(recorded.shape)} with it"
        )
    if probe.material.data.task.kind == SPIKE_TRAIN:
        changed = differing_samples(recorded, plain)
    else:
        # Scores may be summed otherwise when they are given over time: the prediction counts.
        changed = recorded.argmax(1) != plain.argmax(1)
    if int(changed.sum()) > max(1, len(changed) // 10):
        raise Failing(
            f"`record` changes the output of {int(changed.sum())} of {len(changed)} samples"
        )
    return ""


def steps(probe: Probe) -> str:
    """Some input step counts, and the last that can reach the output does, or the row says so."""
    if probe.material.data.task.kind == SPIKE_TRAIN:
        raise Skipping(
            "the single pattern of a spike-train task has no other sample to compare with"
        )
    delay = probe.recorded.delay
    last = validity.last_step_that_counts(
        lambda spikes: probe.evaluate(probe.trained, spikes).scores, probe.spikes, delay
    )
    if last == 0:  # a trial's accuracy is told to be at chance; an author has made a mistake
        raise InvalidOutput(
            f"harness_evaluate: the scores depend on no step of {len(probe.spikes)}, and on no sample"
        )
    return f"steps after {last} of {len(probe.spikes)} do not count" if last is not None else ""


def _checked(probe: Probe, evaluation: Evaluation) -> Tensor:
    batch = probe.spikes.shape[1]
    scores = probe.check_scores(evaluation, probe.spikes)
    checks.layers(evaluation.layers, batch)
    wiring.connections(evaluation.layers, probe.trained)
    wiring.feeding(evaluation, probe.spikes)
    checks.references(evaluation.references, batch, probe.material.data.task.classes)
    return scores


def _without(evaluation: Evaluation, finite: bool = False, binary: bool = False) -> Evaluation:
    """The evaluation with NaN and infinities replaced, and with spikes that are 0 and 1."""
    if not isinstance(evaluation, Evaluation):
        return evaluation

    def clean(value: Any) -> Any:
        return torch.nan_to_num(value) if finite and isinstance(value, Tensor) else value

    layers = [
        replace(
            layer,
            inputs=clean(layer.inputs),
            outputs=clean(layer.outputs),
            spiking=layer.spiking and not binary,
        )
        if isinstance(layer, Layer)
        else _no_layer(layer)
        for layer in evaluation.layers
    ]
    references = {name: clean(scores) for name, scores in evaluation.references.items()}
    return replace(
        evaluation, scores=clean(evaluation.scores), layers=layers, references=references
    )


def _no_layer(value: object) -> Layer:
    raise InvalidOutput(f"harness_evaluate: a layer is {type(value).__name__}, wanted Layer")
