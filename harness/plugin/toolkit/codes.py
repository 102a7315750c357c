"""Input encodings for plugins: the values of a sample in [0, 1] as currents or spikes over time.

They are shared, so that "Poisson at 0.25" is the same input in every row of a comparison.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Generator, Tensor

from harness.plugin import Params, hookimpl
from harness.plugin.toolkit.draws import poisson_spikes, regular_spikes

CODES = ("rate", "regular", "poisson", "latency")


def encode(
    inputs: Tensor, code: str, steps: int, max_rate: float, generator: Generator | None
) -> Tensor:
    """`inputs` [B, ...] in [0, 1] as [T, B, N] of the same dtype, N the values of one sample.

    - `rate`: the constant current max_rate * x in every step (an expanded view, no copy).
    - `regular`: spikes at equal intervals from a random phase, max_rate * x spikes a step on average
      (`regular_spikes`).
    - `poisson`: a spike in each step with probability max_rate * x (`poisson_spikes`).
    - `latency`: one spike, the earlier the larger the value: 1 spikes in the first step, a value near
      0 in the last, and 0 never (Thorpe, Delorme and Van Rullen 2001, "Spike-based strategies for
      rapid processing"). It does not use `max_rate`.
    """
    values = inputs.flatten(1)
    if code == "rate":
        return (values * max_rate).unsqueeze(0).expand(steps, -1, -1)
    if code == "latency":
        time = torch.arange(steps, device=values.device, dtype=values.dtype).view(-1, 1, 1)
        due = ((1 - values) * (steps - 1)).round()
        return ((time == due) & (values > 0)).to(values.dtype)
    if code == "poisson":
        return poisson_spikes(values * max_rate, steps, generator)
    if code == "regular":
        return regular_spikes(values * max_rate, steps, generator)
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
