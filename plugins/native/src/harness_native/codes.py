"""Input codes: an image in [0, 1] as currents or spikes over time."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

CODES = ("rate", "poisson")


def encode(inputs: Tensor, code: str, steps: int, max_rate: float, generator: Generator) -> Tensor:
    """`inputs` [B, ...] in [0, 1] as [T, B, N].

    `rate` is the constant current max_rate * x in every step (an expanded view, no copy): the mean
    of `poisson`, in which a step holds a spike with probability max_rate * x.
    """
    flat = inputs.flatten(1).unsqueeze(0) * max_rate
    if code == "rate":
        return flat.expand(steps, -1, -1)
    draws = torch.rand(
        (steps, *flat.shape[1:]), generator=generator, device=flat.device, dtype=flat.dtype
    )
    return (draws < flat).to(flat.dtype)


def is_constant(spikes: Tensor) -> bool:
    """Whether `spikes` [T, B, N] is one step's current, expanded over time."""
    return spikes.shape[0] > 1 and spikes.stride(0) == 0
