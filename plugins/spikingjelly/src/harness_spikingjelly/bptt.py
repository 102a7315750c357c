"""`spikingjelly-bptt`: the network of `harness.plugin.toolkit.bptt` on SpikingJelly's neurons.

The neurons run in multi-step mode: a layer's whole sequence is one call, on CUDA one of SpikingJelly's
fused kernels.
"""

from __future__ import annotations

import torch
from spikingjelly.activation_based import neuron, surrogate
from torch import Tensor, nn

from harness.plugin import (
    Params,
    Presets,
    Reported,
    Source,
    Task,
    Unsupported,
    Value,
    hookimpl,
)
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

# Each has the form of ours of that name. SpikingJelly's are derivatives of sigmoids that rise from
# 0 to 1, so their peaks are `alpha` times this factor.
_SURROGATES = {
    "fast_sigmoid": (surrogate.SoftSign, 0.5),
    "atan": (surrogate.ATan, 0.5),
    "triangular": (surrogate.PiecewiseQuadratic, 1.0),
}

# As many updates on digits as on mnist.
_TUTORIAL: dict[str, dict[str, Value]] = {
    "*": {
        "hidden": "10",
        "code": "poisson",
        "steps": 100,
        "window": 100,
        "beta": 0.5,
        "surrogate": "atan",
        "detach": False,
        "lr": 1e-3,
        "schedule": "constant",
        "batch_size": 64,
        "epochs": 1,
    },
    "digits": {"epochs": 43},
}

_CITED = Source(
    title="SpikingJelly, tutorial: Single fully connected layer SNN to classify MNIST",
    authors="Wei Fang and other authors of SpikingJelly",
    year=2020,
    url="https://spikingjelly.readthedocs.io",
    departures=(
        "A linear readout follows the ten neurons; there their firing rates are the output.",
        "The loss is the cross-entropy of the readout; there it is the squared error of the firing rates.",
        "Currents are not divided by tau; there they are.",
        "A spike subtracts the threshold; there it resets the potential to 0.",
        "Initial weights are normal with variance 1 / inputs; there they are PyTorch's default.",
        "Training takes 1 epoch; there it takes 100, and 92.9 % is the best of them on the test set.",
        "Training leaves out the 5000 validation images; there it uses all 60 000, less the last batch, "
        "which is not full.",
    ),
    reported={"mnist": [Reported(0.929, "the best of 100 epochs on the test set")]},
)


@hookimpl
def harness_presets() -> Presets:
    """Those of `harness.plugin.toolkit.bptt`."""
    return bptt.presets(tuple(_SURROGATES), {"near-source": _TUTORIAL}, {"near-source": _CITED})


class Scaled(nn.Module):
    """A spike function with its gradient multiplied by a factor."""

    def __init__(self, function: nn.Module, factor: float) -> None:
        super().__init__()
        self.function, self.factor = function, factor

    def forward(self, v: Tensor) -> Tensor:
        return bptt.scaled_gradient(self.function(v), self.factor)


def spike_function(name: str, slope: float) -> nn.Module:
    """SpikingJelly's spike function with the surrogate gradient `name`, scaled to a peak of 1.

    The fused kernels support only SpikingJelly's own functions, so a scaled one runs step by step.
    """
    kind, height = _SURROGATES[name]
    function: nn.Module = kind(alpha=slope)
    peak = slope * height
    return function if peak == 1 else Scaled(function, 1 / peak)


def textbook_neuron(p: Params, mode: str = "m") -> neuron.BaseNode:
    """U[t] = beta (U[t-1] - theta S[t-1]) + X[t], as SpikingJelly's U - U/tau + X.

    `mode` is SpikingJelly's step mode: "m" for sequences [T, B, n], "s" for single steps [B, n].
    """
    shared = {
        "v_threshold": p.theta,
        "v_reset": None,
        "surrogate_function": spike_function(p.surrogate, p.slope / p.theta),
        "detach_reset": p.detach,
        "step_mode": mode,
    }
    if p.beta == 1:
        return neuron.IFNode(**shared)
    if p.beta == 0:
        raise Unsupported("beta = 0 is tau = 1, and SpikingJelly's LIFNode takes tau > 1 only")
    return neuron.LIFNode(tau=1 / (1 - p.beta), decay_input=False, **shared)


class Network(bptt.SpikingNetwork):
    """The network, on one SpikingJelly neuron for all layers, reset before and after each of them."""

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__(task, params, device)
        self.node = textbook_neuron(params)
        self.single = textbook_neuron(params, "s")
        # SpikingJelly imports its kernels at the first step; those seconds are not part of the training.
        self.neurons(torch.zeros(1, 1, 1, device=device))

    def neurons(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] for `currents` [T, B, n]."""
        self.node.reset()
        spikes: Tensor = self.node(currents)
        self.node.reset()
        return spikes

    def step(self, currents: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Spikes and membrane potentials after the reset [B, n] for `currents` [B, n]."""
        self.single.v = torch.zeros_like(currents) if state is None else state
        spikes: Tensor = self.single(currents)
        after_reset: Tensor = self.single.v
        self.single.reset()
        return spikes, after_reset


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """The network with its initial weights."""
    return Network(task, params, device)
