"""The feed-forward network that the native learning rules share, and what they read off it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.plugin.toolkit.codes import is_constant, product
from harness.plugin import (
    CLASSIFICATION,
    Evaluation,
    Layer,
    Params,
    Task,
    Unsupported,
    layer_sizes,
)
from harness.plugin.toolkit.optimizer import Adam
from harness.plugin.toolkit.readouts import window_mean, windows_over_time
from harness_native.neurons import LIFParameters, lif, trace
from harness_native.surrogates import fast_sigmoid


class LayerActivity(NamedTuple):
    """What a hidden layer received [T, B, n_in], and its spikes and membranes [T, B, n].

    `kept` [B, n] is None without dropout, else what the spikes were multiplied with: 0 where a
    neuron was dropped, 1 / (1 - dropout) where not.
    """

    inputs: Tensor
    spikes: Tensor
    membranes: Tensor
    kept: Tensor | None = None

    def derivative(self, window: int, theta: float, slope: float) -> Tensor:
        """The spikes' SuperSpike derivative in the last `window` steps: [W, B, n]."""
        found = fast_sigmoid(self.membranes[-window:] - theta, slope / theta)
        return found if self.kept is None else found * self.kept


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
        sizes = [task.inputs, *layer_sizes(params.hidden), task.classes]
        self.weights = nn.ParameterList(
            nn.Parameter((params.gain * torch.randn(n_out, n_in) / math.sqrt(n_in)).to(device))
            for n_in, n_out in pairwise(sizes)
        )
        updates = params.epochs * math.ceil(task.train_size / params.batch_size)
        cosine_over = updates if params.schedule == "cosine" else 0
        self.optimizer = Adam(self.weights, params.lr, cosine_over=cosine_over)

    def layers(self, spikes: Tensor) -> list[LayerActivity]:
        """The activity of each hidden layer for input [T, B, ...].

        In training, a neuron that is dropped is silent in all of the sample's steps.
        """
        found: list[LayerActivity] = []
        spikes = spikes.flatten(2)
        for weight in self.weights[:-1]:
            emitted, membranes = lif(product(spikes, weight), self.lif)
            kept = None
            if self.training and self.params.dropout:
                kept = nn.functional.dropout(torch.ones_like(emitted[0]), self.params.dropout)
                emitted *= kept
            found.append(LayerActivity(spikes, emitted, membranes, kept))
            spikes = emitted
        return found

    def recorded(self, layers: Sequence[LayerActivity]) -> list[Layer]:
        """`layers` and the readout, as the host counts them."""
        found = [
            Layer(f"hidden{number}", layer.inputs, weight, layer.spikes)
            for number, (layer, weight) in enumerate(zip(layers, self.weights), start=1)
        ]
        return [*found, Layer("readout", layers[-1].spikes, self.weights[-1], None)]


class RandomFeedback(FeedForward):
    """The network, and a fixed random matrix [classes, n] from the error to each hidden layer.

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

    def answer(self, spikes: Tensor, record: bool) -> Evaluation:
        """The leaky readout W_out P[t], averaged over the last `window` steps.

        [B, C]; when recording over time, [T, B, C], and with the activity of each layer.
        """
        layers = self.layers(spikes)
        traces = trace(layers[-1].spikes, self.lif)
        readout, window = self.weights[-1].T, self.params.window
        if not record:
            return Evaluation(window_mean(traces, window) @ readout)
        return Evaluation(windows_over_time(traces, window) @ readout, self.recorded(layers))


def require_classification(task: Task) -> None:
    """Unsupported where `task` wants anything but a class."""
    if task.kind != CLASSIFICATION:
        raise Unsupported(f"it classifies; {task.kind} fitting is not its job")


def output_error(scores: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Softmax(scores) - target, the gradient of the summed cross-entropy: [..., B, C].

    `smoothing` is the share of a target that is spread evenly over the classes.
    """
    error = scores.softmax(-1) - smoothing / scores.shape[-1]
    error[..., torch.arange(len(targets), device=error.device), targets] -= 1 - smoothing
    return error


def outer(delta: Tensor, inputs: Tensor, p: LIFParameters) -> Tensor:
    """Sum over steps and batch of delta[t] P[t]^T: [n, n_in].

    `delta` is [W, B, n], the last W of the T steps of `inputs` [T, B, n_in], whose traces P are
    taken here; those of a constant current are one scalar a step times the current.
    """
    steps = len(delta)
    if is_constant(inputs):
        ones = torch.ones(inputs.shape[0], 1, 1, dtype=delta.dtype, device=delta.device)
        return (delta * trace(ones, p)[-steps:]).sum(0).T @ inputs[0]
    return delta.flatten(0, 1).T @ trace(inputs, p)[-steps:].flatten(0, 1)
