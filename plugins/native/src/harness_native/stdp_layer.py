"""A winner-take-all layer as equations: which neuron spikes in a step.

After P. U. Diehl and M. Cook, "Unsupervised learning of digit recognition using
spike-timing-dependent plasticity", Frontiers in Computational Neuroscience 9:99, 2015. Times are in
steps. Membrane potentials V are in units of each neuron's threshold h. With a resting potential of 0
this equals a comparison of each potential with its own threshold:

    V[t] = (1 - 1/tau) V[t-1] + W X[t] / h
    k    = argmax V[t]; it spikes where V_k[t] >= 1, and then
    V[t] = max(V[t] - inhibition, -inhibition), V_k[t] = 0

At most one neuron spikes in a step, so the spikes of a sequence are stored as winners [T, B] (int64):
the number of the neuron, or `NOBODY`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.plugin.toolkit.codes import is_constant, product

NOBODY = -1


class Competition(NamedTuple):
    """Membrane time constant, and what a spike subtracts from the other potentials, in thresholds."""

    tau: float
    inhibition: float


def currents(spikes: Tensor, weight: Tensor) -> Tensor:
    """`spikes` [T, B, n_in] through `weight` [n, n_in]: [T, B, n].

    On a CPU, only the weights of inputs that spike are summed: a few in a hundred.
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
    """The winners [T, B] of a layer that starts at rest, for `drive` W X / h >= 0 [T, B, n]."""
    decay = 1 - 1 / p.tau
    membrane = torch.zeros_like(drive[0])
    winners = torch.full(drive.shape[:2], NOBODY, device=drive.device)
    for step, winner in zip(drive.unbind(0), winners.unbind(0)):
        torch.add(step, membrane, alpha=decay, out=membrane)
        # Few samples have a spike in a step, and amax costs a tenth of argmax.
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
    """The spikes [T, B, n], 0 or 1, of `winners` [T, B]."""
    spikes = torch.zeros(*winners.shape, neurons, dtype=dtype, device=winners.device)
    step, sample = (winners != NOBODY).nonzero(as_tuple=True)
    spikes[step, sample, winners[step, sample]] = 1
    return spikes
