"""A layer of units that emit the excess of their state over a threshold, for a whole sequence.

The unit is that of Chevalier's "Spiking Neural Network with PyTorch where backpropagation engenders
STDP" (2019, github.com/guillaume-chevalier). With input current X, state U and emission O:

    V[t] = decay U[t-1] + X[t]
    O[t] = relu(V[t] - theta)
    U[t] = V[t] - O[t] - penalty = theta - penalty where O[t] > 0, else V[t]

With a `proportional` discharge, which is ours, U[t] = (1 - penalty / theta) V[t] where O[t] > 0. With
penalty = theta the state returns to 0 either way. With a larger penalty it becomes negative and has to
recover first: from -0.5 with the original's values theta = 2 and penalty = 2.5, and from -V / 4 with a
proportional discharge, which takes longer the more the unit emitted.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor


class ReluUnit(NamedTuple):
    """Decay of the state in one step, threshold of the emission, and discharge by an emission."""

    decay: float
    theta: float
    penalty: float
    proportional: bool = True

    @property
    def kept(self) -> float:
        """The factor by which an emission multiplies the state."""
        return 1 - self.penalty / self.theta if self.proportional else 0.0

    @property
    def left(self) -> float:
        """What an emission adds to the state after that."""
        return 0.0 if self.proportional else self.theta - self.penalty


class ReluSequence(torch.autograd.Function):
    """Emissions O and states U, both [T, B, N] and differentiable, of units that start at 0.

    The whole sequence is one node of the graph instead of several a step. The emission is continuous
    in V, so this is the plain gradient, without the jump of U at the threshold. With k[t] = dU[t]/dV[t],
    `kept` where O[t] > 0 and 1 elsewhere, its recursion is

        dV[t] = dO[t] [O[t] > 0] + k[t] (dU[t] + decay dV[t+1]),  dX[t] = dV[t]
    """

    @staticmethod
    def forward(ctx: Any, currents: Tensor, unit: ReluUnit) -> tuple[Tensor, Tensor]:
        """O and U [T, B, N] for the currents X [T, B, N]."""
        # Masks of the values' own dtype, and `lerp` by them, take a fifth of the time of `where` by bools.
        before = torch.empty(currents.shape, dtype=currents.dtype, device=currents.device)
        states, emits = torch.empty_like(before), torch.empty_like(before[0])
        theta, kept = _scalars(currents, unit.theta, unit.kept)
        state = torch.zeros_like(emits)
        for current, v, u in zip(currents.unbind(0), before.unbind(0), states.unbind(0)):
            torch.add(current, state, alpha=unit.decay, out=v)
            torch.gt(v, theta, out=emits)
            state = torch.lerp(v, kept * v + unit.left if unit.left else kept * v, emits, out=u)
        emissions = before.sub_(theta).clamp_(min=0)
        ctx.save_for_backward(emissions)
        ctx.set_materialize_grads(False)
        ctx.unit = unit
        return emissions, states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor, None]:
        """dL/dX [T, B, N] from dL/dO and dL/dU, of which one may be absent."""
        (emissions,) = ctx.saved_tensors
        d_emission, d_state = grads
        unit: ReluUnit = ctx.unit
        emits = torch.gt(emissions, 0, out=torch.empty_like(emissions))
        decay, kept = _scalars(emissions, unit.decay, unit.kept)
        d_currents = torch.empty_like(emissions)
        later = torch.zeros_like(emissions[0])
        for t in range(len(emissions) - 1, -1, -1):
            d_after = decay * later
            if d_state is not None:
                d_after += d_state[t]
            later = torch.lerp(d_after, kept * d_after, emits[t], out=d_currents[t])
            if d_emission is not None:
                later.addcmul_(d_emission[t], emits[t])
        return d_currents, None


def _scalars(like: Tensor, *values: float) -> list[Tensor]:
    """0-d tensors of the dtype of `like`, which cost less than numbers that each operation converts.

    On the CPU: operations on a GPU take them as numbers, without a copy, which a CUDA graph cannot hold.
    """
    return [torch.tensor(value, dtype=like.dtype) for value in values]


def delayed(emissions: Tensor) -> Tensor:
    """`emissions` [T, B, N] one step later: 0 in the first step, and the last one is lost."""
    return torch.cat([torch.zeros_like(emissions[:1]), emissions[:-1]])
