"""SuperSpike's learning rule as functions of whole sequences, and its learning rate per parameter.

Zenke and Ganguli 2018, "SuperSpike: supervised learning in multilayer spiking neural networks",
Neural Computation 30. With the trace eps * S_j of an input (the membrane potential is the weighted sum
of these), the surrogate gradient sigma', and the double-exponential kernel alpha of the van Rossum
distance:

    e_i[t]       = (alpha * (target_i - S_i))[t]                  error of an output neuron
    lambda_ij[t] = (alpha * (sigma'(U_i) (eps * S_j)))[t]         eligibility of a synapse
    g_ij         = sum over t of e_i[t] lambda_ij[t]
    dw_ij        = r_ij g_ij,  r_ij = r_0 / sqrt(v_ij),  v_ij = max(gamma v_ij, g_ij^2)

Every neuron computes its part forwards in time. alpha is linear, so the sum is the same with the
transposed filter alpha^T applied to the error instead,

    g_ij = sum over t of (alpha^T e_i)[t] sigma'(U_i[t]) (eps * S_j)[t],

one matrix product over (t, sample) instead of a trace for each synapse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from harness.plugin.toolkit.optimizer import cosine
from harness_native.network import outer
from harness_native.neurons import LIFParameters
from harness_native.surrogates import fast_sigmoid


def direction(
    signal: Tensor, membranes: Tensor, inputs: Tensor, lif: LIFParameters, slope: float
) -> Tensor:
    """The sum g [n, n_in] over steps and batch, for a layer that received `inputs` [T, B, n_in].

    `signal` alpha^T e and the potentials `membranes` are [T, B, n]; `slope` is the paper's beta, in
    1/theta.
    """
    partial = fast_sigmoid(membranes - lif.theta, slope / lif.theta)
    return outer(signal * partial, inputs, lif)


def heterosynaptic(error: Tensor, spikes: Tensor, weight: Tensor, decay: float) -> Tensor:
    """The regulariser's part of g: the sum over t of e_i[t]^2 z_i[t]^4 w_ij, [n, n_in].

    z is the trace of the neuron's own `spikes` [T, B, n], which decays by the factor `decay` in a step:
    the weights of neurons with high rates shrink as long as the `error` [T, B, n] is not 0. The caller
    multiplies by the paper's strength rho.
    """
    rate = torch.zeros_like(spikes[0])
    total = torch.zeros_like(spikes[0])
    for emitted, wrong in zip(spikes.unbind(0), error.unbind(0)):
        rate = torch.add(emitted, rate, alpha=decay)
        total.addcmul_(wrong.square(), rate.pow(4))
    return total.sum(0)[:, None] * weight


class RMaxProp:
    """Updates r_0 g / sqrt(v), v = max(gamma v, g^2); r_0 is constant or falls to 0 as a cosine.

    `cosine_over` is the number of updates over which it falls, 0 for a constant rate.
    """

    def __init__(
        self, parameters: Iterable[Tensor], rate: float, gamma: float, *, cosine_over: int = 0
    ) -> None:
        self.parameters = list(parameters)
        self.peak_rate, self.gamma, self.cosine_over = rate, gamma, cosine_over
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.updates = 0

    @property
    def rate(self) -> float:
        """r_0 of the next update."""
        return cosine(self.peak_rate, self.updates, self.cosine_over)

    def state_dict(self) -> dict[str, Any]:
        """The number of updates, and v of each parameter."""
        return {"updates": self.updates, "squares": self.squares}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes over what `state_dict` returned."""
        self.updates = state_dict["updates"]
        for square, kept in zip(self.squares, state_dict["squares"], strict=True):
            square.copy_(kept)

    @torch.no_grad()
    def step(self, directions: Iterable[Tensor]) -> None:
        """One update along `directions` g, one for each parameter and of its shape."""
        for parameter, square, g in zip(self.parameters, self.squares, directions, strict=True):
            torch.maximum(square.mul_(self.gamma), g.square(), out=square)
            # Where there was no error yet, g and v are 0, and so is the update.
            parameter.addcdiv_(g, square.sqrt().clamp_(min=1e-12), value=self.rate)
        self.updates += 1
