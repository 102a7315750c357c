"""What plugins read from a sequence: its mean over the last steps, the accuracy, the activity."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def window_mean(values: Tensor, window: int) -> Tensor:
    """The mean of `values` [T, ...] over the last `window` steps: [...]."""
    return values[-window:].mean(0)


def windows_over_time(values: Tensor, window: int) -> Tensor:
    """`window_mean` after each of the steps, over those there are so far: [T, ...]."""
    return torch.stack([window_mean(values[: t + 1], window) for t in range(len(values))])


def accuracy(scores: Tensor, targets: Tensor) -> Tensor:
    """The fraction of samples whose highest of `scores` [B, C] is that of `targets` [B]; 0-d."""
    return (scores.argmax(-1) == targets).float().mean()


def densities(spikes: Sequence[Tensor]) -> dict[str, Tensor]:
    """The fraction of neurons that spike in a step, for each hidden layer's `spikes` [T, B, n]."""
    return {f"density_hidden{number}": layer.mean() for number, layer in enumerate(spikes, 1)}
