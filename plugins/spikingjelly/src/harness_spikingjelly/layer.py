"""One linear map and one layer of SpikingJelly's neurons, for `harness layers`."""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional, neuron, surrogate
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Neuron, Unsupported, hookimpl
from harness_spikingjelly.bptt import Scaled, spike_function


class Layer(nn.Module):
    """Inputs [T, B, n_in] to spikes [T, B, n_out], in multi-step mode: on CUDA a fused kernel.

    SpikingJelly's U - U / tau + X is beta U + X for tau = 1 / (1 - beta).
    """

    def __init__(self, spec: Neuron, n_in: int, n_out: int, device: torch.device) -> None:
        super().__init__()
        shared = {
            "v_threshold": spec.theta,
            "v_reset": None if spec.reset == "subtract" else 0.0,
            "surrogate_function": _surrogate(spec),
            "detach_reset": spec.detach,
            "step_mode": "m",
        }
        if spec.beta == 1:
            self.node: neuron.BaseNode = neuron.IFNode(**shared)
        else:
            # From beta rounded to float32, by which the other frameworks multiply.
            rate = float(1 - torch.tensor(spec.beta))
            self.node = neuron.LIFNode(tau=1 / rate, decay_input=False, **shared)
        self.weight = nn.Parameter(torch.zeros(n_out, n_in, device=device))
        self.implementation = "torch-reference"
        if not isinstance(shared["surrogate_function"], Scaled):  # it has no fused kernel
            kind = "if" if spec.beta == 1 else "lif"
            choice = functional.neuron_implementation(kind, device)
            self.implementation = str(choice["implementation"])

    def forward(self, inputs: Tensor) -> Tensor:
        """The spikes [T, B, n_out] for `inputs` [T, B, n_in], from rest."""
        self.node.reset()
        spikes: Tensor = self.node(F.linear(inputs, self.weight))
        self.node.reset()
        return spikes


def _surrogate(spec: Neuron) -> nn.Module:
    """One of SpikingJelly's own where possible: a scaled one has no fused kernel."""
    if spec.surrogate == "fast_sigmoid" and spec.slope == 1:
        function: nn.Module = surrogate.SuperSpike(alpha=1.0)
        return function
    return spike_function(spec.surrogate, spec.slope)


@hookimpl
def harness_layer(neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> Layer:
    """The neuron, with either reset and any surrogate gradient."""
    if neuron.compare != ">=":
        raise Unsupported("SpikingJelly spikes where U >= v_threshold, the theta it subtracts")
    if neuron.beta == 0:
        raise Unsupported("beta = 0 is tau = 1, and SpikingJelly's LIFNode takes tau > 1 only")
    return Layer(neuron, n_in, n_out, device)
