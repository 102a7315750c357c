"""Input codes: the values of an image in [0, 1] as spike trains."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

CODES = ("regular", "poisson")


def encode(inputs: Tensor, code: str, steps: int, max_rate: float, generator: Generator) -> Tensor:
    """Spikes [T, B, N] for `inputs` [B, ...] in [0, 1], at max_rate * x spikes a step.

    `poisson` draws each step by itself. `regular` spikes at equal intervals from a random phase, as
    an integrate-and-fire encoder whose membrane starts anywhere (SpikingJelly's STDP example does
    so): the same mean rates, with a count that is off by less than one spike.
    """
    rates = inputs.flatten(1) * max_rate
    if code == "poisson":
        shape = (steps, *rates.shape)
        draws = torch.rand(shape, generator=generator, device=rates.device, dtype=rates.dtype)
        return (draws < rates).to(rates.dtype)
    phase = torch.rand(rates.shape, generator=generator, device=rates.device, dtype=rates.dtype)
    time = torch.arange(steps + 1, device=rates.device, dtype=rates.dtype).view(-1, 1, 1)
    # Rounding can carry a sum over the next integer and make a 2 of a 1.
    return (time * rates + phase).floor_().diff(dim=0).clamp_(max=1.0)
