"""`sinabs-bptt`: the network of `harness.plugin.toolkit.bptt` on sinabs's `LIF`."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.plugin import Params, Presets, Task, hookimpl
from harness.plugin.toolkit import bptt
from harness.plugin.toolkit.bptt import (
    harness_encode,
    harness_evaluate,
    harness_finish_training,
    harness_neuron,
    harness_train_step,
)
from harness.plugin.toolkit.training_state import harness_training_state
from harness_sinabs.neurons import lif, run, run_step

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
    """Those of `harness.plugin.toolkit.bptt`, whose surrogate gradients sinabs takes as functions."""
    return bptt.presets(("fast_sigmoid", "atan", "triangular"))


class Network(bptt.SpikingNetwork):
    """The network, on one `LIF` for all layers; each layer starts at rest."""

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__(task, params, device)
        # Not a submodule: its state is no part of the network's.
        self._lif = [lif(bptt.neuron_of(params), device)]

    def neurons(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] for `currents` [T, B, n]."""
        return run(self._lif[0], currents.transpose(0, 1)).transpose(0, 1)

    def step(self, currents: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Spikes and membrane potentials after the reset [B, n] for `currents` [B, n]."""
        return run_step(self._lif[0], currents, state)


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """The network with its initial weights."""
    return Network(task, params, device)
