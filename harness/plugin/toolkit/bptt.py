"""The network that every framework trains by backpropagation through time.

Weights, encoding, dropout, readout, loss, optimizer and presets are the same for all and live here; a
plugin brings a layer of its framework's neurons and imports the hooks. A difference between two rows
is then a difference between two neurons, or between two implementations of one. The neuron is the
textbook's, with membrane potential U, input current X, spikes S, decay beta and threshold theta:

    U[t] = beta (U[t-1] - theta S[t-1]) + X[t],  S[t] = 1 where U[t] >= theta, else 0

and the output is linear in the spikes of the last layer: logits = W_out (mean of S[t] over the last
`window` steps). Neftci, Mostafa and Zenke 2019, "Surrogate gradient learning in spiking neural
networks".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import (
    Evaluation,
    Layer,
    ModelNeuron,
    Neuron,
    Parameter,
    Params,
    Presets,
    Scalars,
    Source,
    Task,
    Value,
    hookimpl,
)
from harness.plugin.toolkit import convolution
from harness.plugin.toolkit.codes import harness_encode as harness_encode  # a plugin's hook too
from harness.plugin.toolkit.codes import is_constant, product
from harness.plugin.toolkit.convolution import CONV, Convolutions
from harness.plugin.toolkit.optimizer import scheduled_adam
from harness.plugin.toolkit.parameters import ENCODING, HIDDEN, REGULARISATION, TRAINING
from harness.plugin.toolkit.readouts import densities, window_mean, windows_over_time
from harness.plugin.toolkit.training import cross_entropy_step
from harness.plugin.toolkit.weights import gaussian_weights, network_sizes

PARAMETERS = {
    "hidden": HIDDEN,
    **convolution.PARAMETERS,
    **ENCODING,
    "window": Parameter(10, "last steps over which the readout averages", low=1),
    "beta": Parameter(0.9, "decay of the membrane potential in one step", 0.0, 1.0),
    "theta": Parameter(1.0, "firing threshold", low=1e-6),
    "slope": Parameter(2.0, "slope of the surrogate gradient, in 1/theta", low=1e-6),
    "detach": Parameter(True, "no gradient through the reset"),
    "gain": Parameter(1.0, "scale of the initial weights", low=0.0),
    **REGULARISATION,
    **TRAINING,
}

# An input neuron spikes once in a sample, hence large weights, a slow decay, and a readout of all steps.
_RANDMAN: dict[str, Value] = {"steps": 100, "window": 100, "beta": 0.95, "gain": 3.0}

#: Two convolutions and a readout, for images of 28 x 28.
_CONV: dict[str, Value] = {
    "network": CONV,
    "channels": "16-32",
    "batch_norm": True,
    "steps": 4,
    "dropout": 0.3,
    "lr": 0.003,
    "batch_size": 128,
    "epochs": 12,
}

VALUES: Mapping[str, Mapping[str, Mapping[str, Value]]] = {
    "conv": {"*": _CONV, "digits": {"epochs": 20, "batch_size": 32, "steps": 10}},
    "quick": {
        "*": {"lr": 0.003, "epochs": 1},
        "digits": {"lr": 0.005, "epochs": 10, "batch_size": 32},
        "randman": {**_RANDMAN, "hidden": "128-64", "lr": 0.02, "epochs": 3},
        "yin-yang": {
            "steps": 60,
            "window": 60,
            "gain": 3.0,
            "slope": 5.0,
            "hidden": "128-64",
            "lr": 0.02,
            "epochs": 8,
        },
    },
    "best": {
        "*": {
            "hidden": "800-800",
            "steps": 4,
            "dropout": 0.3,
            "input_dropout": 0.2,
            "label_smoothing": 0.05,
            "lr": 0.0015,
            "batch_size": 128,
            "epochs": 20,
        },
        "digits": {
            "hidden": "256",
            "steps": 10,
            "dropout": 0.2,
            "input_dropout": 0.0,
            "epochs": 40,
            "batch_size": 32,
        },
        "randman": {
            **_RANDMAN,
            "hidden": "256-128",
            "dropout": 0.0,
            "input_dropout": 0.0,
            "label_smoothing": 0.0,
            "lr": 0.01,
            "epochs": 8,
            "batch_size": 64,
        },
        "yin-yang": {
            "steps": 60,
            "window": 60,
            "gain": 3.0,
            "slope": 5.0,
            "hidden": "256-128",
            "dropout": 0.0,
            "input_dropout": 0.0,
            "label_smoothing": 0.0,
            "lr": 0.01,
            "epochs": 15,
            "batch_size": 64,
        },
    },
}


def presets(
    surrogates: Sequence[str],
    further: Mapping[str, Mapping[str, Mapping[str, Value]]] | None = None,
    sources: Mapping[str, Source] | None = None,
) -> Presets:
    """The network's parameters and presets, for a neuron that has these `surrogates`, the first by default.

    `further` holds the values, by preset and task, of presets that only this plugin has, and `sources`
    says of each of them where its setting is written.
    """
    surrogate = Parameter(
        surrogates[0], "surrogate gradient of the spikes", choices=tuple(surrogates)
    )
    return Presets(
        parameters={**PARAMETERS, "surrogate": surrogate},
        values={**VALUES, **(further or {})},
        sources=sources or {},
        family="bptt",
    )


class SpikingNetwork(nn.Module):
    """Layers of a framework's neurons and a linear readout, without biases.

    `weights` are [n_out, n_in], drawn on the CPU: the same for every framework and device. With
    `network=conv`, convolutions come in place of the hidden layers. A subclass implements `neurons`.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        self.params = params
        self.convolutions = Convolutions(task, params, device) if params.network == CONV else None
        sizes = network_sizes(task, params)
        if self.convolutions is not None:
            sizes = [self.convolutions.features, task.classes]
        self.weights = gaussian_weights(sizes, params.gain, device)
        self.optimizer = scheduled_adam(self.parameters(), task, params)

    def neurons(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] of a layer that starts at rest and receives `currents` [T, B, n].

        Differentiable in the currents.
        """
        raise NotImplementedError

    def forward(self, spikes: Tensor, record: list[Layer] | None = None) -> list[Tensor]:
        """Input `spikes` [T, B, n_in], and the spikes [T, B, n] of every hidden layer, after dropout.

        Behind convolutions, their features in place of the input; `record` gets the convolutions' layers.
        Without, inputs of several dimensions, as a camera's [T, B, P, H, W], are flattened.
        """
        p = self.params
        spikes = spikes if self.convolutions is not None else spikes.flatten(2)
        activity = [self._dropped(spikes, p.input_dropout)]
        if self.convolutions is not None:
            features = self.convolutions(activity[0], self.neurons, record)
            activity = [self._dropped(features, p.dropout)]
        for weight in self.weights[:-1]:
            emitted = self.neurons(product(activity[-1], weight))
            activity.append(self._dropped(emitted, p.dropout))
        return activity

    def _dropped(self, spikes: Tensor, probability: float) -> Tensor:
        """Dropout, in training only: a dropped neuron is silent in all steps of the sample."""
        if not (self.training and probability):
            return spikes
        kept = F.dropout(torch.ones_like(spikes[0]), probability)
        if is_constant(spikes):
            return (spikes[0] * kept).expand_as(spikes)
        return spikes * kept


def scaled_gradient(values: Tensor, factor: float) -> Tensor:
    """`values`, with their gradient multiplied by `factor`.

    For a framework whose surrogate gradient has the form of ours and another peak.
    """
    scaled = values.view_as(values)
    if scaled.requires_grad:
        scaled.register_hook(lambda gradient: gradient * factor)  # type: ignore[no-untyped-call] # torch's
    return scaled


@hookimpl
def harness_neuron(model: SpikingNetwork) -> ModelNeuron:
    """The textbook's neuron with the model's parameters, run by the model's own `neurons`."""
    p = model.params
    neuron = Neuron(
        beta=p.beta,
        theta=p.theta,
        detach=p.detach,
        surrogate=p.surrogate,
        slope=p.slope / p.theta,
    )
    return ModelNeuron(neuron, model.neurons)


