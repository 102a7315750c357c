"""One linear map and one layer of SpikingJelly's neurons, for `harness layers`."""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional, neuron, surrogate
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import hookimpl
from harness.plugin import Neuron, Unsupported
from harness_spikingjelly.bptt import spike_function


class Layer(nn.Module):
    """Inputs [T, B, n_in] to spikes [T, B, n_out], in multi-step mode: on CUDA a fused kernel.

    SpikingJelly's U - U / tau + X is beta U + X for tau = 1 / (1 - beta).
    """

    def __init__(self, wanted: Neuron, n_in: int, n_out: int, device: torch.device) -> None:
        super().__init__()
        shared = {
            "v_threshold": wanted.theta,
            "v_reset": None if wanted.reset == "subtract" else 0.0,
            "surrogate_function": _surrogate(wanted),
            "detach_reset": wanted.detach,
            "step_mode": "m",
        }
        if wanted.beta == 1:
            self.node: neuron.BaseNode = neuron.IFNode(**shared)
        else:
            # 1 - beta of the float32 beta that others multiply by, rather than of beta itself.
            rate = float(1 - torch.tensor(wanted.beta))
            self.node = neuron.LIFNode(tau=1 / rate, decay_input=False, **shared)
        self.weight = nn.Parameter(torch.zeros(n_out, n_in, device=device))
        kind = "if" if wanted.beta == 1 else "lif"
        found = functional.neuron_implementation(kind, device)
        self.implementation = str(found["implementation"])

    def forward(self, inputs: Tensor) -> Tensor:
        """All steps at once, from rest."""
        self.node.reset()
        spikes: Tensor = self.node(F.linear(inputs, self.weight))
        self.node.reset()
        return spikes


def _surrogate(wanted: Neuron) -> nn.Module:
    """One of SpikingJelly's own where it can be: a scaled one has no fused kernel."""
    if wanted.surrogate == "fast_sigmoid" and wanted.slope == 1:
        function: nn.Module = surrogate.SuperSpike(alpha=1.0)
        return function
    return spike_function(wanted.surrogate, wanted.slope)


@hookimpl
def harness_layer(neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> Layer:
    """The neuron, with either reset and any surrogate."""
    if neuron.compare != ">=":
        raise Unsupported("SpikingJelly spikes where U >= v_threshold, the theta it subtracts")
    if neuron.beta == 0:
        raise Unsupported("beta = 0 is tau = 1, and SpikingJelly's LIFNode takes tau > 1 only")
    return Layer(neuron, n_in, n_out, device)
