"""Integrate-and-fire neurons: snnTorch's `Leaky`, run over time without a trace left behind."""

from __future__ import annotations

import snntorch
import torch
from snntorch import SpikingNeuron
from torch import Tensor


def leaky(threshold: float, beta: float, *, soft: bool) -> snntorch.Leaky:
    """A `Leaky` with snnTorch's own reset, which is the right one here although it is "delayed".

    It takes effect in the next update, U[t] = beta U[t-1] + I[t] - V S[t-1], so only the membrane
    handed back is still unreset. For beta = 1 the spikes are those of a reset at once, charge above
    the threshold included (Rueckauer et al. 2017, sec. 2.1); a leaky neuron subtracts V undecayed,
    that is V / beta at once. The reset to zero (hard, Diehl et al. 2015) is exact for every beta.
    `reset_delay=False` is not: it asks whether the membrane lies two thresholds high wherever a
    reset left it above one, as it does in neurons that a percentile scale drives that hard.
    """
    neuron = snntorch.Leaky(
        beta=float(beta),
        threshold=float(threshold),
        reset_mechanism="subtract" if soft else "zero",
        surrogate_disable=True,  # never trained by its spikes
    )
    # The class lists every neuron ever made, for states that it keeps itself. Ours are passed in,
    # and the list would keep each model alive as long as the process.
    SpikingNeuron.instances[:] = [other for other in SpikingNeuron.instances if other is not neuron]
    return neuron


def fire(neuron: snntorch.Leaky, current: Tensor, initial: float) -> Tensor:
    """The spikes [T, B, n] of a layer driven by `current` [T, B, n], S[t] = 1 where U[t] > V.

    `initial` is the membrane before the first step, in thresholds. A half makes the spike count
    round to the nearest instead of down, which halves its largest error after any number of steps.
    """
    threshold: Tensor = neuron.threshold
    membrane = (initial * threshold).expand(current.shape[1:])
    spikes = []
    for drive in current.unbind(0):
        spike, membrane = neuron(drive, membrane)
        spikes.append(spike)
    neuron.mem = current.new_empty(0)  # a `Leaky` keeps its last state: memory, and a buffer
    return torch.stack(spikes)
