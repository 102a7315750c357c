"""Integrate-and-fire neurons on snnTorch's `Leaky`, with an exact reset."""

from __future__ import annotations

import snntorch
import torch
from snntorch import SpikingNeuron
from torch import Tensor


def leaky(threshold: float, beta: float) -> snntorch.Leaky:
    """A `Leaky` without a reset of its own, which `fire` does at once.

    As snnTorch does it, "subtract" comes one step late: a neuron just over its threshold may fire
    once more than its input is worth. `reset_delay=False` is right only while a reset ends below
    the threshold; a membrane still above it loses its next spike or is stuck for good, and neurons
    driven that hard are what a percentile scale makes on purpose.
    """
    neuron = snntorch.Leaky(
        beta=float(beta), threshold=float(threshold), reset_mechanism="none", surrogate_disable=True
    )
    # The class lists every neuron ever made, for states that it keeps itself. Ours are passed in,
    # and the list would keep each model alive as long as the process.
    SpikingNeuron.instances[:] = [other for other in SpikingNeuron.instances if other is not neuron]
    return neuron


def fire(neuron: snntorch.Leaky, current: Tensor, *, initial: float, soft: bool) -> Tensor:
    """The spikes [T, B, n] of a layer driven by `current` [T, B, n], in units of its weights.

    U[t] = beta U[t-1] + I[t], S[t] = 1 where U[t] > V, then U[t] -= V S[t] (soft: the charge above
    the threshold is kept, Rueckauer et al. 2017, sec. 2.1) or U[t] *= 1 - S[t] (hard, as in Diehl
    et al. 2015). U[-1] = initial V: a half makes the spike count round to the nearest instead of
    down, which halves the largest error after any number of steps.
    """
    threshold: Tensor = neuron.threshold
    membrane = (initial * threshold).expand(current.shape[1:])
    spikes = []
    for drive in current.unbind(0):
        spike, membrane = neuron(drive, membrane)
        membrane = membrane - threshold * spike if soft else membrane * (1 - spike)
        spikes.append(spike)
    neuron.mem = current.new_empty(0)  # a `Leaky` keeps its last state: memory, and a buffer
    return torch.stack(spikes)
