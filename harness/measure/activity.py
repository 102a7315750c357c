"""Spikes, sparsity and synaptic operations, counted by the same code for every plugin.

Definitions as in NeuroBench (Yik et al. 2025, "The neurobench framework", Nature Communications 16),
so that the figures compare:

- activation sparsity: zeros / all activations, over layers, time steps and samples;
- fewest operations (ours): the effective ones, with an input that is constant over time counted once,
  because one matrix product is enough; an AC is one floating-point operation, a MAC two;
- modelled energy: the effective operations times the price of one, by the type of the weights; and,
  where an input is constant over time, also with that counted once;
- connection sparsity: zero weights / weights, biases excluded;
- dense synaptic operations: every connection in every step;
- effective synaptic operations: connections whose weight and input are both non-zero. They are
  accumulates (AC) where all of the layer's input lies in {-1, 0, 1}, multiply-accumulates (MAC)
  otherwise. Biases are excluded.

Whether the operations of a layer are ACs or MACs is decided once, from all inputs that it received.
NeuroBench decides for each step of each batch, so the split of a layer with mixed inputs depends on
the batch size there; the sum of the two is the same. Counts are exact integers; NeuroBench's are sums
in the model's own precision: in float32 exact up to 2**24 operations per layer, step and batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from harness.measure.energy import PICOJOULES
from harness.plugin import Layer

NO_LAYERS = "the plugin records no layer"
NO_OUTPUTS = "no recorded layer has outputs"
NO_SPIKES = "no recorded layer emits spikes"

OPERATIONS = ("synops_dense", "synops_ac", "synops_mac", "synops_effective", "fewest_flops")
ENERGY, ENERGY_ONCE = "energy_modelled_nj", "energy_once_nj"
METRICS = (
    *OPERATIONS,
    ENERGY,
    "activation_sparsity",
    "spikes_per_sample",
    "connection_sparsity",
    "input_density",
)

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass
class _Counts:
    name: str
    spiking: bool
    weights: int
    zero_weights: int
    connection: str
    precision: torch.dtype | None
    input_values: int = 0
    input_nonzero: int = 0
    output_values: int = 0
    output_nonzero: int = 0
    dense: int = 0
    effective: int = 0
    fewest: int = 0  # with what is constant over time counted once
    constant: bool = False
    countable: bool = True
    ternary: bool = True  # until an input other than -1, 0, 1 is seen


@dataclass
class ActivityMeter:
    """Adds up the activity of batch after batch; `metrics`, `absent` and `layers` return the results."""

    samples: int = 0
    _counts: dict[str, _Counts] = field(default_factory=dict)

    def add(self, layers: Sequence[Layer], batch: int) -> None:
        """Counts one batch of `batch` samples."""
        self.samples += batch
        for layer in layers:
            if layer.name not in self._counts:
                self._counts[layer.name] = _empty(layer)
            counts = self._counts[layer.name]
            repeats, inputs = _without_repeats(layer.inputs)
            counts.constant = counts.constant or repeats > 1
            active = inputs != 0
            counts.input_values += layer.inputs.numel()
            counts.input_nonzero += repeats * int(active.sum())
            operations = _operations(layer.connection, active)
            if operations is None:
                counts.countable = False
            else:
                counts.dense += repeats * operations[0]
                counts.effective += repeats * operations[1]
                counts.fewest += operations[1]
            counts.ternary = counts.ternary and bool((~active | (inputs.abs() == 1)).all())
            if layer.outputs is not None:
                counts.output_values += layer.outputs.numel()
                counts.output_nonzero += int(layer.outputs.count_nonzero())

    def metrics(self) -> dict[str, float]:
        """The network's metrics; what cannot be computed is in `absent` instead."""
        return _computed(list(self._counts.values()), self.samples)[0]

    def absent(self) -> dict[str, str]:
        """The reason for each metric of `METRICS` that `metrics` does not contain."""
        return _computed(list(self._counts.values()), self.samples)[1]

    def silent(self) -> list[str]:
        """The layers of spiking neurons of which not one spiked."""
        return [
            name
            for name, counts in self._counts.items()
            if counts.spiking and counts.output_values and not counts.output_nonzero
        ]

    def layers(self) -> list[dict[str, Any]]:
        """The same metrics for each layer, in the plugin's order."""
        return [
            {"name": name, **_computed([counts], self.samples)[0]}
            for name, counts in self._counts.items()
        ]


def _empty(layer: Layer) -> _Counts:
    weight = _weight(layer.connection)
    return _Counts(
        name=layer.name,
        spiking=layer.spiking,
        weights=0 if weight is None else weight.numel(),
        zero_weights=0 if weight is None else int((weight == 0).sum()),
        connection=_describe(layer.connection),
        precision=None if weight is None else weight.dtype,
    )


