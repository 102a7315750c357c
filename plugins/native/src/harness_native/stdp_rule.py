"""Spike-timing-dependent plasticity by traces, for whole sequences at once.

With presynaptic spikes S_i and postsynaptic spikes S_j, both 0 or 1, and traces
x[t] = (1 - 1/tau) x[t-1] + S[t] (Morrison, Diesmann and Gerstner 2008, "Phenomenological models of
synaptic plasticity based on spike timing", sec. 4.1.3, in discrete time),

    dW_ji = learning_rate * sum over t of (1 - W_ji) S_j[t] x_i[t] - depression W_ji x_j[t] S_i[t]

The weights stand still during a batch of presentations, so that what depends on them leaves the sum.
A trace is linear, so that the second sum is the same with the postsynaptic trace turned around in
time and applied to the input instead:

    sum over t of x_j[t] S_i[t] = sum over t of S_j[t] y_i[t],  y[t] = (1 - 1/tau) y[t+1] + S_i[t]

Both are products over (t, sample) of one matrix of output spikes with one of input traces, where the
literal form keeps a [B, n_out, n_in] tensor a step. At most one neuron spikes in a step of a sample:
each row of the first matrix has at most a single 1, and its product adds up rows of the second.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor


class Plasticity(NamedTuple):
    """Weight change a spike pair, share of it for input after output, and the traces' time constants."""

    learning_rate: float
    depression: float
    tau_pre: float
    tau_post: float


class Scale(NamedTuple):
    """What the mean (order 1) or root mean square (order 2) of a neuron's weights is kept at."""

    norm: float
    order: int


def trace(spikes: Tensor, tau: float, backwards: bool = False) -> Tensor:
    """x[t] = (1 - 1/tau) x[t-1] + S[t] for `spikes` S [T, ...], from 0; `backwards` from t+1 to t."""
    traces = spikes.clone()
    steps = traces.unbind(0)[::-1] if backwards else traces.unbind(0)
    for before, now in pairwise(steps):
        now.add_(before, alpha=1 - 1 / tau)
    return traces


def stdp(weight: Tensor, spikes: Tensor, winners: Tensor, p: Plasticity) -> Tensor:
    """The change dW [n, n_in] for input `spikes` [T, B, n_in] and the layer's `winners` [T, B]."""
    fired = winners.flatten() >= 0
    neurons = winners.flatten()[fired]

    def paired(traces: Tensor) -> Tensor:
        return torch.zeros_like(weight).index_add_(0, neurons, traces.flatten(0, 1)[fired])

    change = (1 - weight).clamp_min_(0) * paired(trace(spikes, p.tau_pre))
    if p.depression:
        later = trace(spikes, p.tau_post, backwards=True)
        change -= p.depression * weight * paired(later)
    return change.mul_(p.learning_rate)


def normalise(weight: Tensor, p: Scale) -> Tensor:
    """`weight` [n, n_in] without its negative values, each neuron's scaled to the same size.

    Diehl & Cook keep the sum (78.4 over 784 inputs). With the root mean square the drive w.x compares
    neurons by the angle between weights and input, so broad receptive fields have no advantage over
    narrow ones, as in E. Oja, J. Math. Biology 15:267, 1982.
    """
    weight = weight.clamp_min(0)
    size = weight.pow(p.order).mean(dim=1, keepdim=True).pow(1 / p.order)
    return weight * (p.norm / size.clamp_min(1e-12))
