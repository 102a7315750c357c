"""One linear map and one layer of snnTorch's `Leaky`, for `harness layers`."""

from __future__ import annotations

import snntorch
import torch
from snntorch import SpikingNeuron
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Neuron, Unsupported, hookimpl
from harness_snntorch.bptt import spike_function


class Layer(nn.Module):
    """Inputs [T, B, n_in] to spikes [T, B, n_out].

    `Leaky` compares U > threshold; with the next float32 below theta as the threshold this is
    U >= theta. Its own reset subtracts theta one step late and undecayed, so it only integrates and the
    reset is done here.
    """

    def __init__(self, neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> None:
        super().__init__()
        self.neuron = neuron
        theta = torch.tensor(neuron.theta)
        self.leaky = snntorch.Leaky(
            beta=neuron.beta,
            threshold=torch.nextafter(theta, -theta) if neuron.compare == ">=" else theta,
            spike_grad=spike_function(neuron.surrogate, neuron.slope),
            reset_mechanism="none",
        ).to(device)
        # The class keeps a list of all its instances, which would keep each layer alive.
        SpikingNeuron.instances.remove(self.leaky)
        self.weight = nn.Parameter(torch.zeros(n_out, n_in, device=device))

    def forward(self, inputs: Tensor) -> Tensor:
        """The spikes [T, B, n_out] for `inputs` [T, B, n_in], from rest: one product, then step by step."""
        currents = F.linear(inputs, self.weight)
        membrane = torch.zeros_like(currents[0])
        spikes = []
        for current in currents.unbind(0):
            spike, membrane = self.leaky(current, membrane)
            membrane = self._reset(membrane, spike.detach() if self.neuron.detach else spike)
            spikes.append(spike)
        self.leaky.mem = currents.new_empty(0)  # it would keep the graph alive
        return torch.stack(spikes)

    def _reset(self, membrane: Tensor, spike: Tensor) -> Tensor:
        if self.neuron.reset == "zero":
            return membrane * (1 - spike)
        return membrane - self.neuron.theta * spike


@hookimpl
def harness_layer(neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> Layer:
    """The neuron, with the surrogate gradients that snnTorch has too."""
    if neuron.surrogate == "triangular":
        raise Unsupported("snnTorch's triangular surrogate gradient is a different function")
    return Layer(neuron, n_in, n_out, device)
