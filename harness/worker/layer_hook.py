"""The hook `harness_layer` of one plugin, its module and its spikes checked."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.errors import InvalidOutput
from harness.plugin import Neuron
from harness.subjects import PluginLocation
from harness.worker import settings
from harness.worker.loading import LoadedPlugin


class LayerHook(LoadedPlugin):
    """A framework's Linear and LIF neurons."""

    def __init__(self, location: PluginLocation) -> None:
        super().__init__(location)
        settings.pin_again()  # a library that was imported may have changed them
        if self.lacks("harness_layer"):
            raise InvalidOutput(f"{self.name} does not implement harness_layer")

    def build(self, neuron: Neuron, weight: Tensor, device: torch.device) -> nn.Module:
        """The layer with `weight` [n_out, n_in] in it."""
        self.current = "harness_layer"
        n_out, n_in = weight.shape
        layer = self.hook.harness_layer(neuron=neuron, n_in=n_in, n_out=n_out, device=device)
        settings.pin_again()
        if not isinstance(layer, nn.Module):
            raise InvalidOutput(f"harness_layer returned {type(layer).__name__}, not a module")
        own = getattr(layer, "weight", None)
        if not isinstance(own, nn.Parameter) or own.shape != (n_out, n_in):
            raise InvalidOutput(
                f"harness_layer: the module needs a parameter `weight` of shape ({n_out}, {n_in}), "
                "which the host fills"
            )
        if own.device.type != device.type or own.dtype != torch.float32:
            raise InvalidOutput(
                f"harness_layer: the weight is {own.dtype} on {own.device}, not float32 on {device}"
            )
        with torch.no_grad():
            own.copy_(weight)
        return layer

    def call(self, layer: nn.Module, inputs: Tensor) -> Tensor:
        """The spikes [T, B, n_out] of `inputs` [T, B, n_in], which must be 0 or 1."""
        self.current = "harness_layer"
        spikes = layer(inputs)
        wanted = (*inputs.shape[:2], layer.get_parameter("weight").shape[0])
        if not isinstance(spikes, Tensor) or spikes.shape != wanted:
            shape = tuple(spikes.shape) if isinstance(spikes, Tensor) else type(spikes).__name__
            raise InvalidOutput(f"the layer of harness_layer returned {shape}, not {wanted}")
        if not ((spikes == 0) | (spikes == 1)).all():
            raise InvalidOutput("the layer of harness_layer returned values other than 0 and 1")
        if not spikes.requires_grad:
            raise InvalidOutput("the spikes of the layer of harness_layer have no gradient")
        self.current = ""
        return spikes
