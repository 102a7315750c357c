"""A ReLU network in stages, with average pooling, and the spiking network that SpikingJelly makes of it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence

import torch
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.ann2snn.modules import VoltageScaler
from torch import Tensor, nn

from harness.plugin.toolkit.codes import is_constant
from harness.plugin.toolkit.conversion import Batches
from harness.plugin.toolkit.converted import ConvertibleStages
from harness.plugin.toolkit.sequential import Connection, Stage
from harness_spikingjelly.conversion_network import convert, in_order

#: `torch.quantile`, by which SpikingJelly finds a percentile, takes no more values than these.
MOST_VALUES = 2**24


def relu_network(stages: Sequence[Stage], connections: Sequence[Connection]) -> nn.Sequential:
    """The network in the form that the converter takes: no dropout, and batch normalisation folded."""
    modules: list[nn.Module] = []
    for number, (stage, connection) in enumerate(zip(stages, connections, strict=True), 1):
        modules += [*stage.before, connection, *stage.behind]
        modules += [nn.ReLU()] if number < len(stages) else []
    return nn.Sequential(*(module for module in modules if not isinstance(module, nn.Dropout)))


class ConvertedStages(ConvertibleStages):
    """As `ConvertedNet`: the converted network, whose connections are those of the ReLU network too."""

    def __init__(
        self,
        stages: Sequence[Stage],
        input_shape: Sequence[int],
        *,
        mode: str,
        momentum: float,
        initial_membrane: float,
    ) -> None:
        conversion = (mode, momentum, initial_membrane)
        given = [stage.connection for stage in stages]
        spiking = convert(relu_network(stages, given), [], *conversion)
        own = [each for each in in_order(spiking) if isinstance(each, (nn.Linear, nn.Conv2d))]
        pairs = zip(stages, own, strict=True)
        super().__init__(
            [dataclasses.replace(stage, connection=each) for stage, each in pairs], input_shape
        )
        self.conversion = conversion
        self.spiking = spiking

    @torch.no_grad()
    def calibrate(self, batches: Batches) -> list[Tensor]:
        """Folds batch normalisation and converts; returns the scale of each hidden layer, 0-d."""
        self.fold()
        plain = [_plain(stage.connection) for stage in self.stages]
        inputs = (
            part
            for inputs, _ in batches
            for part in torch.split(inputs, self._most_samples(inputs))
        )
        converted = convert(relu_network(self.stages, plain), inputs, *self.conversion)
        self.spiking.load_state_dict(converted.state_dict())
        scalers = [each for each in in_order(self.spiking) if isinstance(each, VoltageScaler)]
        return [scaler.scale.clone() for scaler in scalers[1::2]]

    def forward(self, spikes: Tensor) -> list[Tensor]:
        """Hidden layers' spikes [T, B, ...] and scores [T, B, C] for input `spikes` [T, B, N].

        What lies before the first neurons is computed once where the input is constant.
        """
        functional.reset_net(self.spiking)
        constant = is_constant(spikes)
        values = self.shaped(spikes)[:1] if constant else self.shaped(spikes)
        hidden = []
        for module in in_order(self.spiking):
            if constant and isinstance(module, VoltageScaler):
                values, constant = values.expand(len(spikes), *values.shape[1:]), False
            values = module(values)
            if isinstance(module, neuron.BaseNode):
                hidden.append(values)
        functional.reset_net(self.spiking)
        return [*hidden, values.cumsum(0)]

    def _most_samples(self, inputs: Tensor) -> int:
        """How many samples have no more than `MOST_VALUES` values in the largest layer."""
        largest = max(values[0].numel() for values in self.analog(inputs[:1]))
        return max(1, MOST_VALUES // largest)


def _plain(connection: Connection) -> Connection:
    """A copy as torch's own class, which is a leaf to the converter; SpikingJelly's subclass is none."""
    plain = copy.deepcopy(connection)
    plain.__class__ = nn.Linear if isinstance(connection, nn.Linear) else nn.Conv2d
    return plain
