"""`snntorch-bptt`: the network of `harness.plugin.toolkit.bptt` on snnTorch's `Leaky`, with its surrogates."""

from __future__ import annotations

from collections.abc import Callable

import snntorch
import torch
from snntorch import SpikingNeuron, surrogate
from torch import Generator, Tensor

from harness.plugin import hookimpl
from harness.plugin.toolkit import bptt
from harness.plugin import Evaluation, Params, Presets, Scalars, Task, Value

# Tutorial 5, "Training spiking neural networks with snnTorch": 93.87 % on MNIST after one epoch.
# Theirs, and not here: biases, snnTorch's own reset (one step late, undecayed), ten spiking output
# neurons and the sum over the steps of the cross-entropies of their membranes, classes by spike
# count. Here the readout is linear in the hidden spike counts of all steps.
_SOURCE: dict[str, dict[str, Value]] = {
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
    "digits": {"epochs": 43},  # as many updates as on mnist
}


@hookimpl
def harness_presets() -> Presets:
    """Those of `harness.plugin.toolkit.bptt`; snnTorch's `triangular` is another function than the one here."""
    return bptt.presets(("fast_sigmoid", "atan"), _SOURCE, reported={"mnist": 0.9387})


def spike_function(name: str, slope: float) -> Callable[[Tensor], Tensor]:
    """The surrogate of that name in snnTorch, scaled to peak at 1 where it does not."""
    if name == "fast_sigmoid":
        function: Callable[[Tensor], Tensor] = surrogate.fast_sigmoid(slope)
        return function
    atan, peak = surrogate.atan(slope), slope / 2
    return atan if peak == 1 else lambda v: bptt.scaled_gradient(atan(v), 1 / peak)


class Network(bptt.SpikingNetwork):
    """The network, on one `Leaky` for all layers, which pass it their membranes.

    `Leaky` compares U > threshold, which for the number below theta is U >= theta. Its own reset
    subtracts theta one step late and undecayed, so it is left to integrate and reset here.
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
        # The class lists every neuron ever made, which would keep each model alive.
        SpikingNeuron.instances.remove(self.leaky)

    def neurons(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] for currents [T, B, n]."""
        p = self.params
        membrane = torch.zeros_like(currents[0])
        spikes = []
        for current in currents.unbind(0):
            spike, membrane = self.leaky(current, membrane)
            membrane = membrane - p.theta * (spike.detach() if p.detach else spike)
            spikes.append(spike)
        self.leaky.mem = currents.new_empty(0)  # it keeps its last state: memory, and a buffer
        return torch.stack(spikes)


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
