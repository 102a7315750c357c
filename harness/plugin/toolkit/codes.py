"""Input encodings for plugins: the values of a sample in [0, 1] as currents or spikes over time.

They are shared, so that "Poisson at 0.25" is the same input in every row of a comparison.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Generator, Tensor

from harness.plugin import Params, hookimpl

CODES = ("rate", "regular", "poisson", "latency")


def encode(
    inputs: Tensor, code: str, steps: int, max_rate: float, generator: Generator | None
) -> Tensor:
    """`inputs` [B, ...] in [0, 1] as [T, B, N] of the same dtype, N the values of one sample.

    - `rate`: the constant current max_rate * x in every step (an expanded view, no copy).
    - `regular`: spikes at equal intervals from a random phase, max_rate * x spikes a step on average.
      It is an integrate-and-fire encoder with a random initial membrane potential: the mean rates are
      those of `poisson`, and a spike count is off by less than one.
    - `poisson`: a spike in each step with probability max_rate * x.
    - `latency`: one spike, the earlier the larger the value: 1 spikes in the first step, a value near
      0 in the last, and 0 never (Thorpe, Delorme and Van Rullen 2001, "Spike-based strategies for
      rapid processing"). It does not use `max_rate`.
    """
    values = inputs.flatten(1)
    if code == "rate":
        return (values * max_rate).unsqueeze(0).expand(steps, -1, -1)
    time = torch.arange(steps + 1, device=values.device, dtype=values.dtype).view(-1, 1, 1)
    if code == "latency":
        due = ((1 - values) * (steps - 1)).round()
        return ((time[:-1] == due) & (values > 0)).to(values.dtype)
    rates = values * max_rate
    if code == "poisson":
        shape = (steps, *rates.shape)
        draws = torch.rand(shape, generator=generator, device=rates.device, dtype=rates.dtype)
        return (draws < rates).to(rates.dtype)
    if code == "regular":
        phase = torch.rand(rates.shape, generator=generator, device=rates.device, dtype=rates.dtype)
        # Rounding can lift a sum over the next integer, which would make two spikes of one.
        return (time * rates + phase).floor_().diff(dim=0).clamp_(max=1.0)
    raise ValueError(f"no code {code!r}; there is {', '.join(CODES)}")


class Encodes(Protocol):
    """A model whose parameters name an encoding: `code`, `steps` and `max_rate`."""

    params: Params


@hookimpl
def harness_encode(model: Encodes, inputs: Tensor, generator: Generator) -> Tensor:
    """`inputs` [B, ...] in the encoding of the model's parameters, [T, B, N]."""
    p = model.params
    return encode(inputs, p.code, p.steps, p.max_rate, generator)


def is_constant(spikes: Tensor) -> bool:
    """Whether `spikes` [T, B, N] is one step's current, expanded over time."""
    return spikes.shape[0] > 1 and spikes.stride(0) == 0


def product(spikes: Tensor, weight: Tensor) -> Tensor:
    """The currents [T, B, n_out] of `spikes` [T, B, n_in] through `weight` [n_out, n_in].

    A constant input costs one product instead of T.
    """
    if is_constant(spikes):
        return (spikes[0] @ weight.T).expand(spikes.shape[0], -1, -1)
    return spikes @ weight.T
