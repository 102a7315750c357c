"""Layers of spiking neurons, including the output, and how the output's error reaches each of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.plugin import CLASSIFICATION, Layer, Params, Task, Unsupported
from harness.plugin.toolkit.codes import product
from harness.plugin.toolkit.optimizer import cosine_updates
from harness.plugin.toolkit.weights import gaussian_weights, network_sizes
from harness_native.eligibility import backward_trace
from harness_native.network import LayerActivity
from harness_native.neurons import LIFParameters, lif, trace
from harness_native.superspike_rule import RMaxProp

FEEDBACKS = ("symmetric", "random", "uniform")


class SuperSpikeNetwork(nn.Module):
    """LIF neurons without biases; `weights` are [n_out, n_in].

    `lif` are the parameters of the neurons, `kernel` those of the filter of the van Rossum distance.
    For classification, `target` [T, 1, 1] are the target spikes of the right class, and `weighting`
    [T, 1, 1] is by how much a spike in each step raises the score of its class.
    """

    target: Tensor
    weighting: Tensor

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        self.params = params
        self.classifies = task.kind == CLASSIFICATION
        theta = params.theta
        self.lif = LIFParameters(decay(task, params.tau_syn), decay(task, params.tau_mem), theta)
        self.kernel = LIFParameters(
            decay(task, params.tau_rise), decay(task, params.tau_decay), theta
        )
        self.rate_decay = decay(task, params.tau_het)
        sizes = network_sizes(task, params)
        self.weights = gaussian_weights(sizes, params.gain, device)
        if params.feedback == "random":
            for number, neurons in enumerate(sizes[1:-1]):
                feedback = torch.randn(task.classes, neurons) / math.sqrt(task.classes)
                self.register_buffer(f"feedback{number}", feedback.to(device))
        if self.classifies:
            target = target_train(task.steps or params.steps, params)
            weighting = backward_trace(trace(target, self.kernel), self.kernel)
            # They follow from the parameters, so the state does not contain them.
            self.register_buffer("target", target.to(device), persistent=False)
            self.register_buffer("weighting", weighting.to(device), persistent=False)
        self.optimizer = RMaxProp(
            self.weights, params.rate, params.gamma, cosine_over=cosine_updates(task, params)
        )

    def layers(self, spikes: Tensor) -> list[LayerActivity]:
        """The activity of each layer, including the output, for input `spikes` [T, B, ...]."""
        activity: list[LayerActivity] = []
        spikes = spikes.flatten(2)
        for weight in self.weights:
            emitted, membranes = lif(product(spikes, weight), self.lif)
            activity.append(LayerActivity(spikes, emitted, membranes))
            spikes = emitted
        return activity

    def feedback(self, error: Tensor) -> list[Tensor]:
        """The error signal [T, B, n] of each layer, from the output's `error` [T, B, n_out].

        It is linear in the error and the same in every step, so a filter over time may come before or
        after. With `uniform` n is 1.
        """
        signals = [error]
        for number in reversed(range(len(self.weights) - 1)):
            if self.params.feedback == "symmetric":
                signals.append(signals[-1] @ self.weights[number + 1])
            elif self.params.feedback == "random":
                signals.append(error @ self.get_buffer(f"feedback{number}"))
            else:
                signals.append(error.sum(-1, keepdim=True))
        return signals[::-1]

    def recorded(self, layers: Sequence[LayerActivity]) -> list[Layer]:
        """`layers` as the host counts them, with their connections."""
        names = [*(f"hidden{number}" for number in range(1, len(layers))), "output"]
        return [
            Layer(name, layer.inputs, weight, layer.spikes)
            for name, layer, weight in zip(names, layers, self.weights, strict=True)
        ]


def decay(task: Task, tau: float) -> float:
    """The decay in one step of a trace with the time constant `tau` in ms."""
    return math.exp(-task.step_ms / tau)


def target_train(steps: int, params: Params) -> Tensor:
    """The target spikes [T, 1, 1] of the neuron of the right class.

    One in every `target_interval` steps, in the last `target_part` of the sample.
    """
    first = round((1 - params.target_part) * steps) + params.target_interval // 2
    if first >= steps:
        raise Unsupported(f"no room for a target spike in the last part of {steps} steps")
    train = torch.zeros(steps, 1, 1)
    train[first :: params.target_interval] = 1
    return train
