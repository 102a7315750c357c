"""Stand-ins for the derivative of a spike, as functions of the distance from threshold v = U - theta.

Each peaks at 1 for v = 0 and is narrower the larger `slope` is.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor


def fast_sigmoid(v: Tensor, slope: float) -> Tensor:
    """1 / (1 + slope |v|)^2 (Zenke and Ganguli 2018, "SuperSpike", eq. 5)."""
    return (1 + slope * v.abs()).pow(-2)


def atan(v: Tensor, slope: float) -> Tensor:
    """1 / (1 + (pi slope v / 2)^2) (Fang et al. 2021, "Incorporating learnable membrane time
    constant", sec. 3.4), scaled to peak at 1.
    """
    return 1 / (1 + (0.5 * math.pi * slope * v).square())


def triangular(v: Tensor, slope: float) -> Tensor:
    """max(0, 1 - slope |v|) (Bellec et al. 2018, "Long short-term memory and learning-to-learn in
    networks of spiking neurons", eq. 3).
    """
    return (1 - slope * v.abs()).clamp(min=0)


SURROGATES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "fast_sigmoid": fast_sigmoid,
    "atan": atan,
    "triangular": triangular,
}
