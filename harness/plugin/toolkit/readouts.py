"""What plugins read from a sequence: its mean over a last window of steps, and layers' activity."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def window_mean(values: Tensor, window: int) -> Tensor:
    """The mean of `values` [T, ...] over the last `window` steps."""
    return values[-window:].mean(0)


def windows_over_time(values: Tensor, window: int) -> Tensor:
    """`window_mean` after each of the steps: [T, ...]."""
    return torch.stack([window_mean(values[: t + 1], window) for t in range(len(values))])


def densities(spikes: Sequence[Tensor]) -> dict[str, Tensor]:
    """The fraction of neurons that spike in a step, for each hidden layer's `spikes` [T, B, n]."""
    return {f"density_hidden{number}": layer.mean() for number, layer in enumerate(spikes, 1)}