def _computed(layers: list[_Counts], samples: int) -> tuple[dict[str, float], dict[str, str]]:
    """The metrics of `layers` together, and why each of the others cannot be computed."""
    if not layers:
        return {}, dict.fromkeys(METRICS, NO_LAYERS)
    metrics = {"input_density": layers[0].input_nonzero / layers[0].input_values}
    absent: dict[str, str] = {}
    if uncounted := [layer for layer in layers if not layer.countable]:
        first = uncounted[0]
        reason = f"no operations can be counted for {first.connection}, of layer {first.name!r}"
        absent |= dict.fromkeys((*OPERATIONS, ENERGY), reason)
    else:
        metrics["synops_dense"] = sum(layer.dense for layer in layers) / samples
        for name, ternary in (("synops_ac", True), ("synops_mac", False)):
            own = (layer.effective for layer in layers if layer.ternary is ternary)
            metrics[name] = sum(own) / samples
        metrics["synops_effective"] = metrics["synops_ac"] + metrics["synops_mac"]
        flops = sum(layer.fewest * (1 if layer.ternary else 2) for layer in layers)
        metrics["fewest_flops"] = flops / samples
        if unpriced := [layer for layer in layers if layer.precision not in PICOJOULES]:
            first = unpriced[0]
            precision = str(first.precision).removeprefix("torch.")
            absent[ENERGY] = (
                f"no published price of {precision} operations, of layer {first.name!r}"
            )
        else:
            metrics[ENERGY] = sum(_picojoules(layer, layer.effective) for layer in layers)
            metrics[ENERGY] /= 1000 * samples
            if any(layer.constant for layer in layers):
                metrics[ENERGY_ONCE] = sum(_picojoules(layer, layer.fewest) for layer in layers)
                metrics[ENERGY_ONCE] /= 1000 * samples
    if values := sum(layer.output_values for layer in layers):
        nonzero = sum(layer.output_nonzero for layer in layers)
        metrics["activation_sparsity"] = (values - nonzero) / values
    else:
        absent["activation_sparsity"] = NO_OUTPUTS
    if spiking := [layer for layer in layers if layer.spiking and layer.output_values]:
        metrics["spikes_per_sample"] = sum(layer.output_nonzero for layer in spiking) / samples
    else:
        absent["spikes_per_sample"] = NO_SPIKES
    if unweighted := [layer for layer in layers if not layer.weights]:
        first = unweighted[0]
        absent["connection_sparsity"] = (
            f"{first.connection}, of layer {first.name!r}, has no weight"
        )
    else:
        zeros = sum(layer.zero_weights for layer in layers)
        metrics["connection_sparsity"] = zeros / sum(layer.weights for layer in layers)
    return metrics, absent


def _picojoules(layer: _Counts, operations: int) -> float:
    assert layer.precision is not None, "only what has weights has operations"
    mac, ac = PICOJOULES[layer.precision]
    return operations * (ac if layer.ternary else mac)


def _without_repeats(inputs: Tensor) -> tuple[int, Tensor]:
    """The number of repeats and one step of a view expanded over time, so that one step is counted."""
    if inputs.shape[0] > 1 and inputs.stride(0) == 0:
        return inputs.shape[0], inputs[:1]
    return 1, inputs


def _weight(connection: Tensor | nn.Module) -> Tensor | None:
    weight = getattr(connection, "weight", connection)
    return weight.detach() if isinstance(weight, Tensor) else None


def _describe(connection: Tensor | nn.Module) -> str:
    if isinstance(connection, nn.Module):
        return f"a module {type(connection).__name__}"
    return f"a weight of {connection.ndim} dimensions"


def _operations(connection: Tensor | nn.Module, active: Tensor) -> tuple[int, int] | None:
    """Dense and effective operations of one connection for `active` [T, B, ...] (bool) inputs.

    None where the connection is neither a weight [n_out, n_in], a Linear nor a convolution. The
    number of operations is linear in `active`, so steps and samples are summed first: a convolution
    then runs on one image instead of all.
    """
    weight = _weight(connection)
    if weight is None:
        return None
    if isinstance(connection, nn.Linear) or (
        isinstance(connection, Tensor) and connection.ndim == 2
    ):
        rows = active.reshape(-1, weight.shape[1])
        fan_out = (weight != 0).sum(0)
        return rows.shape[0] * weight.numel(), int((rows.sum(0) * fan_out).sum())
    if not isinstance(connection, _CONVOLUTIONS):
        return None
    images = active.reshape(-1, *active.shape[1 - weight.ndim :])
    # On the CPU and in float64 a convolution of integers is exact, with any algorithm.
    once = images.sum(0, keepdim=True).to("cpu", torch.float64)
    used = (weight != 0).to("cpu", torch.float64)
    with torch.no_grad():
        # Not the module's own call: a framework's subclass may expect time as an additional dimension.
        effective = connection._conv_forward(once, used, None).sum()
        dense = connection._conv_forward(torch.ones_like(once), torch.ones_like(used), None).sum()
    return len(images) * round(dense.item()), round(effective.item())
