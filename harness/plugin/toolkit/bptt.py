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
from typing import Any

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
    Unsupported,
    Value,
    hookimpl,
)
from harness.plugin.toolkit import convolution, recurrence
from harness.plugin.toolkit.bptt_presets import VALUES
from harness.plugin.toolkit.codes import harness_encode as harness_encode  # a plugin's hook too
from harness.plugin.toolkit.codes import is_constant, product
from harness.plugin.toolkit.convolution import CONV, DENSE, Convolutions
from harness.plugin.toolkit.optimizer import scheduled_adam
from harness.plugin.toolkit.parameters import ENCODING, HIDDEN, REGULARISATION, TRAINING, only_where
from harness.plugin.toolkit.readouts import densities, window_mean, windows_over_time
from harness.plugin.toolkit.recurrence import RECURRENT, Recurrence
from harness.plugin.toolkit.training import cross_entropy_step
from harness.plugin.toolkit.weights import gaussian_weights, network_sizes

PARAMETERS = {
    **only_where({"hidden": HIDDEN}, network=(DENSE, RECURRENT)),
    "network": Parameter(
        DENSE,
        "layers of `hidden` neurons, the same with recurrent connections, or convolutions",
        choices=(DENSE, RECURRENT, CONV),
    ),
    **recurrence.PARAMETERS,
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
    `network=conv`, convolutions come in place of the hidden layers; with `network=recurrent`, each hidden
    layer receives its own spikes of the step before. A subclass implements `neurons`, and `step` for
    recurrent layers.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        self.params = params
        if params.network == RECURRENT and type(self).step is SpikingNetwork.step:
            raise Unsupported(
                "network=recurrent needs one step of the neurons, and there is no `step`"
            )
        if params.network != RECURRENT and params.adaptive:
            raise Unsupported(
                f"adaptive={params.adaptive:g} needs network=recurrent, and this is {params.network}"
            )
        self.convolutions = Convolutions(task, params, device) if params.network == CONV else None
        sizes = network_sizes(task, params)
        if self.convolutions is not None:
            sizes = [self.convolutions.features, task.classes]
        self.weights = gaussian_weights(sizes, params.gain, device)
        recurrent = params.network == RECURRENT
        self.recurrence = Recurrence(sizes[1:-1], params, device) if recurrent else None
        self.optimizer = scheduled_adam(self.parameters(), task, params)

    def neurons(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] of a layer that starts at rest and receives `currents` [T, B, n].

        Differentiable in the currents.
        """
        raise NotImplementedError

    def step(self, currents: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One step of `neurons`: spikes [B, n] for `currents` [B, n], and the state for the next step.

        `state` is what the step before returned, None at rest. Differentiable in both.
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
            currents = product(activity[-1], weight)
            if self.recurrence is None:
                emitted = self.neurons(currents)
            else:  # within a layer nothing is dropped
                emitted = self.recurrence(currents, len(activity), self.step)
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


def neuron_of(params: Params) -> Neuron:
    """The textbook's neuron with these parameters."""
    return Neuron(
        beta=params.beta,
        theta=params.theta,
        detach=params.detach,
        surrogate=params.surrogate,
        slope=params.slope / params.theta,
    )


@hookimpl
def harness_neuron(model: SpikingNetwork) -> ModelNeuron:
    """The textbook's neuron with the model's parameters, run by the model's own `neurons` or `step`."""
    neuron = neuron_of(model.params)
    if model.recurrence is not None:
        return model.recurrence.neuron(neuron, model.step)
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
    layers = []
    for number, (received, weight, emitted) in enumerate(
        zip(activity, model.weights, activity[1:]), start=1
    ):
        layers.append(Layer(f"hidden{number}", received, weight, emitted))
        if model.recurrence is not None:
            layers.append(model.recurrence.recorded(number, emitted))
    layers.append(Layer("readout", activity[-1], model.weights[-1], None))
    return Evaluation(scores, [*convolved, *layers])
