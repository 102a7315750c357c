"""A conversion of any network in stages: convolutions, or one of the user's (`model=FILE.py:FUNCTION`).

It is trained with its batch normalisation and dropout, which are folded and left out before the
conversion. Average pooling passes on fractions of a spike, so the connection behind it is recorded as
receiving these, and its accumulates are multiply-accumulates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.errors import UsageError
from harness.plugin import Layer, Params, Task
from harness.plugin.toolkit.codes import is_constant
from harness.plugin.toolkit.conversion import ConvertibleNetwork
from harness.plugin.toolkit.convolution import CONV, image_channels, over_time
from harness.plugin.toolkit.sequential import Stage, affine, check_shapes, fold, stages_of, through
from harness.plugin.toolkit.user_network import load_network


def network_stages(task: Task, params: Params) -> list[Stage] | None:
    """The stages of the network that `params` ask for; None for linear layers of `hidden` neurons.

    UsageError where the user's network cannot be had, or cannot be converted; Unsupported where a task
    has no images for convolutions.
    """
    if params.model:
        network = load_network(params.model)
        try:
            stages = stages_of(network)
            check_shapes(network, task)
        except UsageError as error:
            raise UsageError(f"the network of {params.model} cannot be used: {error}") from None
        return stages
    return stages_of(relu_convolutions(task, params)) if params.network == CONV else None


def relu_convolutions(task: Task, params: Params) -> nn.Sequential:
    """For each of `params.channels` a convolution, ReLU and average pooling over 2 x 2; a linear readout.

    Images keep their size in a convolution. With PyTorch's default initialisation, and with biases.
    """
    layers: list[nn.Module] = [nn.Dropout(params.input_dropout)]
    channels = image_channels(task, params)
    for n_in, n_out in zip((task.input_shape[0], *channels), channels):
        layers.append(nn.Conv2d(n_in, n_out, params.kernel, padding=params.kernel // 2))
        layers += [nn.BatchNorm2d(n_out)] if params.batch_norm else []
        layers += [nn.ReLU(), nn.AvgPool2d(2)]
    height, width = (size >> len(channels) for size in task.input_shape[1:])
    features = channels[-1] * height * width
    readout = nn.Linear(features, task.classes)
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(params.dropout), readout)


class ConvertibleStages(ConvertibleNetwork):
    """A ReLU network in stages. A subclass owns the connections, and runs the spiking network."""

    folded: Tensor

    def __init__(self, stages: Sequence[Stage], input_shape: Sequence[int]) -> None:
        super().__init__(dropout=0.0, input_dropout=0.0)
        self.stages, self.input_shape = tuple(stages), tuple(input_shape)
        self.norms = nn.ModuleList(stage.norm for stage in stages if stage.norm is not None)
        self.dropouts = nn.ModuleList(module for stage in stages for module in stage.dropouts)
        self.register_buffer("folded", torch.zeros((), dtype=torch.bool))

    @property
    def connections(self) -> Sequence[nn.Module]:
        """The convolutions and linear layers."""
        return [stage.connection for stage in self.stages]

    def analog(self, inputs: Tensor) -> list[Tensor]:
        """The inputs, each stage's values after its ReLU [B, ...], and last the logits [B, C]."""
        values = [inputs]
        for number, stage in enumerate(self.stages, 1):
            value = through(stage.before, values[-1])
            value = affine(stage.connection, value, stage.connection.bias)
            if stage.norm is not None and not self.folded:
                value = stage.norm(value)
            value = through(stage.behind, value)
            values.append(F.relu(value) if number < len(self.stages) else value)
        return values

    def fold(self) -> None:
        """Puts batch normalisation into the connections, once."""
        if not self.folded:
            for stage in self.stages:
                fold(stage)
            self.folded.fill_(True)

    def shaped(self, spikes: Tensor) -> Tensor:
        """The encoded `spikes` [T, B, N] in the shape of samples; a view, constant if they are."""
        return spikes.view(*spikes.shape[:2], *self.input_shape)

    def recorded(self, spikes: Tensor, hidden: Sequence[Tensor]) -> list[Layer]:
        """Each connection with what it receives, after pooling."""
        layers = []
        sources = [self.shaped(spikes), *hidden]
        for number, (stage, values, emitted) in enumerate(
            zip(self.stages, sources, [*hidden, None], strict=True), 1
        ):
            kind = "linear" if isinstance(stage.connection, nn.Linear) else "conv"
            received = once_or_each(values, stage.before)
            layers.append(Layer(f"{kind}{number}", received, stage.connection, emitted))
        return layers


def once_or_each(values: Tensor, modules: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
    """`values` [T, B, ...] after `modules`, computed once where they are constant over time."""
    if not modules:
        return values
    if is_constant(values):
        once = through(modules, values[0])
        return once.expand(len(values), *once.shape)
    return over_time(values, lambda flat: through(modules, flat))
