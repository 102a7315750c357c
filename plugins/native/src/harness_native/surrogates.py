"""Surrogate gradients of a spike, as functions of the distance from the threshold v = U - theta.

Each has its maximum 1 at v = 0, and is narrower the larger `slope` is.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor


def fast_sigmoid(v: Tensor, slope: float) -> Tensor:
    """1 / (1 + slope |v|)^2 (Zenke and Ganguli 2018, "SuperSpike", eq. 5)."""
    return v.abs().mul_(slope).add_(1).square_().reciprocal_()


def atan(v: Tensor, slope: float) -> Tensor:
    """1 / (1 + (pi slope v / 2)^2) (Fang et al. 2021, "Incorporating learnable membrane time
    constant", sec. 3.4), scaled to peak at 1.
    """
    return v.mul(0.5 * math.pi * slope).square_().add_(1).reciprocal_()


def triangular(v: Tensor, slope: float) -> Tensor:
    """max(0, 1 - slope |v|) (Bellec et al. 2018, "Long short-term memory and learning-to-learn in
    networks of spiking neurons", eq. 3).
    """
    return v.abs().mul_(-slope).add_(1).clamp_(min=0)


SURROGATES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "fast_sigmoid": fast_sigmoid,
    "atan": atan,
    "triangular": triangular,
}
