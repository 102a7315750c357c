"""One linear map and one layer of Norse's `LIFBoxCell`, for `harness layers`."""

from __future__ import annotations

import torch
from norse.torch.functional.lif_box import LIFBoxFeedForwardState, LIFBoxParameters
from norse.torch.functional.reset import reset_subtract, reset_value
from norse.torch.module.lif_box import LIFBoxCell
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Neuron, Unsupported, hookimpl

_RESETS = {"subtract": reset_subtract, "zero": reset_value}


class Layer(nn.Module):
    """Inputs [T, B, n_in] to spikes [T, B, n_out].

    Norse integrates v + q (I - v), which is beta v + X for q = 1 - beta and I = X / q. It spikes where
    v > v_th; with the next float32 below theta as v_th this is v >= theta. The reset subtracts theta.
    """

    def __init__(self, neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> None:
        super().__init__()
        theta = torch.tensor(neuron.theta, device=device)
        reset = _RESETS[neuron.reset]

        def after(spikes: Tensor, v: Tensor, value: Tensor, _: Tensor) -> Tensor:
            gate = spikes.detach() if neuron.detach else spikes
            after_reset: Tensor = reset(gate, v, value, theta)
            return after_reset

        # From beta rounded to float32: the decay is then exactly that of the other frameworks.
        self.rate = (1 - torch.tensor(neuron.beta)).to(device)
        self.cell = LIFBoxCell(
            LIFBoxParameters(
                tau_mem_inv=self.rate,
                v_leak=torch.zeros((), device=device),
                v_th=torch.nextafter(theta, -theta) if neuron.compare == ">=" else theta,
                v_reset=torch.zeros((), device=device),
                method="super",
                reset_method=after,
            ),
            dt=1.0,
        )
        self.weight = nn.Parameter(torch.zeros(n_out, n_in, device=device))

    def forward(self, inputs: Tensor) -> Tensor:
        """The spikes [T, B, n_out] for `inputs` [T, B, n_in], from rest: one product, then step by step."""
        currents = F.linear(inputs, self.weight) / self.rate
        state = LIFBoxFeedForwardState(v=torch.zeros_like(currents[0]))
        spikes = []
        for current in currents.unbind(0):
            spike, state = self.cell(current, state)
            spikes.append(spike)
        return torch.stack(spikes)


@hookimpl
def harness_layer(neuron: Neuron, n_in: int, n_out: int, device: torch.device) -> Layer:
    """The neuron with a leak, and the one surrogate gradient that Norse shares with the others."""
    if neuron.beta == 1:
        raise Unsupported(
            "Norse's LIFBoxCell multiplies its input by 1 - beta, which is 0 for beta = 1, and its "
            "IAFCell has no reset by subtraction"
        )
    if neuron.surrogate != "fast_sigmoid" or neuron.slope != 1:
        raise Unsupported(
            "Norse has only the fast sigmoid (`super`) in common, and its slope is always 1"
        )
    q = 1 - torch.tensor(neuron.beta)
    if torch.tensor(neuron.theta) / q * q != neuron.theta:
        raise Unsupported(
            f"Norse's scaling by 1 - beta rounds a current of exactly theta = {neuron.theta:g}"
        )
    return Layer(neuron, n_in, n_out, device)
