"""A ReLU network, and the spiking network to which SpikingJelly converts it, on the same weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise

import torch
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.ann2snn import Converter, RateCodingRecipe
from spikingjelly.activation_based.ann2snn.modules import VoltageScaler
from torch import Tensor, fx, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin.toolkit.codes import is_constant
from harness.plugin.toolkit.conversion import Batches, ConvertibleNetwork


def relu_network(linears: Sequence[nn.Linear]) -> nn.Sequential:
    """The layers with a ReLU between them, in the form that the converter takes."""
    modules: list[nn.Module] = [linears[0]]
    for linear in linears[1:]:
        modules += [nn.ReLU(), linear]
    return nn.Sequential(*modules)


def convert(
    ann: nn.Sequential,
    calibration: Iterable[Tensor],
    mode: str,
    momentum: float,
    initial_membrane: float,
) -> fx.GraphModule:
    """SpikingJelly's conversion of `ann`, from `calibration` inputs [B, n_in]; without any, scales are 1.

    Every ReLU becomes a division by the layer's scale, an integrate-and-fire neuron of threshold 1
    with soft reset, and a multiplication by the scale. A scale is the `mode` ("Max" or a percentile,
    "99.9%") of a batch's activations, averaged over batches by an exponential moving average.
    """
    half = initial_membrane > 0
    recipe = RateCodingRecipe(
        calibration,
        mode=mode,
        momentum=momentum,
        neuron_factory=lambda _: (
            neuron.HalfThresholdIFNode() if half else neuron.IFNode(v_reset=None)
        ),
    )
    converted: fx.GraphModule = Converter(recipe).convert(ann)
    functional.set_step_mode(converted, "m")
    return converted.eval()


def in_order(spiking: fx.GraphModule) -> list[nn.Module]:
    """The modules of a converted network in order of execution."""
    nodes = [node for node in spiking.graph.nodes if node.op == "call_module"]
    return [spiking.get_submodule(str(node.target)) for node in nodes]


class ConvertedNet(ConvertibleNetwork):
    """The converted network, whose linear layers also are those of the ReLU network in training.

    The state is that of SpikingJelly's network: weights, biases, and two scalers for each hidden layer.
    A new one has the same modules with scales of 1, so a trained state can be loaded without another
    conversion.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        dropout: float,
        input_dropout: float,
        mode: str,
        momentum: float,
        initial_membrane: float,
    ) -> None:
        super().__init__(dropout, input_dropout)
        self.conversion = (mode, momentum, initial_membrane)
        ann = relu_network([nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes)])
        self.spiking = convert(ann, [], *self.conversion)

    @property
    def stages(self) -> list[nn.Module]:
        """The modules of the spiking network in order of execution."""
        return in_order(self.spiking)

    @property
    def linears(self) -> list[nn.Linear]:
        """The linear layers, from the input to the readout."""
        return [stage for stage in self.stages if isinstance(stage, nn.Linear)]

    @property
    def connections(self) -> Sequence[nn.Linear]:
        """The linear layers, recorded as receiving the spikes themselves.

        SpikingJelly multiplies a layer's spikes by its scale before the next connection. The scale is
        one number for the whole layer and could be part of the weights that follow, so an operation is
        an accumulate, as it would be on hardware.
        """
        return self.linears

    def affine_maps(self) -> Iterable[Callable[[Tensor], Tensor]]:
        """The linear layers as functions, without the modules' hooks."""
        return [partial(F.linear, weight=each.weight, bias=each.bias) for each in self.linears]

    @torch.no_grad()
    def calibrate(self, batches: Batches) -> list[Tensor]:
        """Converts the ReLU network; returns the scale of each hidden layer, 0-d."""
        plain = []
        for linear in self.linears:
            copy = nn.Linear(linear.in_features, linear.out_features, device=linear.weight.device)
            copy.load_state_dict(linear.state_dict())
            plain.append(copy)
        flat = (inputs.flatten(1) for inputs, _ in batches)
        converted = convert(relu_network(plain), flat, *self.conversion)
        self.spiking.load_state_dict(converted.state_dict())
        scalers = [stage for stage in self.stages if isinstance(stage, VoltageScaler)]
        return [scaler.scale.clone() for scaler in scalers[1::2]]

    def forward(self, spikes: Tensor) -> list[Tensor]:
        """Hidden layers' spikes [T, B, n] and scores [T, B, C] for input `spikes` [T, B, n_in]."""
        functional.reset_net(self.spiking)
        first, *others = self.stages
        value = _once(first, spikes) if is_constant(spikes) else first(spikes)
        hidden = []
        for stage in others:
            value = stage(value)
            if isinstance(stage, neuron.BaseNode):
                hidden.append(value)
        functional.reset_net(self.spiking)
        return [*hidden, value.cumsum(0)]


def _once(linear: nn.Module, inputs: Tensor) -> Tensor:
    """The first layer's current for a constant input, by one product instead of T."""
    current: Tensor = linear(inputs[:1])
    return current.expand(len(inputs), -1, -1)
