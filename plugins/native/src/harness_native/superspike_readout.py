"""Spiking neurons and a leaky readout, as in experiment 002, a notebook after Zenke's tutorial SpyTorch.

With decays a = exp(-1 ms / tau_syn) and b = exp(-1 ms / tau_mem), input x, synaptic current I, membrane
potential U and spikes S of the hidden neurons, and the readout's current F and potential O, all 0 first:

    S[t] = 1 where U[t] > 1
    I[t+1] = a I[t] + W_1 x[t],  U[t+1] = (b U[t] + I[t]) (1 - S[t])
    F[t+1] = a F[t] + W_2 S[t],  O[t+1] = b O[t] + F[t]

The score of a class is the largest O over time. The network learns by backpropagation through time
with the surrogate gradient 1 / (1 + slope |U - 1|)^2, not through the reset.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from harness.plugin import Evaluation, Layer, Params, Scalars, Task
from harness.plugin.toolkit.codes import product
from harness.plugin.toolkit.optimizer import scheduled_adam
from harness.plugin.toolkit.readouts import densities
from harness.plugin.toolkit.requirements import require_classification
from harness.plugin.toolkit.training import cross_entropy_step
from harness.plugin.toolkit.weights import network_sizes
from harness_native.surrogates import fast_sigmoid

#: Steps from an input to the readout: through I, U, F and O, of which the first score counts one.
_DELAY = 3


class Spike(torch.autograd.Function):
    """1 where v > 0, else 0, with the surrogate gradient."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, slope: float) -> Tensor:
        """The spikes, of the shape of v."""
        ctx.save_for_backward(v)
        ctx.slope = slope
        return (v > 0).to(v.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        """dL/dv from dL/dS."""
        (v,) = ctx.saved_tensors
        return grads[0] * fast_sigmoid(v, ctx.slope), None


class LeakyReadout(nn.Module):
    """The network; `weights` are [n_out, n_in], without biases, N(0, (gain (1 - b))^2 / n_in)."""

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        require_classification(task)
        self.params = params
        self.synapse = math.exp(-task.step_ms / params.tau_syn)
        self.membrane = math.exp(-task.step_ms / params.tau_mem)
        scale = params.gain * (1 - self.membrane)
        self.weights = nn.ParameterList(
            nn.Parameter((scale * torch.randn(n_out, n_in) / math.sqrt(n_in)).to(device))
            for n_in, n_out in pairwise(network_sizes(task, params))
        )
        self.optimizer = scheduled_adam(self.weights, task, params)

    def forward(self, spikes: Tensor) -> tuple[list[Tensor], Tensor]:
        """Each layer's input [T, B, n], and the readout's potentials O[1] to O[T], [T, B, C]."""
        received = [spikes.flatten(2)]
        *hidden, readout = self.weights
        for weight in hidden:
            received.append(self._hidden(product(received[-1], weight)))
        return received, self._leaky(product(received[-1], readout))

    def _hidden(self, currents: Tensor) -> Tensor:
        current = potential = torch.zeros_like(currents[0])
        spikes = []
        for arrived in currents.unbind(0):
            fired: Tensor = Spike.apply(potential - 1, self.params.slope)
            spikes.append(fired)
            potential = (self.membrane * potential + current) * (1 - fired.detach())
            current = self.synapse * current + arrived
        return torch.stack(spikes)

    def _leaky(self, currents: Tensor) -> Tensor:
        current = potential = torch.zeros_like(currents[0])
        potentials = []
        for arrived in currents.unbind(0):
            potential = self.membrane * potential + current
            current = self.synapse * current + arrived
            potentials.append(potential)
        return torch.stack(potentials)

    def learn(self, spikes: Tensor, targets: Tensor) -> Scalars:
        """One update on the cross-entropy of the largest potentials, of which one is O[0] = 0."""
        received, potentials = self(spikes)
        scores = potentials.amax(0).clamp(min=0)
        scalars = cross_entropy_step(self.optimizer, scores, targets, label_smoothing=0.0)
        with torch.no_grad():
            return {**scalars, **densities(received[1:])}

    def evaluate(self, spikes: Tensor, record: bool) -> Evaluation:
        """The largest potentials so far [B, C]; with `record` over time, [T, B, C]."""
        received, potentials = self(spikes)
        if not record:
            return Evaluation(potentials.amax(0).clamp(min=0), delay=_DELAY)
        names = [*(f"hidden{number}" for number in range(1, len(received))), "readout"]
        layers = [
            Layer(name, inputs, weight, outputs)
            for name, inputs, weight, outputs in zip(
                names, received, self.weights, [*received[1:], None], strict=True
            )
        ]
        return Evaluation(potentials.cummax(0).values.clamp(min=0), layers, delay=_DELAY)
