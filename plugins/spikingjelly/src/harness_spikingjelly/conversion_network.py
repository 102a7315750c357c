"""A ReLU network, and the spiking network that SpikingJelly converts it to, on one set of weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.ann2snn import Converter, RateCodingRecipe
from spikingjelly.activation_based.ann2snn.modules import VoltageScaler
from torch import Tensor, fx, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin.toolkit.codes import is_constant

Batches = Iterable[tuple[Tensor, Tensor]]


def relu_network(linears: Sequence[nn.Linear]) -> nn.Sequential:
    """The layers with a ReLU between each two, as the converter wants to see them."""
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
    """SpikingJelly's conversion of `ann`; without `calibration` inputs [B, n_in] all scales are 1.

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


class ConvertedNet(nn.Module):
    """The converted network, whose linear layers also are those of the ReLU network in training.

    The state is that of SpikingJelly's network: weights, biases, and two scalers a hidden layer. Built
    anew it has the same modules with scales of 1, so a trained state needs no conversion to load.
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
        super().__init__()
        self.dropout, self.input_dropout = dropout, input_dropout
        self.conversion = (mode, momentum, initial_membrane)
        ann = relu_network([nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes)])
        self.spiking = convert(ann, [], *self.conversion)

    @property
    def stages(self) -> list[nn.Module]:
        """The modules of the spiking network in order of execution."""
        nodes = [node for node in self.spiking.graph.nodes if node.op == "call_module"]
        return [self.spiking.get_submodule(str(node.target)) for node in nodes]

    @property
    def linears(self) -> list[nn.Linear]:
        """The connections, from the input on."""
        return [stage for stage in self.stages if isinstance(stage, nn.Linear)]

    def analog(self, inputs: Tensor) -> Tensor:
        """The ReLU network's logits [B, C] for `inputs` [B, ...]."""
        value = F.dropout(inputs.flatten(1), self.input_dropout, self.training)
        *hidden, readout = self.linears
        for linear in hidden:
            value = F.dropout(F.relu(_affine(linear, value)), self.dropout, self.training)
        return _affine(readout, value)

    @torch.no_grad()
    def calibrate(self, batches: Batches) -> list[Tensor]:
        """Converts the ReLU network; returns the scale that each hidden layer was given."""
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

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """Of `inputs` [T, B, n_in]: each hidden layer's spikes [T, B, n], and the logits over time.

        The last, [T, B, C], are the readout's currents summed up to each step.
        """
        functional.reset_net(self.spiking)
        first, *others = self.stages
        value = _once(first, inputs) if is_constant(inputs) else first(inputs)
        found = []
        for stage in others:
            value = stage(value)
            if isinstance(stage, neuron.BaseNode):
                found.append(value)
        functional.reset_net(self.spiking)
        return [*found, value.cumsum(0)]


def _affine(linear: nn.Linear, value: Tensor) -> Tensor:
    return F.linear(value, linear.weight, linear.bias)


def _once(linear: nn.Module, inputs: Tensor) -> Tensor:
    """The first layer's current for a constant input: one product instead of T."""
    current: Tensor = linear(inputs[:1])
    return current.expand(len(inputs), -1, -1)
