"""The scale of each layer of neurons: the activation that a spike in every step represents."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from harness.plugin.toolkit.conversion import Batches
from harness_snntorch.network import ConvertibleNet
from harness_snntorch.stages import ConvertibleStagesNet

Net = ConvertibleNet | ConvertibleStagesNet

METHODS = ("none", "model", "data", "percentile")


def layer_scales(net: Net, method: str, percentile: float, batches: Batches) -> list[float]:
    """The scale of each layer that spikes, in units of the ReLU network's activation.

    none: 1. model: the largest possible sum for inputs in [0, 1], layer by layer (Diehl et al. 2015,
    algorithm 1; where there are biases, with those); the weights of an output that spikes stay as they
    are, so it has the scale of the layer below. data: the largest activation or weight (algorithm 2).
    percentile: this percentile of the layer's activations: a few neurons may saturate, and the others
    have higher rates (Rueckauer et al. 2017, sec. 2.2.2).
    """
    weights = list(net.weights)[: len(net.neurons)]
    if method == "none":
        return [1.0] * len(weights)
    if method == "model":
        # The algorithm divides each layer by its own largest sum, so the scales are products of these.
        sums = largest_sums(net)
        return [*sums[:-1], sums[-2] if len(sums) > 1 else 1.0] if net.output_spikes else sums
    if method == "data":
        peaks = activation_percentiles(net, 100, batches)
        return [max(peak, w.max().item()) for peak, w in zip(peaks, weights, strict=True)]
    return activation_percentiles(net, percentile, batches)


def largest_sums(net: Net) -> list[float]:
    """The largest value that a neuron of each layer that spikes can have, for inputs in [0, 1]."""
    bounds = [1.0]
    for weight, bias in zip(list(net.weights)[: len(net.neurons)], net.biases):
        sums = weight.clamp(min=0).flatten(1).sum(1)
        if bias is None:
            bounds.append(bounds[-1] * sums.max().item())
        else:
            bounds.append((bounds[-1] * sums + bias.clamp(min=0)).max().item())
    return bounds[1:]


def activation_percentiles(net: Net, percentile: float, batches: Batches) -> list[float]:
    """The percentile of each layer that spikes, over samples and units, zeros included, by nearest rank.

    Exact, without storing all activations (66 million in a layer for MNIST and 1200 units): a value
    that is not among the largest k of the batches so far cannot be among the largest k of all.
    """
    samples = sum(len(inputs) for inputs, _ in batches)
    largest: list[Tensor | None] = [None] * len(net.neurons)
    for inputs, _ in batches:
        for i, values in enumerate(net.analog(inputs)[1 : len(largest) + 1]):
            size = samples * values[0].numel()
            keep = size - math.ceil(size * percentile / 100) + 1
            seen = largest[i]
            pool = values.flatten() if seen is None else torch.cat([seen, values.flatten()])
            largest[i] = pool.topk(min(keep, len(pool)), sorted=False).values
    return [values.min().item() for values in largest if values is not None]


def thresholds(scales: Sequence[float], factor: float) -> list[float]:
    """The threshold of each layer l for its trained weights, `factor` s_l / s_(l-1).

    A spike of the layer below represents the activation s_(l-1); s_0 = 1, for inputs in [0, 1].
    """
    below = [1.0, *scales[:-1]]
    return [factor * scale / previous for scale, previous in zip(scales, below, strict=True)]
