"""`native-superspike`: surrogate gradients online in time, for exact spike times and for classes.

Zenke and Ganguli 2018, "SuperSpike: supervised learning in multilayer spiking neural networks". All
layers, the last included, are spiking neurons and learn by `harness_native.superspike_rule`. Output
neurons are told by how much they miss the spikes wanted of them, hidden ones get that error

- `symmetric`: through the transposed weights, layer by layer,
- `random`: straight from the output, through a fixed random matrix of their own,
- `uniform`: all alike, its sum over the output neurons.

Classes are told apart by spikes too. Of the right class's neuron a few spikes are wanted, of all
others none, and the answer is the class whose targets the output comes nearest in van Rossum distance.
That distance, of spikes S to the targets of class c, is the same for all c but for

    - 2 sum over t of (alpha * S_c)[t] (alpha * wanted)[t] = - 2 sum over t of S_c[t] worth[t],

worth = alpha^T alpha wanted: a class's score is what its neuron's spikes are worth.

The neuron is that of `harness_native.neurons`, which subtracts its threshold when it spikes; the
paper's goes back to rest and stays there for 5 ms.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from harness.plugin import hookimpl
from harness.plugin.toolkit.codes import CODES, encode
from harness.plugin import (
    LAYER_SIZES,
    Evaluation,
    Parameter,
    Params,
    Presets,
    Scalars,
    Task,
    Value,
)
from harness.plugin.toolkit.readouts import densities
from harness_native.eligibility import backward_trace
from harness_native.network import LayerActivity
from harness_native.neurons import trace
from harness_native.superspike_network import FEEDBACKS, SuperSpikeNetwork
from harness_native.superspike_rule import direction, heterosynaptic

PARAMETERS = {
    "hidden": Parameter(
        "256",
        "neurons in each hidden layer, as 256 or 256-64, or none",
        pattern=f"none|{LAYER_SIZES}",
    ),
    "feedback": Parameter("symmetric", "how errors reach hidden neurons", choices=FEEDBACKS),
    "tau_mem": Parameter(10.0, "time constant of the membrane in ms", low=1e-3),
    "tau_syn": Parameter(5.0, "time constant of the synaptic current in ms", low=1e-3),
    "tau_rise": Parameter(5.0, "rise of the van Rossum kernel in ms", low=1e-3),
    "tau_decay": Parameter(10.0, "decay of the van Rossum kernel in ms", low=1e-3),
    "theta": Parameter(1.0, "firing threshold", low=1e-6),
    "slope": Parameter(5.0, "slope of the spike's stand-in derivative, in 1/theta", low=0.0),
    "gain": Parameter(0.5, "scale of the initial weights", low=0.0),
    "rate": Parameter(0.01, "learning rate r_0", low=0.0),
    "gamma": Parameter(0.8, "decay of RMaxProp's maximum in one update", 0.0, 1.0),
    "schedule": Parameter(
        "cosine", "learning rate: cosine to 0 or constant", choices=("cosine", "constant")
    ),
    "rho": Parameter(0.0, "strength of hidden neurons' heterosynaptic regularisation", low=0.0),
    "tau_het": Parameter(100.0, "time constant in ms of the rate that it sees", low=1e-3),
    "target_interval": Parameter(3, "steps between spikes wanted of the right class", low=1),
    "target_part": Parameter(0.8, "last part of a sample in which they are wanted", 0.0, 1.0),
    "code": Parameter("latency", "input code where samples are no spike trains", choices=CODES),
    "steps": Parameter(20, "time steps of that code for a sample, 1 ms each", low=1),
    "max_rate": Parameter(0.2, "current or spike probability of a white pixel", 0.0, 1.0),
    "epochs": Parameter(3, "passes over the training set", low=0),
    "batch_size": Parameter(64, "samples in an update", low=1),
}


_TRAIN: dict[str, Value] = {"hidden": "none", "slope": 2.0}
_PATTERN: dict[str, Value] = {"slope": 2.0, "rho": 10.0, "rate": 0.003, "gamma": 0.95}


@hookimpl
def harness_presets() -> Presets:
    """Parameters and presets."""
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
    """The network at its random start."""
    return SuperSpikeNetwork(task, params, device)


@hookimpl
def harness_encode(model: SuperSpikeNetwork, inputs: Tensor, generator: Generator) -> Tensor:
    """Spikes or currents [T, B, n_in]; by default one spike, the earlier the brighter."""
    p = model.params
    return encode(inputs, p.code, p.steps, p.max_rate, generator)


@hookimpl
def harness_train_sequence(model: SuperSpikeNetwork, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update towards the output spikes `targets` [T, B, n_out]."""
    with torch.no_grad():
        return update(model, model.layers(spikes), targets)


@hookimpl
def harness_train_step(model: SuperSpikeNetwork, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update towards spikes of the right classes' neurons alone."""
    with torch.no_grad():
        layers = model.layers(spikes)
        scores = (layers[-1].spikes * model.worth).sum(0)
        right = nn.functional.one_hot(targets, scores.shape[-1])
        accuracy = (scores.argmax(-1) == targets).float().mean()
        return {"accuracy": accuracy, **update(model, layers, model.wanted * right)}


def update(
    model: SuperSpikeNetwork, layers: Sequence[LayerActivity], targets: Tensor
) -> dict[str, Tensor]:
    """One step by the rule from the network's activity towards the output spikes `targets`.

    `loss` is the van Rossum distance as a fraction of that of silent neurons.
    """
    p = model.params
    wanted, emitted = trace(torch.stack([targets, layers[-1].spikes], 1), model.kernel).unbind(1)
    error = wanted - emitted
    directions = [
        direction(signal, layer.membranes, layer.inputs, model.lif, p.slope)
        for signal, layer in zip(model.told(backward_trace(error, model.kernel)), layers)
    ]
    if p.rho:
        hidden = zip(directions[:-1], model.told(error), layers, model.weights)
        for found, told, layer, weight in hidden:
            found -= p.rho * heterosynaptic(told, layer.spikes, weight, model.rate_decay)
    model.optimizer.step(directions)
    return {
        "loss": error.square().sum() / wanted.square().sum(),
        **densities([layer.spikes for layer in layers[:-1]]),
    }


@hookimpl
def harness_evaluate(model: SuperSpikeNetwork, spikes: Tensor, record: bool) -> Evaluation:
    """The output spikes [T, B, n_out], or the classes' scores; these over time when recording."""
    layers = model.layers(spikes)
    answer = layers[-1].spikes
    if model.classifies:
        worth = answer * model.worth
        answer = worth.cumsum(0) if record else worth.sum(0)
    return Evaluation(answer, model.recorded(layers) if record else ())