@hookimpl
def harness_train_step(model: SpikingNetwork, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update on the cross-entropy of the readout."""
    p = model.params
    activity = model(spikes)
    logits = window_mean(activity[-1], p.window) @ model.weights[-1].T
    scalars = cross_entropy_step(model.optimizer, logits, targets, p.label_smoothing)
    with torch.no_grad():
        return {**scalars, **densities(activity[1:])}


@hookimpl
def harness_finish_training(model: SpikingNetwork) -> Scalars:
    """Folds batch normalisation into the convolutions, where there is any."""
    if model.convolutions is not None:
        model.convolutions.fold()
    return {}


@hookimpl
def harness_evaluate(model: SpikingNetwork, spikes: Tensor, record: bool) -> Evaluation:
    """The readout's mean over the last steps [B, C]; with `record` over time, [T, B, C]."""
    convolved: list[Layer] = []
    activity = model(spikes, convolved if record else None)
    window, readout = model.params.window, model.weights[-1].T
    if not record:
        return Evaluation(window_mean(activity[-1], window) @ readout)
    scores = windows_over_time(activity[-1], window) @ readout
    names = [*(f"hidden{number}" for number in range(1, len(activity))), "readout"]
    layers = [
        Layer(name, received, weight, emitted)
        for name, received, weight, emitted in zip(
            names, activity, model.weights, [*activity[1:], None], strict=True
        )
    ]
    return Evaluation(scores, [*convolved, *layers])
