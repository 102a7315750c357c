"""A layer of LIF neurons over a whole sequence, with a surrogate gradient through time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness_native.neurons import LIFParameters, lif
from harness_native.surrogates import SURROGATES


class SpikeSequence(torch.autograd.Function):
    """Spikes S and membrane potentials U [T, B, N] of `harness_native.neurons.lif`; S is differentiable.

    The whole sequence is one node of the graph instead of several a step. Its backward pass is

        dU[t] = (dS[t] - theta beta dU[t+1]) sigma'(U[t] - theta) + beta dU[t+1]
        dX[t] = dU[t] + alpha dX[t+1]

    with the surrogate gradient sigma'. With `detach`, the gradient through the reset, the term
    -theta beta dU[t+1], is left out.
    """

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, p: LIFParameters, surrogate: str, slope: float, detach: bool
    ) -> tuple[Tensor, Tensor]:
        """S and U [T, B, N] for the currents X [T, B, N]."""
        spikes, membranes = lif(inputs, p)
        ctx.save_for_backward(membranes)
        ctx.mark_non_differentiable(membranes)
        ctx.set_materialize_grads(False)  # else torch writes a gradient of zeros for the membranes
        ctx.p, ctx.surrogate, ctx.slope, ctx.detach = p, surrogate, slope, detach
        return spikes, membranes

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None, None]:
        """dL/dX [T, B, N] from dL/dS [T, B, N]."""
        (membranes,) = ctx.saved_tensors
        p: LIFParameters = ctx.p
        surrogate = SURROGATES[ctx.surrogate]
        d_inputs = membranes.new_empty(membranes.shape)
        d_membrane, d_input = torch.zeros_like(membranes[0]), torch.zeros_like(membranes[0])
        for t in reversed(range(len(d_inputs))):
            d_spike = grads[0][t]
            d_membrane *= p.beta
            if not ctx.detach:
                d_spike = torch.add(d_spike, d_membrane, alpha=-p.theta)
            d_membrane.addcmul_(d_spike, surrogate(membranes[t] - p.theta, ctx.slope))
            d_input = torch.add(d_membrane, d_input, alpha=p.alpha, out=d_inputs[t])
        return d_inputs, None, None, None, None
