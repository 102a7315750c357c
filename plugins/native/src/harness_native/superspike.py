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
paper the membrane potential returns to rest and stays there for 5 ms. The presets `source` and
`source-network` are other networks, those of an experiment: `superspike_single` and
`superspike_readout`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.plugin import Evaluation, Params, Presets, Scalars, Task, hookimpl
from harness.plugin.toolkit.codes import harness_encode
from harness.plugin.toolkit.readouts import accuracy, densities
from harness.plugin.toolkit.training_state import harness_training_state
from harness_native.eligibility import backward_trace
from harness_native.network import LayerActivity
from harness_native.neurons import trace
from harness_native.superspike_network import SuperSpikeNetwork
from harness_native.superspike_presets import PRESETS
from harness_native.superspike_readout import LeakyReadout
from harness_native.superspike_rule import direction, heterosynaptic
from harness_native.superspike_single import SingleNeuron

__all__ = [
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_presets",
    "harness_train_sequence",
    "harness_train_step",
    "harness_training_state",
    "update",
]


@hookimpl
def harness_presets() -> Presets:
    """See `superspike_presets`."""
    return PRESETS


Model = SuperSpikeNetwork | SingleNeuron | LeakyReadout


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Model:
    """The network with its initial weights."""
    if params.network == "single":
        return SingleNeuron(task, params, device)
    if params.network == "readout":
        return LeakyReadout(task, params, device)
    return SuperSpikeNetwork(task, params, device)


@hookimpl
def harness_train_sequence(model: Model, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update towards the target spikes `targets` [T, B, n_out] of the output."""
    with torch.no_grad():
        if isinstance(model, SingleNeuron):
            return model.learn(spikes, targets)
        assert isinstance(model, SuperSpikeNetwork), (
            "a readout without spikes is not built for these"
        )
        return update(model, model.layers(spikes), targets)


@hookimpl
def harness_train_step(model: Model, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update: towards target spikes of the neurons of the right classes, or of a leaky readout."""
    if isinstance(model, LeakyReadout):
        return model.learn(spikes, targets)
    assert isinstance(model, SuperSpikeNetwork), "a single neuron is not built for classes"
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
def harness_evaluate(model: Model, spikes: Tensor, record: bool) -> Evaluation:
    """The output spikes [T, B, n_out]; for classification the scores [B, C].

    With `record`, the scores are over time, [T, B, C].
    """
    if not isinstance(model, SuperSpikeNetwork):
        return model.evaluate(spikes, record)
    layers = model.layers(spikes)
    scores = layers[-1].spikes
    if model.classifies:
        weighted = scores * model.weighting
        scores = weighted.cumsum(0) if record else weighted.sum(0)
    return Evaluation(scores, model.recorded(layers) if record else ())
