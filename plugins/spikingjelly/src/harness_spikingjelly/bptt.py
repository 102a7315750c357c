"""`spikingjelly-bptt`: the network of `harness.plugin.toolkit.bptt` on SpikingJelly's neurons.

The neurons run in multi-step mode: a layer's whole sequence is one call, on CUDA one of SpikingJelly's
fused kernels.
"""

from __future__ import annotations

import torch
from spikingjelly.activation_based import neuron, surrogate
from torch import Tensor, nn

from harness.plugin import Params, Presets, Task, Unsupported, Value, hookimpl
from harness.plugin.toolkit import bptt
from harness.plugin.toolkit.bptt import harness_encode, harness_evaluate, harness_train_step

__all__ = [
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_presets",
    "harness_train_step",
    "spike_function",
]

# Each has the form of ours of that name. SpikingJelly's are derivatives of sigmoids that rise from
# 0 to 1, so their peaks are `alpha` times this factor.
_SURROGATES = {
    "fast_sigmoid": (surrogate.SoftSign, 0.5),
    "atan": (surrogate.ATan, 0.5),
    "triangular": (surrogate.PiecewiseQuadratic, 1.0),
}

# "Single fully connected layer SNN to classify MNIST", SpikingJelly's tutorial: 92.9 % on MNIST, the
# best of 100 epochs on the test set. Not reproduced: an input current divided by tau, the reset to 0,
# and the squared error of the firing rates of ten neurons, which are the output there. Here a linear
# readout follows the ten neurons, trained on the cross-entropy.
_SOURCE: dict[str, dict[str, Value]] = {
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
    "digits": {"epochs": 43},  # as many updates as on mnist
}


@hookimpl
def harness_presets() -> Presets:
    """Those of `harness.plugin.toolkit.bptt`."""
    return bptt.presets(tuple(_SURROGATES), _SOURCE, reported={"mnist": 0.929})


class _Scaled(nn.Module):
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
    return function if peak == 1 else _Scaled(function, 1 / peak)


def textbook_neuron(p: Params) -> neuron.BaseNode:
    """U[t] = beta (U[t-1] - theta S[t-1]) + X[t], as SpikingJelly's U - U/tau + X."""
    shared = {
        "v_threshold": p.theta,
        "v_reset": None,
        "surrogate_function": spike_function(p.surrogate, p.slope / p.theta),
        "detach_reset": p.detach,
        "step_mode": "m",
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
        # SpikingJelly imports its kernels at the first step; those seconds are not part of the training.
        self.neurons(torch.zeros(1, 1, 1, device=device))

    def neurons(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] for `currents` [T, B, n]."""
        self.node.reset()
        spikes: Tensor = self.node(currents)
        self.node.reset()
        return spikes


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """The network with its initial weights."""
    return Network(task, params, device)
