"""`native-bptt`: surrogate gradients, backpropagated through time.

The network of `harness.plugin.toolkit.bptt`, on the neurons of `harness_native.neurons`: a whole sequence of a
layer is one node of the graph, with its backward pass written out (`SpikeSequence`). With `alpha`
above 0 the neurons receive their currents through an exponential synapse.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Generator, Tensor

from harness.plugin import hookimpl
from harness.plugin.toolkit import bptt
from harness.plugin import Evaluation, Parameter, Params, Presets, Scalars, Task
from harness_native.neurons import LIFParameters
from harness_native.spike_sequence import SpikeSequence
from harness_native.surrogates import SURROGATES


@hookimpl
def harness_presets() -> Presets:
    """Those of `harness.plugin.toolkit.bptt`, and the synapse's decay."""
    shared = bptt.presets(tuple(SURROGATES))
    alpha = Parameter(0.0, "decay of the synaptic current in one step", 0.0, 1.0)
    return dataclasses.replace(shared, parameters={**shared.parameters, "alpha": alpha})


class Network(bptt.SpikingNetwork):
    """The network, on native neurons."""

    def neurons(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] for currents [T, B, n]."""
        p = self.params
        lif = LIFParameters(p.alpha, p.beta, p.theta)
        spikes: Tensor = SpikeSequence.apply(
            currents, lif, p.surrogate, p.slope / p.theta, p.detach
        )[0]
        return spikes


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """The network at its random start."""
    return Network(task, params, device)


@hookimpl
def harness_encode(model: Network, inputs: Tensor, generator: Generator) -> Tensor:
    """Currents or spikes [T, B, n_in]."""
    return bptt.encoded(model, inputs, generator)


@hookimpl
def harness_train_step(model: Network, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update on the cross-entropy of the answer."""
    return bptt.train_step(model, spikes, targets)


@hookimpl
def harness_evaluate(model: Network, spikes: Tensor, record: bool) -> Evaluation:
    """The readout's mean over the last `window` steps; over time [T, B, C] when recording."""
    return bptt.answer(model, spikes, record)
