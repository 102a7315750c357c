"""A layer of units that emit what they have in excess of a threshold, over a whole sequence.

The unit is that of Chevalier's "Spiking Neural Network with PyTorch where backpropagation engenders
STDP" (2019, github.com/guillaume-chevalier). With input current X, inner state U and emission O:

    V[t] = decay U[t-1] + X[t]
    O[t] = relu(V[t] - theta)
    U[t] = (1 - penalty / theta) V[t] where O[t] > 0, else V[t]

A unit that emits is discharged in proportion to its state. With penalty = theta it would return to
0; what the penalty exceeds theta by takes it below, to (1 - 2.5 / 2) V = -V / 4 in the source's
setting, from where it first has to recover: the longer, the more it emitted.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor


class ReluUnit(NamedTuple):
    """Decay of the state in one step, threshold of the emission, and what an emission costs."""

    decay: float
    theta: float
    penalty: float

    @property
    def kept(self) -> float:
        """The factor that an emission leaves of the state."""
        return 1 - self.penalty / self.theta


class ReluSequence(torch.autograd.Function):
    """Emissions O and states U, both [T, B, N] and differentiable, of units that start at 0.

    One node for the whole sequence instead of several a step. The emission is continuous in V, so
    this is the plain gradient, in which only the jump of U at the threshold has no part; with
    k[t] = 1 - penalty / theta where O[t] > 0 and 1 elsewhere, its recursion is

        dV[t] = dO[t] [O[t] > 0] + k[t] (dU[t] + decay dV[t+1]),  dX[t] = dV[t]
    """

    @staticmethod
    def forward(ctx: Any, currents: Tensor, unit: ReluUnit) -> tuple[Tensor, Tensor]:
        """X [T, B, N] to O and U."""
        emissions = torch.empty(currents.shape, dtype=currents.dtype, device=currents.device)
        states = torch.empty_like(emissions)
        state = torch.zeros_like(emissions[0])
        for t, current in enumerate(currents.unbind(0)):
            before = torch.add(current, state, alpha=unit.decay)
            torch.sub(before, unit.theta, out=emissions[t]).clamp_(min=0)
            state = torch.where(emissions[t] > 0, unit.kept * before, before)
            states[t] = state
        ctx.save_for_backward(emissions)
        ctx.set_materialize_grads(False)
        ctx.unit = unit
        return emissions, states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor, None]:
        """dL/dO and dL/dU, either of which may be absent, to dL/dX."""
        (emissions,) = ctx.saved_tensors
        d_emission, d_state = grads
        unit: ReluUnit = ctx.unit
        found = torch.empty_like(emissions)
        later = torch.zeros_like(emissions[0])
        for t in range(len(emissions) - 1, -1, -1):
            emits = emissions[t] > 0
            d_after = unit.decay * later
            if d_state is not None:
                d_after += d_state[t]
            later = torch.where(emits, unit.kept * d_after, d_after)
            if d_emission is not None:
                later.addcmul_(d_emission[t], emits)
            found[t] = later
        return found, None


def delayed(emissions: Tensor) -> Tensor:
    """`emissions` [T, B, N] as they arrive: one step later, nothing in the first."""
    return torch.cat([torch.zeros_like(emissions[:1]), emissions[:-1]])
