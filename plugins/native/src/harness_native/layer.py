"""One linear map and one layer of native neurons, for `harness layers`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.plugin import Neuron, Unsupported, hookimpl
from harness.plugin.toolkit.codes import product
from harness_native.neurons import LIFParameters
from harness_native.spike_sequence import SpikeSequence


class Layer(nn.Module):
    """Inputs [T, B, n_in] to spikes [T, B, n_out]; the whole sequence is one node of the graph."""

    def __init__(self, neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> None:
        super().__init__()
        self.neuron = neuron
        self.lif = LIFParameters(alpha=0.0, beta=neuron.beta, theta=neuron.theta)
        self.weight = nn.Parameter(torch.zeros(n_out, n_in, device=device))

    def forward(self, inputs: Tensor) -> Tensor:
        """The spikes [T, B, n_out] for `inputs` [T, B, n_in], from rest."""
        n = self.neuron
        spikes: Tensor = SpikeSequence.apply(
            product(inputs, self.weight), self.lif, n.surrogate, n.slope, n.detach
        )[0]
        return spikes


@hookimpl
def harness_layer(neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> Layer:
    """The textbook neuron, with any surrogate gradient."""
    if neuron.compare != ">=":
        raise Unsupported("the native neuron spikes where U >= theta")
    if neuron.reset != "subtract":
        raise Unsupported("the native neuron resets by subtraction")
    return Layer(neuron, n_in, n_out, device)
