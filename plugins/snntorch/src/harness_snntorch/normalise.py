"""The scale of each hidden layer: the activation that a spike in every step stands for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import mul

import torch
from torch import Tensor

from harness_snntorch.network import ConvertibleNet

METHODS = ("none", "model", "data", "percentile")

Batches = Iterable[tuple[Tensor, Tensor]]
"""(inputs [B, ...], targets [B]) of the training set, anew each time it is iterated."""


def layer_scales(
    net: ConvertibleNet, method: str, percentile: float, batches: Batches
) -> list[float]:
    """The scale of each hidden layer, in units of the ReLU network's activation.

    none: 1. model: the largest sum that inputs in [0, 1] could make, layer by layer (Diehl et al.
    2015, algorithm 1). data: the largest activation or weight (algorithm 2). percentile: that
    percentile of the layer's activations, so that a few may saturate and the others fire faster
    (Rueckauer et al. 2017, sec. 2.2.2).
    """
    weights = list(net.weights)[:-1]
    if method == "none":
        return [1.0] * len(weights)
    if method == "model":
        # The algorithm divides each layer by its own largest sum: the scales are their products.
        return list(accumulate((w.clamp(min=0).sum(1).max().item() for w in weights), mul))
    if method == "data":
        peaks = activation_percentiles(net, 100, batches)
        return [max(peak, w.max().item()) for peak, w in zip(peaks, weights, strict=True)]
    return activation_percentiles(net, percentile, batches)


def activation_percentiles(net: ConvertibleNet, percentile: float, batches: Batches) -> list[float]:
    """Each hidden layer's percentile over samples and units, zeros included, by nearest rank.

    Exact, without holding all activations (66 million a layer for MNIST and 1200 units): what is
    not among the largest k of the batches so far cannot be among the largest k of all.
    """
    samples = sum(len(inputs) for inputs, _ in batches)
    sizes = [samples * len(weight) for weight in list(net.weights)[:-1]]
    keep = [size - math.ceil(size * percentile / 100) + 1 for size in sizes]
    largest: list[Tensor | None] = [None] * len(sizes)
    for inputs, _ in batches:
        for i, values in enumerate(net.analog(inputs)[1:-1]):
            seen = largest[i]
            pool = values.flatten() if seen is None else torch.cat([seen, values.flatten()])
            largest[i] = pool.topk(min(keep[i], len(pool)), sorted=False).values
    return [values.min().item() for values in largest if values is not None]


def thresholds(scales: Sequence[float], factor: float) -> list[float]:
    """The threshold of each hidden layer for its trained weights, `factor` s_l / s_(l-1).

    A spike of the layer below is worth s_(l-1); s_0 = 1, for inputs in [0, 1].
    """
    below = [1.0, *scales[:-1]]
    return [factor * scale / previous for scale, previous in zip(scales, below, strict=True)]
