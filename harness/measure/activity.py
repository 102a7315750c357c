"""Spikes, sparsity and synaptic operations, counted by one code for every plugin.

Definitions as in NeuroBench (Yik et al. 2025, "The neurobench framework", Nature Communications 16),
so that the figures compare:

- activation sparsity: zeros / all activations, over layers, time steps and samples;
- dense synaptic operations: every connection in every step;
- effective synaptic operations: connections whose weight and input are both non-zero. They are
  accumulates (AC) where all of the layer's input lies in {-1, 0, 1}, multiply-accumulates (MAC)
  otherwise. Biases are excluded.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from harness.contract import Layer


@dataclass
class _Counts:
    spiking: bool
    input_values: int = 0
    input_nonzero: int = 0
    output_values: int = 0
    output_nonzero: int = 0
    dense: int = 0
    effective: int = 0
    ternary: bool = True  # until an input other than -1, 0, 1 is seen


@dataclass
class ActivityMeter:
    """Adds up the activity of batch after batch; `metrics` and `layers` read it out."""

    samples: int = 0
    _counts: dict[str, _Counts] = field(default_factory=dict)

    def add(self, layers: Sequence[Layer], batch: int) -> None:
        """Counts one batch of `batch` samples."""
        self.samples += batch
        for layer in layers:
            counts = self._counts.setdefault(layer.name, _Counts(layer.spiking))
            repeats, inputs = _without_repeats(layer.inputs)
            active = inputs != 0
            counts.input_values += layer.inputs.numel()
            counts.input_nonzero += repeats * int(active.sum())
            dense, effective = _operations(layer.connection, active)
            counts.dense += repeats * dense
            counts.effective += repeats * effective
            counts.ternary = counts.ternary and bool((~active | (inputs.abs() == 1)).all())
            if layer.outputs is not None:
                counts.output_values += layer.outputs.numel()
                counts.output_nonzero += int(layer.outputs.count_nonzero())

    def metrics(self) -> dict[str, float]:
        """The network's metrics; what no layer allows to compute is absent."""
        if not self._counts or not self.samples:
            return {}
        every = list(self._counts.values())
        found = _per_sample(every, self.samples)
        first = every[0]
        found["input_density"] = first.input_nonzero / first.input_values
        return found

    def layers(self) -> list[dict[str, Any]]:
        """The same metrics for each layer, in the plugin's order."""
        return [
            {
                "name": name,
                **_per_sample([counts], self.samples),
                "input_density": counts.input_nonzero / counts.input_values,
            }
            for name, counts in self._counts.items()
        ]


def _per_sample(layers: list[_Counts], samples: int) -> dict[str, float]:
    found: dict[str, float] = {
        "synops_dense": sum(layer.dense for layer in layers) / samples,
        "synops_ac": sum(layer.effective for layer in layers if layer.ternary) / samples,
        "synops_mac": sum(layer.effective for layer in layers if not layer.ternary) / samples,
    }
    values = sum(layer.output_values for layer in layers)
    if values:
        found["activation_sparsity"] = 1 - sum(layer.output_nonzero for layer in layers) / values
    spiking = [layer for layer in layers if layer.spiking and layer.output_values]
    if spiking:
        found["spikes_per_sample"] = sum(layer.output_nonzero for layer in spiking) / samples
    return found


def _without_repeats(inputs: Tensor) -> tuple[int, Tensor]:
    """A view expanded over time as one step and its number of repeats: the same count, T times less."""
    if inputs.shape[0] > 1 and inputs.stride(0) == 0:
        return inputs.shape[0], inputs[:1]
    return 1, inputs


def _operations(connection: Tensor | nn.Module, active: Tensor) -> tuple[int, int]:
    """Dense and effective operations of one connection for `active` [T, B, ...] (bool) inputs."""
    weight = connection.weight if isinstance(connection, nn.Module) else connection
    assert isinstance(weight, Tensor)
    if isinstance(connection, (Tensor, nn.Linear)):
        rows = active.reshape(-1, weight.shape[1])
        fan_out = (weight != 0).sum(0)
        dense = rows.shape[0] * weight.numel()
        return dense, int((rows.sum(0) * fan_out).sum())
    counter = copy.deepcopy(connection).to(torch.float64)
    counter.register_parameter("bias", None)
    ones = active.flatten(0, 1).to(torch.float64)
    with torch.no_grad():
        assert isinstance(counter.weight, Tensor)
        counter.weight.copy_(weight != 0)
        effective = int(counter(ones).sum())
        counter.weight.fill_(1)
        dense = int(counter(torch.ones_like(ones)).sum())
    return dense, effective
