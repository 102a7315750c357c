"""How well output spikes match target spikes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: Time constants of the van Rossum kernel's rise and decay, as in Zenke and Ganguli 2018.
RISE_MS, DECAY_MS = 5.0, 10.0
#: A spike this near to its target is on time.
TOLERANCE_MS = 2.0


def van_rossum_loss(output: Tensor, target: Tensor, step_ms: float) -> float:
    """The van Rossum distance of spikes [T, n], as a fraction of the silent neurons' distance.

    Sum over neurons and steps of the square of the difference, filtered by a double exponential
    (van Rossum 2001, "A novel spike distance"; the kernel of Zenke and Ganguli 2018, eq. 6). 0 for
    equal trains, 1 for no output spikes.
    """
    error = _filtered(output.double() - target.double(), step_ms).square().sum()
    silent = _filtered(target.double(), step_ms).square().sum()
    return float(error / silent)


def timing_errors(output: Tensor, target: Tensor, step_ms: float) -> tuple[float, int]:
    """The fraction of target spikes with a matching output spike, and the unmatched output spikes.

    Spikes [T, n] of a neuron match where they are at most `TOLERANCE_MS` apart; each counts once.
    """
    met = extra = 0
    for sent, wanted in zip(spike_times(output), spike_times(target), strict=True):
        left = list(sent)
        for time in wanted:  # the earliest unmatched one leaves the most for later targets
            near = [t for t in left if abs(t - time) * step_ms <= TOLERANCE_MS]
            if near:
                met += 1
                left.remove(near[0])
        extra += len(left)
    return met / int(target.sum()), extra


def spike_times(spikes: Tensor) -> list[list[int]]:
    """The steps at which each neuron of `spikes` [T, n] spikes."""
    return [column.nonzero()[:, 0].tolist() for column in spikes.unbind(1)]


def _filtered(spikes: Tensor, step_ms: float) -> Tensor:
    """`spikes` [T, n] filtered by the kernel, with steps added at the end in which it decays."""
    tail = math.ceil(10 * DECAY_MS / step_ms)
    rise = decay = torch.zeros_like(spikes[0])
    filtered = []
    for step in torch.cat([spikes, spikes.new_zeros(tail, spikes.shape[1])]).unbind(0):
        rise = rise * math.exp(-step_ms / RISE_MS) + step
        decay = decay * math.exp(-step_ms / DECAY_MS) + step
        filtered.append(decay - rise)
    return torch.stack(filtered)
