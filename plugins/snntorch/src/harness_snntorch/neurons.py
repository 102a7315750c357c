"""Integrate-and-fire neurons: snnTorch's `Leaky`, run over a sequence without keeping its state."""

from __future__ import annotations

import snntorch
import torch
from snntorch import SpikingNeuron
from torch import Tensor


def leaky(threshold: float, beta: float, *, soft: bool) -> snntorch.Leaky:
    """A `Leaky` with snnTorch's own "delayed" reset, which is correct here.

    The reset takes effect in the next update, U[t] = beta U[t-1] + I[t] - V S[t-1]: only the returned
    potential is not yet reset. For beta = 1 the spikes are those of an immediate reset that keeps the
    charge above the threshold (Rueckauer et al. 2017, sec. 2.1); for beta < 1 it is the same as
    subtracting V / beta immediately. The reset to zero (hard, Diehl et al. 2015) is exact for every
    beta. `reset_delay=False` is not exact: where a reset leaves the potential above the threshold, the
    next spike needs two thresholds. A percentile scale makes that common.
    """
    neuron = snntorch.Leaky(
        beta=float(beta),
        threshold=float(threshold),
        reset_mechanism="subtract" if soft else "zero",
        surrogate_disable=True,  # it is not trained through its spikes
    )
    # The class keeps a list of all its instances, to reset the states that they store. Ours are passed
    # in, and the list would keep each model alive for the lifetime of the process.
    SpikingNeuron.instances[:] = [other for other in SpikingNeuron.instances if other is not neuron]
    return neuron


def fire(neuron: snntorch.Leaky, current: Tensor, initial: float) -> Tensor:
    """The spikes [T, B, n] of a layer that receives `current` [T, B, n], S[t] = 1 where U[t] > V.

    `initial` is the membrane potential before the first step, in thresholds. With 0.5 the spike count
    is rounded to the nearest instead of down, which halves its largest error after any number of steps.
    """
    threshold: Tensor = neuron.threshold
    membrane = (initial * threshold).expand(current.shape[1:])
    spikes = []
    for drive in current.unbind(0):
        spike, membrane = neuron(drive, membrane)
        spikes.append(spike)
    neuron.mem = current.new_empty(0)  # frees its last state, which is a buffer
    return torch.stack(spikes)
