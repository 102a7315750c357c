"""One linear map and one layer of sinabs's `LIF`, for `harness layers`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from sinabs.activation import MembraneReset, MembraneSubtract, SingleSpike
from sinabs.layers import LIF
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Neuron, Unsupported, hookimpl

Reset = Callable[[Tensor, dict[str, Tensor], Any], dict[str, Tensor]]


class Layer(nn.Module):
    """Inputs [T, B, n_in] to spikes [T, B, n_out].

    sinabs spikes where U >= threshold; with the next float32 above theta as the threshold this is
    U > theta. The reset subtracts theta. Without `SingleSpike` a neuron may spike several times a step.
    """

    def __init__(self, neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> None:
        super().__init__()
        theta = torch.tensor(neuron.theta)
        self.lif = LIF(
            tau_mem=1.0,  # replaced by beta below: exp(-1 / tau) would be rounded twice
            norm_input=False,
            spike_fn=SingleSpike,
            spike_threshold=torch.nextafter(theta, 2 * theta) if neuron.compare == ">" else theta,
            reset_fn=_reset(neuron),
            surrogate_grad_fn=_surrogate(neuron),
            train_alphas=True,
        ).to(device)
        self.lif.alpha_mem.requires_grad_(False).fill_(neuron.beta)
        self.weight = nn.Parameter(torch.zeros(n_out, n_in, device=device))

    def forward(self, inputs: Tensor) -> Tensor:
        """The spikes [T, B, n_out] for `inputs` [T, B, n_in], from rest; sinabs has the batch first."""
        currents = F.linear(inputs.transpose(0, 1), self.weight)
        # Otherwise it continues from its last state, or from randomly chosen ones of another batch.
        self.lif.init_state_with_shape((currents.shape[0], currents.shape[2]))
        spikes: Tensor = self.lif(currents)
        self.lif.v_mem = self.lif.v_mem.detach()  # its state would keep the graph alive
        return spikes.transpose(0, 1)


def _reset(neuron: Neuron) -> Reset:
    if neuron.reset == "zero":
        to_zero: Reset = MembraneReset()
        return to_zero
    subtract: Reset = MembraneSubtract(subtract_value=neuron.theta)
    if not neuron.detach:
        return subtract
    return lambda spikes, state, threshold: subtract(spikes.detach(), state, threshold)


def _surrogate(neuron: Neuron) -> Callable[[Tensor, Tensor], Tensor]:
    """The surrogate gradient as sinabs takes it: a function of membrane potential and threshold."""
    k, theta = neuron.slope, neuron.theta
    functions: dict[str, Callable[[Tensor], Tensor]] = {
        "fast_sigmoid": lambda v: (1 + k * v.abs()).pow(-2),
        "atan": lambda v: 1 / (1 + (math.pi / 2 * k * v).square()),
        "triangular": lambda v: (1 - k * v.abs()).clamp(min=0),
    }
    function = functions[neuron.surrogate]
    return lambda membrane, _: function(membrane - theta)


@hookimpl
def harness_layer(neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> Layer:
    """The neuron, except for a gradient through a reset to zero."""
    if neuron.reset == "zero" and not neuron.detach:
        raise Unsupported("sinabs's reset to zero lets no gradient through")
    return Layer(neuron, n_in, n_out, device)
