"""sinabs's `LIF` as the textbook's neuron, and a sequence of it from rest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from sinabs.activation import MembraneReset, MembraneSubtract, SingleSpike
from sinabs.layers import LIF
from torch import Tensor

from harness.plugin import Neuron

Reset = Callable[[Tensor, dict[str, Tensor], Any], dict[str, Tensor]]


def lif(neuron: Neuron, device: torch.device) -> LIF:
    """The `LIF` that computes `neuron`.

    sinabs spikes where U >= threshold; with the next float32 above theta as the threshold this is
    U > theta. The reset subtracts theta. Without `SingleSpike` a neuron may spike several times a step.
    """
    theta = torch.tensor(neuron.theta)
    layer = LIF(
        tau_mem=1.0,  # replaced by beta below: exp(-1 / tau) would be rounded twice
        norm_input=False,
        spike_fn=SingleSpike,
        spike_threshold=torch.nextafter(theta, 2 * theta) if neuron.compare == ">" else theta,
        reset_fn=_reset(neuron),
        surrogate_grad_fn=_surrogate(neuron),
        train_alphas=True,
    ).to(device)
    layer.alpha_mem.requires_grad_(False).fill_(neuron.beta)
    return layer


def run(layer: LIF, currents: Tensor) -> Tensor:
    """The spikes [B, T, n] of `layer` for `currents` [B, T, n], from rest; sinabs has the batch first."""
    # Otherwise it continues from its last state, or from randomly chosen ones of another batch.
    layer.init_state_with_shape((currents.shape[0], currents.shape[2]))
    spikes: Tensor = layer(currents)
    layer.v_mem = layer.v_mem.detach()  # its state would keep the graph alive
    return spikes


def run_step(layer: LIF, currents: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
    """One step: spikes and membrane potentials after the reset [B, n] for `currents` [B, n].

    `state` is what the step before returned, None at rest.
    """
    layer.v_mem = torch.zeros_like(currents) if state is None else state
    spikes: Tensor = layer(currents.unsqueeze(1)).squeeze(1)
    after_reset: Tensor = layer.v_mem
    layer.v_mem = after_reset.detach()  # its state would keep the graph alive
    return spikes, after_reset


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
