"""Layers of spiking neurons, the output's among them, and the ways in which errors reach them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from harness.plugin.toolkit.codes import product
from harness.plugin import CLASSIFICATION, Layer, Params, Task, Unsupported, layer_sizes
from harness_native.eligibility import backward_trace
from harness_native.network import LayerActivity
from harness_native.neurons import LIFParameters, lif, trace
from harness_native.superspike_rule import RMaxProp

FEEDBACKS = ("symmetric", "random", "uniform")


class SuperSpikeNetwork(nn.Module):
    """LIF neurons without biases; `weights` are [n_out, n_in].

    `lif` are their parameters, `kernel` those of the van Rossum distance's filter.
    """

    wanted: Tensor
    worth: Tensor

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
        sizes = [task.inputs, *layer_sizes(params.hidden), task.classes]
        self.weights = nn.ParameterList(
            nn.Parameter((params.gain * torch.randn(n_out, n_in) / math.sqrt(n_in)).to(device))
            for n_in, n_out in pairwise(sizes)
        )
        if params.feedback == "random":
            for number, neurons in enumerate(sizes[1:-1]):
                feedback = torch.randn(task.classes, neurons) / math.sqrt(task.classes)
                self.register_buffer(f"feedback{number}", feedback.to(device))
        if self.classifies:
            wanted = target_train(task.steps or params.steps, params)
            worth = backward_trace(trace(wanted, self.kernel), self.kernel)
            # They follow from the parameters, so that a state need not hold them.
            self.register_buffer("wanted", wanted.to(device), persistent=False)
            self.register_buffer("worth", worth.to(device), persistent=False)
        updates = params.epochs * math.ceil(task.train_size / params.batch_size)
        cosine_over = updates if params.schedule == "cosine" else 0
        self.optimizer = RMaxProp(self.weights, params.rate, params.gamma, cosine_over=cosine_over)

    def layers(self, spikes: Tensor) -> list[LayerActivity]:
        """The activity of each layer, the output's last, for input [T, B, ...]."""
        found: list[LayerActivity] = []
        spikes = spikes.flatten(2)
        for weight in self.weights:
            emitted, membranes = lif(product(spikes, weight), self.lif)
            found.append(LayerActivity(spikes, emitted, membranes))
            spikes = emitted
        return found

    def told(self, error: Tensor) -> list[Tensor]:
        """What each layer is told [T, B, n] of the output's error [T, B, n_out].

        Linear in the error, and the same in every step: it may be filtered before or after.
        """
        found = [error]
        for number in reversed(range(len(self.weights) - 1)):
            if self.params.feedback == "symmetric":
                found.append(found[-1] @ self.weights[number + 1])
            elif self.params.feedback == "random":
                found.append(error @ self.get_buffer(f"feedback{number}"))
            else:
                found.append(error.sum(-1, keepdim=True))
        return found[::-1]

    def recorded(self, layers: Sequence[LayerActivity]) -> list[Layer]:
        """`layers` as the host counts them."""
        names = [*(f"hidden{number}" for number in range(1, len(layers))), "output"]
        return [
            Layer(name, layer.inputs, weight, layer.spikes)
            for name, layer, weight in zip(names, layers, self.weights, strict=True)
        ]


def decay(task: Task, tau: float) -> float:
    """What one step leaves of a trace with the time constant `tau` in ms."""
    return math.exp(-task.step_ms / tau)


def target_train(steps: int, params: Params) -> Tensor:
    """The spikes [T, 1, 1] wanted of the right class's neuron.

    One every `target_interval` steps in the last `target_part` of the sample.
    """
    first = round((1 - params.target_part) * steps) + params.target_interval // 2
    if first >= steps:
        raise Unsupported(f"no room for a target spike in the last part of {steps} steps")
    train = torch.zeros(steps, 1, 1)
    train[first :: params.target_interval] = 1
    return train
