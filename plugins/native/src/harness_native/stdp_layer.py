"""A winner-take-all layer as equations: which neuron spikes, and how thresholds follow.

After P. U. Diehl and M. Cook, "Unsupervised learning of digit recognition using
spike-timing-dependent plasticity", Frontiers in Computational Neuroscience 9:99, 2015. Times are in
steps. With thresholds h, membranes are in units of them, which with a resting potential of 0 equals
comparing each to its own:

    V[t] = (1 - 1/tau) V[t-1] + W X[t] / h
    k    = argmax V[t]; it spikes where V_k[t] >= 1, and then
    V[t] = max(V[t] - inhibition, -inhibition), V_k[t] = 0

In each step at most one neuron spikes, so a sequence's spikes are its winners [T, B] (int64): the
number of the neuron, or `NOBODY`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.plugin.toolkit.codes import is_constant, product

NOBODY = -1

_LEAST_THRESHOLD = 1e-3


class Competition(NamedTuple):
    """Membrane time constant, and what a spike takes from the others, in thresholds."""

    tau: float
    inhibition: float


class Homeostasis(NamedTuple):
    """Rise of a threshold a spike, the layer's spikes a presentation that are aimed at, and the
    fraction that a threshold loses a presentation.
    """

    plus: float
    target: float
    decay: float


def currents(spikes: Tensor, weight: Tensor) -> Tensor:
    """`spikes` [T, B, n_in] through `weight` [n, n_in]: [T, B, n].

    On a CPU, rows of weights are added up for the inputs that spike, a few in a hundred.
    """
    if spikes.device.type != "cpu" or is_constant(spikes):
        return product(spikes, weight)
    samples = spikes.flatten(0, 1)
    rows, active = samples.nonzero(as_tuple=True)
    summed = nn.functional.embedding_bag(
        active,
        weight.T.contiguous(),
        torch.searchsorted(rows, torch.arange(len(samples))),
        mode="sum",
        per_sample_weights=samples[rows, active],
    )
    return summed.view(*spikes.shape[:2], -1)


def compete(drive: Tensor, p: Competition) -> Tensor:
    """The winners [T, B] for `drive` W X / h [T, B, n], not negative, of a layer that starts at rest."""
    decay = 1 - 1 / p.tau
    membrane = torch.zeros_like(drive[0])
    winners = torch.full(drive.shape[:2], NOBODY, device=drive.device)
    for step, winner in zip(drive.unbind(0), winners.unbind(0)):
        torch.add(step, membrane, alpha=decay, out=membrane)
        # Few samples have a spike in a step, and the maximum costs a tenth of its index.
        fired = (membrane.amax(dim=1) >= 1).nonzero().squeeze(1)
        if len(fired):
            contest = membrane[fired]
            best = contest.argmax(dim=1)
            contest.sub_(p.inhibition).clamp_min_(-p.inhibition)
            contest.scatter_(1, best.unsqueeze(1), 0.0)
            membrane[fired] = contest
            winner[fired] = best
    return winners


def one_hot(winners: Tensor, neurons: int, dtype: torch.dtype) -> Tensor:
    """The spikes [T, B, n] of `winners` [T, B]."""
    spikes = torch.zeros(*winners.shape, neurons, dtype=dtype, device=winners.device)
    step, sample = (winners != NOBODY).nonzero(as_tuple=True)
    spikes[step, sample, winners[step, sample]] = 1
    return spikes


def adapt(threshold: Tensor, counts: Tensor, presentations: int, p: Homeostasis) -> Tensor:
    """The thresholds [n] after `presentations` in which neurons spiked `counts` [n] times.

    A threshold rises by `plus` a spike (theta_plus of Diehl & Cook) and falls by what `target`
    spikes of the layer a presentation, shared equally, would have raised it.
    """
    expected = p.target * presentations / len(threshold)
    risen = threshold + p.plus * (counts.to(threshold) - expected)
    return (risen * (1 - p.decay) ** presentations).clamp_min(_LEAST_THRESHOLD)
