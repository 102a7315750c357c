"""One step of a layer of LIF neurons, with a surrogate gradient: for currents that depend on its spikes."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from harness_native.neurons import LIFParameters
from harness_native.surrogates import SURROGATES


class SpikeState(NamedTuple):
    """Synaptic current, and membrane potential after the reset, each [B, N]."""

    current: Tensor
    after_reset: Tensor


def spike_step(
    inputs: Tensor,
    state: SpikeState | None,
    p: LIFParameters,
    surrogate: str,
    slope: float,
    detach: bool,
) -> tuple[Tensor, SpikeState]:
    """Spikes S[t] and the state for the next step, for `inputs` X[t] [B, N]; without `state` from rest.

    The same bits as `harness_native.neurons.lif`, and differentiable in the inputs and the state.
    """
    if state is None:
        zeros = torch.zeros_like(inputs)
        state = SpikeState(zeros, zeros)
    current = torch.add(inputs, state.current, alpha=p.alpha) if p.alpha else inputs
    spikes, after_reset = _Step.apply(current, state.after_reset, p, surrogate, slope, detach)
    return spikes, SpikeState(current, after_reset)


class _Step(torch.autograd.Function):
    """S[t] and the membrane potential after the reset R[t], from the current I[t] and R[t-1].

        U[t] = beta R[t-1] + I[t],  R[t] = U[t] - theta S[t]

    One node of the graph instead of several. Its backward pass is, with the surrogate gradient sigma',

        dU[t] = dR[t] + (dS[t] - theta dR[t]) sigma'(U[t] - theta),  dI[t] = dU[t],  dR[t-1] = beta dU[t]

    With `detach`, the term -theta dR[t] is left out.
    """

    @staticmethod
    def forward(
        ctx: Any,
        current: Tensor,
        after_reset: Tensor,
        p: LIFParameters,
        surrogate: str,
        slope: float,
        detach: bool,
    ) -> tuple[Tensor, Tensor]:
        membrane = torch.add(current, after_reset, alpha=p.beta)
        spikes = (membrane >= p.theta).to(membrane.dtype)
        ctx.save_for_backward(membrane)
        ctx.p, ctx.surrogate, ctx.slope, ctx.detach = p, surrogate, slope, detach
        return spikes, torch.add(membrane, spikes, alpha=-p.theta)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (membrane,) = ctx.saved_tensors
        p: LIFParameters = ctx.p
        d_spikes, d_after_reset = grads
        if not ctx.detach:
            d_spikes = torch.add(d_spikes, d_after_reset, alpha=-p.theta)
        slopes = SURROGATES[ctx.surrogate](membrane - p.theta, ctx.slope)
        d_membrane = torch.addcmul(d_after_reset, d_spikes, slopes)
        return d_membrane, p.beta * d_membrane, None, None, None, None
