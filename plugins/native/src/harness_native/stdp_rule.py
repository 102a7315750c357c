"""Spike-timing-dependent plasticity by traces, for whole sequences at once.

With presynaptic spikes S_i and postsynaptic spikes S_j, both 0 or 1, and traces
x[t] = (1 - 1/tau) x[t-1] + S[t] (Morrison, Diesmann and Gerstner 2008, "Phenomenological models of
synaptic plasticity based on spike timing", sec. 4.1.3, in discrete time),

    dW_ji = learning_rate * sum over t of (1 - W_ji) S_j[t] x_i[t] - depression W_ji x_j[t] S_i[t]

The weights do not change during a batch of presentations, so the factors that depend on them can be
taken out of the sum. A trace is linear, so the second sum is the same with a trace of the input that
runs backwards in time, in place of the postsynaptic one:

    sum over t of x_j[t] S_i[t] = sum over t of S_j[t] y_i[t],  y[t] = (1 - 1/tau) y[t+1] + S_i[t]

Both are products over (t, sample) of a matrix of output spikes with one of input traces, instead of
a tensor [B, n_out, n_in] in each step. At most one neuron spikes in a step of a sample, so each row of
the first matrix has at most a single 1, and the product sums rows of the second.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor


class Plasticity(NamedTuple):
    """The rule's constants, times in steps.

    `learning_rate` is the weight change of a spike pair, `depression` the share of it for input that
    follows output, `tau_pre` and `tau_post` are the time constants of the traces.
    """

    learning_rate: float
    depression: float
    tau_pre: float
    tau_post: float


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
