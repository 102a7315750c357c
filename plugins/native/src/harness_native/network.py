"""The feed-forward network with random feedback that two native rules share, and parts of the rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.plugin import Evaluation, Layer, Params, Task, Unsupported, layer_sizes
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
        """The surrogate gradient of the spikes (fast sigmoid) in the last `window` steps: [W, B, n].

        `theta` is the layer's threshold, `slope` per unit of the membrane potential.
        """
        derivative = fast_sigmoid(self.membranes[-window:] - theta, slope)
        return derivative if self.kept is None else derivative * self.kept


class RandomFeedback(nn.Module):
    """Layers of LIF neurons and a leaky readout, without biases; `weights` are [n_out, n_in].

    A fixed random matrix [classes, n] leads from the error to each hidden layer. `lif` has the decays,
    which all layers share, `thetas` the threshold of each spiking layer, and `slope` is that of the
    surrogate gradient per unit of the membrane potential. Reads of `params`: hidden, alpha, beta,
    theta, thresholds, resets, slope, window, gain, feedback, dropout, lr, schedule, epochs and
    batch_size.
    """

    #: Whether the output is a layer of spiking neurons too.
    output_spikes = False

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        require_classification(task)
        self.params = params
        self.lif = LIFParameters(params.alpha, params.beta, params.theta)
        hidden = layer_sizes(params.hidden)
        self.thetas = thresholds(params, len(hidden) + self.output_spikes)
        self.slope = params.slope / params.theta
        self.weights = gaussian_weights(network_sizes(task, params), params.gain, device)
        self.optimizer = scheduled_adam(self.weights, task, params)
        for layer, neurons in enumerate(hidden):
            feedback = params.feedback * torch.randn(task.classes, neurons)
            feedback /= math.sqrt(task.classes)
            self.register_buffer(f"feedback{layer}", feedback.to(device))

    def feedback(self, layer: int) -> Tensor:
        """The feedback matrix [classes, n] of hidden layer `layer`, from 0."""
        return self.get_buffer(f"feedback{layer}")

    def spiking_layer(self, spikes: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Spikes and membrane potentials [T, B, n] of layer `layer`, from 0, for `spikes` [T, B, n_in]."""
        neurons = self.lif._replace(theta=self.thetas[layer])
        return lif(product(spikes, self.weights[layer]), neurons, self.params.resets)

    def layers(self, spikes: Tensor) -> list[LayerActivity]:
        """The activity of each hidden layer for input [T, B, ...].

        In training, a dropped neuron is silent in all steps of the sample.
        """
        activity: list[LayerActivity] = []
        spikes = spikes.flatten(2)
        for number in range(len(self.weights) - 1):
            emitted, membranes = self.spiking_layer(spikes, number)
            kept = None
            if self.training and self.params.dropout:
                kept = nn.functional.dropout(torch.ones_like(emitted[0]), self.params.dropout)
                emitted *= kept
            activity.append(LayerActivity(spikes, emitted, membranes, kept))
            spikes = emitted
        return activity

    def evaluation(self, spikes: Tensor, record: bool) -> Evaluation:
        """The leaky readout W_out P[t], averaged over the last `window` steps, [B, C].

        With `record` over time, [T, B, C], and with the activity of each layer.
        """
        layers = self.layers(spikes)
        traces = trace(layers[-1].spikes, self.lif)
        readout, window = self.weights[-1].T, self.params.window
        if not record:
            return Evaluation(window_mean(traces, window) @ readout)
        output = Layer("readout", layers[-1].spikes, self.weights[-1], None)
        return Evaluation(
            windows_over_time(traces, window) @ readout, [*self.recorded(layers), output]
        )

    def recorded(self, layers: Sequence[LayerActivity]) -> list[Layer]:
        """The hidden `layers` as the host counts them."""
        return [
            Layer(f"hidden{number}", layer.inputs, weight, layer.spikes)
            for number, (layer, weight) in enumerate(zip(layers, self.weights), start=1)
        ]


def thresholds(params: Params, layers: int) -> list[float]:
    """The threshold of each of the `layers` that spike, from `params.thresholds` in units of theta."""
    factors = [float(factor) for factor in params.thresholds.split("-")]
    if len(factors) == 1:
        factors *= layers
    if len(factors) != layers:
        raise Unsupported(
            f"thresholds={params.thresholds} are {len(factors)}, and {layers} layers spike "
            f"(hidden={params.hidden})"
        )
    return [factor * params.theta for factor in factors]


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
