"""One linear map and one layer of sinabs's `LIF`, for `harness layers`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Neuron, Unsupported, hookimpl
from harness_sinabs.neurons import lif, run


class Layer(nn.Module):
    """Inputs [T, B, n_in] to spikes [T, B, n_out]."""

    def __init__(self, neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> None:
        super().__init__()
        self.lif = lif(neuron, device)
        self.weight = nn.Parameter(torch.zeros(n_out, n_in, device=device))

    def forward(self, inputs: Tensor) -> Tensor:
        """The spikes [T, B, n_out] for `inputs` [T, B, n_in], from rest; sinabs has the batch first."""
        return run(self.lif, F.linear(inputs.transpose(0, 1), self.weight)).transpose(0, 1)


@hookimpl
def harness_layer(neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> Layer:
    """The neuron, except for a gradient through a reset to zero."""
    if neuron.reset == "zero" and not neuron.detach:
        raise Unsupported("sinabs's reset to zero lets no gradient through")
    return Layer(neuron, n_in, n_out, device)
