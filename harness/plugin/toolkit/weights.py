"""Layer sizes and initial weights of fully connected networks without biases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from harness.plugin import Params, Task, layer_sizes


def network_sizes(task: Task, params: Params) -> list[int]:
    """The number of inputs, the sizes of `params.hidden`, and the number of classes."""
    return [task.inputs, *layer_sizes(params.hidden), task.classes]


def gaussian_weights(sizes: Sequence[int], gain: float, device: torch.device) -> nn.ParameterList:
    """Weights [n_out, n_in] between layers of these `sizes`, float32, N(0, gain^2 / n_in).

    They are drawn on the CPU, from the first layer to the last, so that they are the same on every
    device.
    """
    return nn.ParameterList(
        gaussian_weight(n_out, n_in, gain, device) for n_in, n_out in pairwise(sizes)
    )


def gaussian_weight(n_out: int, n_in: int, gain: float, device: torch.device) -> nn.Parameter:
    """One weight [n_out, n_in], N(0, gain^2 / n_in), drawn on the CPU."""
    return nn.Parameter((gain * torch.randn(n_out, n_in) / math.sqrt(n_in)).to(device))
