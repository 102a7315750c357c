"""The feed-forward network that the native learning rules share, its hooks, and parts of the rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.plugin import Evaluation, Layer, Params, Task, hookimpl, layer_sizes
from harness.plugin.toolkit.codes import is_constant, product
from harness.plugin.toolkit.optimizer import scheduled_adam
from harness.plugin.toolkit.readouts import window_mean, windows_over_time
from harness.plugin.toolkit.requirements import require_classification
from harness.plugin.toolkit.weights import gaussian_weights, network_sizes
from harness_native.neurons import LIFParameters, lif, trace
from harness_native.surrogates import fast_sigmoid


class LayerActivity(NamedTuple):
    """What a layer received [T, B, n_in], and its spikes and membrane potentials [T, B, n].

    `kept` [B, n] is None without dropout, else the factor of the spikes: 0 for a dropped neuron and
    1 / (1 - dropout) for the others.
    """

    inputs: Tensor
    spikes: Tensor
    membranes: Tensor
    kept: Tensor | None = None

    def derivative(self, window: int, theta: float, slope: float) -> Tensor:
        """The surrogate gradient of the spikes (fast sigmoid) in the last `window` steps: [W, B, n]."""
        derivative = fast_sigmoid(self.membranes[-window:] - theta, slope / theta)
        return derivative if self.kept is None else derivative * self.kept


class FeedForward(nn.Module):
    """Layers of LIF neurons and a linear readout, without biases; `weights` are [n_out, n_in].

    Reads of `params`: hidden, alpha, beta, theta, gain, dropout, lr, schedule, epochs and
    batch_size.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        require_classification(task)
        self.params = params
        self.lif = LIFParameters(params.alpha, params.beta, params.theta)
        self.weights = gaussian_weights(network_sizes(task, params), params.gain, device)
        self.optimizer = scheduled_adam(self.weights, task, params)

    def layers(self, spikes: Tensor) -> list[LayerActivity]:
        """The activity of each hidden layer for input [T, B, ...].

        In training, a dropped neuron is silent in all steps of the sample.
        """
        activity: list[LayerActivity] = []
        spikes = spikes.flatten(2)
        for weight in self.weights[:-1]:
            emitted, membranes = lif(product(spikes, weight), self.lif)
            kept = None
            if self.training and self.params.dropout:
                kept = nn.functional.dropout(torch.ones_like(emitted[0]), self.params.dropout)
                emitted *= kept
            activity.append(LayerActivity(spikes, emitted, membranes, kept))
            spikes = emitted
        return activity

    def recorded(self, layers: Sequence[LayerActivity]) -> list[Layer]:
        """`layers` and the readout, as the host counts them."""
        hidden = [
            Layer(f"hidden{number}", layer.inputs, weight, layer.spikes)
            for number, (layer, weight) in enumerate(zip(layers, self.weights), start=1)
        ]
        return [*hidden, Layer("readout", layers[-1].spikes, self.weights[-1], None)]


class RandomFeedback(FeedForward):
    """The network, with a fixed random matrix [classes, n] from the error to each hidden layer.

    Reads `feedback` of `params` too.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__(task, params, device)
        for layer, neurons in enumerate(layer_sizes(params.hidden)):
            feedback = params.feedback * torch.randn(task.classes, neurons)
            feedback /= math.sqrt(task.classes)
            self.register_buffer(f"feedback{layer}", feedback.to(device))

    def feedback(self, layer: int) -> Tensor:
        """The feedback matrix [classes, n] of hidden layer `layer`, from 0."""
        return self.get_buffer(f"feedback{layer}")


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> RandomFeedback:
    """The network with its initial weights."""
    return RandomFeedback(task, params, device)


@hookimpl
def harness_evaluate(model: RandomFeedback, spikes: Tensor, record: bool) -> Evaluation:
    """The leaky readout W_out P[t], averaged over the last `window` steps, [B, C].

    With `record` over time, [T, B, C], and with the activity of each layer.
    """
    layers = model.layers(spikes)
    traces = trace(layers[-1].spikes, model.lif)
    readout, window = model.weights[-1].T, model.params.window
    if not record:
        return Evaluation(window_mean(traces, window) @ readout)
    return Evaluation(windows_over_time(traces, window) @ readout, model.recorded(layers))


def output_error(scores: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Softmax(scores) - target, the gradient of the summed cross-entropy: [..., B, C].

    `smoothing` is the share of a target that is spread evenly over the classes.
    """
    error = scores.softmax(-1) - smoothing / scores.shape[-1]
    error[..., torch.arange(len(targets), device=error.device), targets] -= 1 - smoothing
    return error


def outer(delta: Tensor, inputs: Tensor, p: LIFParameters) -> Tensor:
    """Sum over steps and batch of delta[t] P[t]^T: [n, n_in].

    `delta` [W, B, n] belongs to the last W of the T steps of `inputs` [T, B, n_in]; P are the traces
    of the inputs. The trace of a constant current is the current times one scalar in each step.
    """
    steps = len(delta)
    if is_constant(inputs):
        ones = torch.ones(inputs.shape[0], 1, 1, dtype=delta.dtype, device=delta.device)
        return (delta * trace(ones, p)[-steps:]).sum(0).T @ inputs[0]
    return delta.flatten(0, 1).T @ trace(inputs, p)[-steps:].flatten(0, 1)
