"""`snntorch-bptt`: the network of `harness.plugin.toolkit.bptt` on snnTorch's `Leaky`."""

from __future__ import annotations

from collections.abc import Callable

import snntorch
import torch
from snntorch import SpikingNeuron, surrogate
from torch import Tensor

from harness.plugin import Params, Presets, Reported, Source, Task, Value, hookimpl
from harness.plugin.toolkit import bptt
from harness.plugin.toolkit.bptt import (
    harness_encode,
    harness_evaluate,
    harness_finish_training,
    harness_neuron,
    harness_train_step,
)
from harness.plugin.toolkit.training_state import harness_training_state

__all__ = [
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_finish_training",
    "harness_neuron",
    "harness_presets",
    "harness_train_step",
    "harness_training_state",
    "spike_function",
]

# As many updates on digits as on mnist.
_TUTORIAL: dict[str, dict[str, Value]] = {
    "*": {
        "hidden": "1000",
        "steps": 25,
        "window": 25,
        "beta": 0.95,
        "surrogate": "atan",
        "lr": 5e-4,
        "schedule": "constant",
        "batch_size": 128,
        "epochs": 1,
    },
    "digits": {"epochs": 43},
}

_CITED = Source(
    title="snnTorch, tutorial 5: Training spiking neural networks with snnTorch",
    authors="Jason K. Eshraghian",
    year=2021,
    url="https://snntorch.readthedocs.io/en/latest/tutorials/tutorial_5.html",
    departures=(
        "The readout is linear in the hidden spike counts of all steps; there ten output neurons spike, "
        "and their counts give the class.",
        "The loss is the cross-entropy of that readout; there the cross-entropies of the output neurons' "
        "membrane potentials are summed over the steps.",
        "Spikes subtract the threshold at once, and this decays; there it happens a step later, undecayed.",
        "Layers have no biases; there they do.",
        "Initial weights are normal with variance 1 / inputs; there they are PyTorch's default.",
        "Training leaves out the 5000 validation images; there it uses all 60 000, less the last batch, "
        "which is not full.",
    ),
    reported={"mnist": [Reported(0.9387, "the test after one epoch")]},
)


@hookimpl
def harness_presets() -> Presets:
    """Those of `harness.plugin.toolkit.bptt`; snnTorch's `triangular` is a different function from ours."""
    return bptt.presets(
        ("fast_sigmoid", "atan"), {"near-source": _TUTORIAL}, {"near-source": _CITED}
    )


def spike_function(name: str, slope: float) -> Callable[[Tensor], Tensor]:
    """SnnTorch's spike function with the surrogate gradient `name`, scaled to a peak of 1."""
    if name == "fast_sigmoid":
        function: Callable[[Tensor], Tensor] = surrogate.fast_sigmoid(slope)
        return function
    atan, peak = surrogate.atan(slope), slope / 2
    return atan if peak == 1 else lambda v: bptt.scaled_gradient(atan(v), 1 / peak)


class Network(bptt.SpikingNetwork):
    """The network, on one `Leaky` for all layers; each layer keeps its own membrane potential.

    `Leaky` compares U > threshold; with the next float32 below theta as the threshold this is
    U >= theta. Its own reset subtracts theta one step late and undecayed, so it only integrates and the
    reset is done here.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__(task, params, device)
        theta = torch.tensor(params.theta)
        self.leaky = snntorch.Leaky(
            beta=params.beta,
            threshold=torch.nextafter(theta, -theta),
            spike_grad=spike_function(params.surrogate, params.slope / params.theta),
            reset_mechanism="none",
        ).to(device)
        # The class keeps a list of all its instances, which would keep each model alive.
        SpikingNeuron.instances.remove(self.leaky)

    def neurons(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] for `currents` [T, B, n]."""
        membrane = torch.zeros_like(currents[0])
        spikes = []
        for current in currents.unbind(0):
            spike, membrane = self._fired(current, membrane)
            spikes.append(spike)
        self._forget(currents)
        return torch.stack(spikes)

    def step(self, currents: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Spikes and membrane potentials after the reset [B, n] for `currents` [B, n]."""
        stepped = self._fired(currents, torch.zeros_like(currents) if state is None else state)
        self._forget(currents)
        return stepped

    def _fired(self, current: Tensor, membrane: Tensor) -> tuple[Tensor, Tensor]:
        p = self.params
        spike, membrane = self.leaky(current, membrane)
        return spike, membrane - p.theta * (spike.detach() if p.detach else spike)

    def _forget(self, like: Tensor) -> None:
        """Frees the last state of `Leaky`, which is a buffer."""
        self.leaky.mem = like.new_empty(0)


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """The network with its initial weights."""
    return Network(task, params, device)
