"""A neuron's spikes and gradients from its equations, step by step, in float64: the reference.

See `harness.plugin.Neuron` for the equations. Slow: it uses only these and autograd.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from harness.plugin import Neuron

_SURROGATES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "fast_sigmoid": lambda v, k: 1 / (1 + k * v.abs()) ** 2,
    "atan": lambda v, k: 1 / (1 + (math.pi / 2 * k * v) ** 2),
    "triangular": lambda v, k: (1 - k * v.abs()).clamp(min=0),
}


class Dynamics(NamedTuple):
    """Spikes S, membrane potentials before (U) and after the reset (R), each [T, B, n].

    U is without what an adaptive threshold has risen by: it reaches theta where the neuron spikes.
    """

    spikes: Tensor
    membranes: Tensor
    after_reset: Tensor


class _Spike(torch.autograd.Function):
    """1 where the neuron spikes; its derivative is the surrogate gradient."""

    @staticmethod
    def forward(ctx: Any, membrane: Tensor, neuron: Neuron) -> Tensor:
        ctx.save_for_backward(membrane)
        ctx.neuron = neuron
        above = membrane >= neuron.theta if neuron.compare == ">=" else membrane > neuron.theta
        return above.to(membrane.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (membrane,) = ctx.saved_tensors
        neuron: Neuron = ctx.neuron
        slopes = _SURROGATES[neuron.surrogate](membrane - neuron.theta, neuron.slope)
        return grads[0] * slopes, None


def dynamics(currents: Tensor, neuron: Neuron) -> Dynamics:
    """The response of neurons at rest to `currents` [T, B, n]; the spikes are differentiable.

    In float64, with beta rounded to float32: all frameworks compute with that number.
    """
    currents = currents.double()
    beta = torch.tensor(neuron.beta, dtype=torch.float32).double()
    after_reset = trace = spike = torch.zeros_like(currents[0])
    spikes, membranes, resets = [], [], []
    for current in currents.unbind(0):
        membrane = beta * after_reset + current
        trace = neuron.adaptation_decay * trace + spike
        above = membrane - neuron.adaptation * trace
        spike = _Spike.apply(above, neuron)
        reset_spike = spike.detach() if neuron.detach else spike
        subtracted = neuron.theta if neuron.reset == "subtract" else membrane
        after_reset = membrane - subtracted * reset_spike
        spikes.append(spike)
        membranes.append(above.detach())
        resets.append(after_reset.detach())
    return Dynamics(torch.stack(spikes), torch.stack(membranes), torch.stack(resets))
