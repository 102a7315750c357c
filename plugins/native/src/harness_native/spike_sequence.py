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
        (membranes,) = ctx.saved_tensors
        p: LIFParameters = ctx.p
        gate = SURROGATES[ctx.surrogate]
        found = membranes.new_empty(membranes.shape)
        d_membrane, d_input = torch.zeros_like(membranes[0]), torch.zeros_like(membranes[0])
        for t in reversed(range(len(found))):
            d_spike = grads[0][t]
            d_membrane *= p.beta
            if not ctx.detach:
                d_spike = torch.add(d_spike, d_membrane, alpha=-p.theta)
            d_membrane.addcmul_(d_spike, gate(membranes[t] - p.theta, ctx.slope))
            d_input = torch.add(d_membrane, d_input, alpha=p.alpha, out=found[t])
        return found, None, None, None, None
