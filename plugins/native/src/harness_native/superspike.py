"""`native-superspike`: surrogate gradients online in time, for exact spike times and for classes.

Zenke and Ganguli 2018, "SuperSpike: supervised learning in multilayer spiking neural networks". All
layers, including the last, are spiking neurons and learn by `harness_native.superspike_rule`. The error
of an output neuron is the difference between its spikes and its target spikes, both filtered. Hidden
neurons receive it in one of three ways:

- `symmetric`: through the transposed weights, layer by layer,
- `random`: from the output through a fixed random matrix for each layer,
- `uniform`: as its sum over the output neurons, the same for all.

For classification, the neuron of the right class has a few target spikes and the others have none. The
prediction is the class whose targets are nearest to the output in van Rossum distance. For output
spikes S, the distance to the targets of class c differs between classes only by

    - 2 sum over t of (alpha * S_c)[t] (alpha * target)[t] = - 2 sum over t of S_c[t] weighting[t]

with weighting = alpha^T alpha target. So the score of a class is the weighted sum of the spikes of its
neuron.

The neuron is that of `harness_native.neurons`, which subtracts the threshold when it spikes. In the
paper the membrane potential returns to rest and stays there for 5 ms.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.plugin import Evaluation, Parameter, Params, Presets, Scalars, Task, Value, hookimpl
from harness.plugin.toolkit.codes import harness_encode
from harness.plugin.toolkit.parameters import (
    BATCHES,
    ENCODING,
    HIDDEN_OR_NONE,
    SCHEDULE,
    with_defaults,
)
from harness.plugin.toolkit.readouts import accuracy, densities
from harness_native.eligibility import backward_trace
from harness_native.network import LayerActivity
from harness_native.neurons import trace
from harness_native.superspike_network import FEEDBACKS, SuperSpikeNetwork
from harness_native.superspike_rule import direction, heterosynaptic

__all__ = [
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_presets",
    "harness_train_sequence",
    "harness_train_step",
    "update",
]

PARAMETERS = {
    "hidden": HIDDEN_OR_NONE,
    "feedback": Parameter("symmetric", "how errors reach hidden neurons", choices=FEEDBACKS),
    "tau_mem": Parameter(10.0, "time constant of the membrane in ms", low=1e-3),
    "tau_syn": Parameter(5.0, "time constant of the synaptic current in ms", low=1e-3),
    "tau_rise": Parameter(5.0, "rise time of the van Rossum kernel in ms", low=1e-3),
    "tau_decay": Parameter(10.0, "decay time of the van Rossum kernel in ms", low=1e-3),
    "theta": Parameter(1.0, "firing threshold", low=1e-6),
    "slope": Parameter(5.0, "slope of the surrogate gradient, in 1/theta", low=0.0),
    "gain": Parameter(0.5, "scale of the initial weights", low=0.0),
    "rate": Parameter(0.01, "learning rate r_0", low=0.0),
    "gamma": Parameter(0.8, "decay of RMaxProp's maximum in one update", 0.0, 1.0),
    "schedule": SCHEDULE,
    "rho": Parameter(0.0, "strength of the heterosynaptic regularisation", low=0.0),
    "tau_het": Parameter(100.0, "time constant in ms of the firing rate that it uses", low=1e-3),
    "target_interval": Parameter(3, "steps between target spikes of the right class", low=1),
    "target_part": Parameter(0.8, "last part of a sample that has target spikes", 0.0, 1.0),
    **with_defaults(ENCODING, code="latency", max_rate=0.2),
    "steps": Parameter(20, "time steps for an encoded sample, 1 ms each", low=1),
    **BATCHES,
}

_TRAIN: dict[str, Value] = {"hidden": "none", "slope": 2.0}
_PATTERN: dict[str, Value] = {"slope": 2.0, "rho": 10.0, "rate": 0.003, "gamma": 0.95}


@hookimpl
def harness_presets() -> Presets:
    """The parameters and presets."""
    return Presets(
        parameters=PARAMETERS,
        values={
            "quick": {
                "*": {"epochs": 1},
                "digits": {"hidden": "100", "epochs": 8, "batch_size": 32},
                "randman": {"hidden": "128", "epochs": 2},
                "spike-train": {**_TRAIN, "epochs": 200},
                "spike-pattern": {**_PATTERN, "epochs": 100},
            },
            "best": {
                "*": {"epochs": 10},
                "digits": {"epochs": 30, "batch_size": 32},
                "spike-train": {**_TRAIN, "epochs": 600},
                "spike-pattern": {**_PATTERN, "epochs": 600},
            },
        },
    )


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> SuperSpikeNetwork:
    """The network with its initial weights."""
    return SuperSpikeNetwork(task, params, device)


@hookimpl
def harness_train_sequence(model: SuperSpikeNetwork, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update towards the target spikes `targets` [T, B, n_out] of the output."""
    with torch.no_grad():
        return update(model, model.layers(spikes), targets)


@hookimpl
def harness_train_step(model: SuperSpikeNetwork, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update towards target spikes of the neurons of the right classes."""
    with torch.no_grad():
        layers = model.layers(spikes)
        scores = (layers[-1].spikes * model.weighting).sum(0)
        classes = nn.functional.one_hot(targets, scores.shape[-1])
        scalars = update(model, layers, model.target * classes)
        return {"accuracy": accuracy(scores, targets), **scalars}


def update(
    model: SuperSpikeNetwork, layers: Sequence[LayerActivity], targets: Tensor
) -> dict[str, Tensor]:
    """One update by the rule, from the network's activity and the target spikes [T, B, n_out].

    `loss` is the van Rossum distance as a fraction of that of silent output neurons.
    """
    p = model.params
    target, output = trace(torch.stack([targets, layers[-1].spikes], 1), model.kernel).unbind(1)
    error = target - output
    directions = [
        direction(signal, layer.membranes, layer.inputs, model.lif, p.slope)
        for signal, layer in zip(model.feedback(backward_trace(error, model.kernel)), layers)
    ]
    if p.rho:
        hidden = zip(directions[:-1], model.feedback(error), layers, model.weights)
        for change, signal, layer, weight in hidden:
            change -= p.rho * heterosynaptic(signal, layer.spikes, weight, model.rate_decay)
    model.optimizer.step(directions)
    return {
        "loss": error.square().sum() / target.square().sum(),
        **densities([layer.spikes for layer in layers[:-1]]),
    }


@hookimpl
def harness_evaluate(model: SuperSpikeNetwork, spikes: Tensor, record: bool) -> Evaluation:
    """The output spikes [T, B, n_out]; for classification the scores [B, C].

    With `record`, the scores are over time, [T, B, C].
    """
    layers = model.layers(spikes)
    scores = layers[-1].spikes
    if model.classifies:
        weighted = scores * model.weighting
        scores = weighted.cumsum(0) if record else weighted.sum(0)
    return Evaluation(scores, model.recorded(layers) if record else ())
