"""`native-bptt`: surrogate gradients, backpropagated through time.

The network of `harness.plugin.toolkit.bptt` on the neurons of `harness_native.neurons`. A layer's whole
sequence is one node of the graph, with its backward pass written out (`SpikeSequence`). With `alpha`
above 0 the neurons receive their currents through an exponential synapse.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from harness.plugin import Parameter, Params, Presets, Task, Unsupported, hookimpl
from harness.plugin.toolkit import bptt
from harness.plugin.toolkit.bptt import (
    harness_encode,
    harness_evaluate,
    harness_finish_training,
    harness_neuron,
    harness_train_step,
)
from harness.plugin.toolkit.training_state import harness_training_state
from harness_native.neurons import LIFParameters
from harness_native.spike_sequence import SpikeSequence
from harness_native.spike_step import SpikeState, spike_step
from harness_native.surrogates import SURROGATES

__all__ = [
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_finish_training",
    "harness_neuron",
    "harness_presets",
    "harness_train_step",
    "harness_training_state",
]


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

    def step(self, currents: Tensor, state: SpikeState | None) -> tuple[Tensor, SpikeState]:
        """Spikes [B, n] for currents [B, n], and the state for the next step."""
        p = self.params
        lif = LIFParameters(p.alpha, p.beta, p.theta)
        return spike_step(currents, state, lif, p.surrogate, p.slope / p.theta, p.detach)


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """The network with its initial weights."""
    if params.adaptive and params.alpha:
        raise Unsupported(
            f"adaptive={params.adaptive:g} needs alpha=0: an adaptive threshold is a current, and the "
            "synapse would filter it"
        )
    return Network(task, params, device)
