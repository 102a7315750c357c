"""A layer of LIF neurons over a whole sequence, with a surrogate gradient through time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness_native.neurons import LIFParameters, lif
from harness_native.surrogates import SURROGATES


class SpikeSequence(torch.autograd.Function):
    """Spikes and membranes [T, B, N] of `harness_native.neurons.lif`; the spikes are differentiable.

    One node for the whole sequence instead of several a step. Its backward pass is the recursion

        dU[t] = (dS[t] - theta beta dU[t+1]) sigma'(U[t] - theta) + beta dU[t+1]
        dX[t] = dU[t] + alpha dX[t+1]

    in which `detach` leaves out the gradient through the reset, the term -theta beta dU[t+1].
    """

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, p: LIFParameters, surrogate: str, slope: float, detach: bool
    ) -> tuple[Tensor, Tensor]:
        """X [T, B, N] to S and U, both [T, B, N]."""
        spikes, membranes = lif(inputs, p)
        ctx.save_for_backward(membranes)
        ctx.mark_non_differentiable(membranes)
        ctx.p, ctx.surrogate, ctx.slope, ctx.detach = p, surrogate, slope, detach
        return spikes, membranes

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None, None]:
        """dL/dS [T, B, N] to dL/dX [T, B, N]."""
        grad = grads[0]
        (membranes,) = ctx.saved_tensors
        p: LIFParameters = ctx.p
        gates = SURROGATES[ctx.surrogate](membranes - p.theta, ctx.slope)
        found = torch.empty_like(grad)
        d_membrane = d_input = torch.zeros_like(grad[0])
        for t in range(len(grad) - 1, -1, -1):
            carried = p.beta * d_membrane
            d_spike = grad[t] if ctx.detach else torch.add(grad[t], carried, alpha=-p.theta)
            d_membrane = torch.addcmul(carried, d_spike, gates[t])
            d_input = torch.add(d_membrane, d_input, alpha=p.alpha)
            found[t] = d_input
        return found, None, None, None, None
