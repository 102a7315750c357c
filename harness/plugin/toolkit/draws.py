"""Random spikes for encodings, drawn where a rate is not 0: most pixels of an image are black.

For a batch on the CPU, 64 random bits are shared out over four draws of 16 bits, so that a probability
is a multiple of 1/65536 (a rate above 0 is at least one such part, a rate of 1 is exact). For a few
samples, and on other devices, where choosing the inputs would cost more than it saves, every input
draws a float in every step: a probability is then a multiple of 2^-24.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor

#: Draws of 16 bits lie in [-32768, 32767].
_LEVELS, _LOWEST, _HIGHEST = 65536, -32768, 32767
#: Fewer spikes than these [T * B * N] are drawn for all inputs alike.
_FEW = 2**15
#: With a larger share of rates above 0, nothing is gained by choosing them for regular spikes.
_LARGEST_SHARE = 0.3
#: With a smaller share of spikes, each is put into its place by itself.
_SPARSE = 0.25


def poisson_spikes(rates: Tensor, steps: int, generator: Generator | None) -> Tensor:
    """Spikes [T, B, N] (0 or 1): in each step with probability `rates` [B, N], each by itself.

    The Bernoulli approximation of a Poisson process, with at most one spike a step.
    """
    if rates.device.type != "cpu" or steps * rates.numel() < _FEW:
        draws = torch.rand(
            (steps, *rates.shape), generator=generator, device=rates.device, dtype=rates.dtype
        )
        return (draws < rates).to(rates.dtype)
    active, active_rates = _active(rates)
    highest = (active_rates * _LEVELS).round_().add_(_LOWEST - 1).clamp_(_LOWEST, _HIGHEST)
    draws = _draws_of_16_bits(steps * len(active), generator).view(steps, -1)
    return _placed(draws <= highest.to(torch.int16), active, rates)


def regular_spikes(rates: Tensor, steps: int, generator: Generator | None) -> Tensor:
    """Spikes [T, B, N] (0 or 1) at equal intervals from a random phase: `rates` [B, N] a step on average.

    An integrate-and-fire encoder with a random initial membrane potential: the mean rates are those of
    `poisson_spikes`, and a spike count is off by less than one.
    """
    time = torch.arange(steps + 1, device=rates.device, dtype=rates.dtype)
    if (
        rates.device.type == "cpu"
        and steps * rates.numel() >= _FEW
        and rates.count_nonzero() <= _LARGEST_SHARE * rates.numel()
    ):
        active, active_rates = _active(rates)
        phase = torch.rand(len(active), generator=generator, dtype=rates.dtype)
        return _placed(_crossings(torch.outer(time, active_rates).add_(phase)), active, rates)
    phase = torch.rand(rates.shape, generator=generator, device=rates.device, dtype=rates.dtype)
    return _crossings(time.view(-1, 1, 1) * rates + phase)


def _crossings(potential: Tensor) -> Tensor:
    """1 in each step [T, ...] in which `potential` [T + 1, ...] passes an integer."""
    # Rounding can lift a sum over the next integer, which would make two spikes of one.
    return potential.floor_().diff(dim=0).clamp_(max=1.0)


def _active(rates: Tensor) -> tuple[Tensor, Tensor]:
    """The places of the rates that are not 0, in the flattened batch, and these rates."""
    flat = rates.flatten()
    places = torch.from_numpy(np.flatnonzero(flat.numpy()))
    return places, flat[places]


def _placed(spikes: Tensor, places: Tensor, rates: Tensor) -> Tensor:
    """`spikes` [T, n] at their `places` in [T, B, N], 0 elsewhere."""
    steps, inputs = len(spikes), rates.numel()
    if len(places) == inputs:
        return spikes.to(rates.dtype).view(steps, *rates.shape)
    result = torch.zeros(steps, inputs, dtype=rates.dtype)
    if spikes.dtype == torch.bool and spikes.count_nonzero() <= _SPARSE * spikes.numel():
        step, place = np.divmod(np.flatnonzero(spikes.numpy()), len(places))
        result.view(-1).numpy()[step * inputs + places.numpy()[place]] = 1
    else:
        result.index_copy_(1, places, spikes.to(rates.dtype))
    return result.view(steps, *rates.shape)


def _draws_of_16_bits(count: int, generator: Generator | None) -> Tensor:
    """`count` independent integers, uniform over all values of an int16."""
    words = torch.empty(-(-count // 4), dtype=torch.int64)
    return words.random_(-(2**63), None, generator=generator).view(torch.int16)[:count]
