"""Spiking neurons as equations.

The neuron is a leaky integrate-and-fire unit with an exponential synapse, so the response of its
membrane potential to a spike is a difference of two exponentials (Neftci, Mostafa and Zenke 2019,
"Surrogate gradient learning in spiking neural networks", eqs. 1 to 4, in discrete time). With input X,
synaptic current I, membrane potential U and spikes S:

    I[t] = alpha I[t-1] + X[t]
    U[t] = beta (U[t-1] - theta S[t-1]) + I[t]
    S[t] = 1 where U[t] >= theta, else 0
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class LIFParameters(NamedTuple):
    """Decay of the synaptic current and of the membrane potential in one step; firing threshold."""

    alpha: float
    beta: float
    theta: float


def lif(inputs: Tensor, p: LIFParameters, resets: float = 1.0) -> tuple[Tensor, Tensor]:
    """Spikes and membrane potentials [T, B, N] of neurons that start at rest and receive X [T, B, N].

    All memory is allocated once: new tensors in every step cost several times the arithmetic. Not
    differentiable; `spike_sequence` is. A spike subtracts the threshold `resets` times.
    """
    spikes, membranes = inputs.new_empty(inputs.shape), inputs.new_empty(inputs.shape)
    after_reset, current = torch.zeros_like(inputs[0]), torch.zeros_like(inputs[0])
    for x, s, u in zip(
        inputs.detach().unbind(0), spikes.unbind(0), membranes.unbind(0), strict=True
    ):
        current = torch.add(x, current, alpha=p.alpha, out=current) if p.alpha else x
        torch.add(current, after_reset, alpha=p.beta, out=u)
        torch.ge(u, p.theta, out=s)
        torch.add(u, s, alpha=-p.theta * resets, out=after_reset)
    return spikes, membranes


def trace(spikes: Tensor, p: LIFParameters) -> Tensor:
    """The double-exponential traces P [T, B, N] of `spikes` S: a membrane potential without threshold.

        Q[t] = alpha Q[t-1] + S[t],  P[t] = beta P[t-1] + Q[t]

    Without the reset, the derivative of U[t] with respect to a weight is P[t] of its input.
    """
    current = membrane = torch.zeros_like(spikes[0])
    traces = []
    for step in spikes.unbind(0):
        current = torch.add(step, current, alpha=p.alpha)
        membrane = torch.add(current, membrane, alpha=p.beta)
        traces.append(membrane)
    return torch.stack(traces)
