"""A ReLU network in stages, with biases and average pooling, and a spiking network on the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import mul

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin.toolkit.converted import ConvertibleStages, once_or_each
from harness.plugin.toolkit.sequential import Stage, affine, through
from harness_snntorch.neurons import fire, leaky


class ConvertibleStagesNet(ConvertibleStages):
    """As `ConvertibleNet`: the conversion changes thresholds, and the trained weights stay as they are.

    Of a layer's current in units of the spikes that it receives, a bias is so much as those spikes are
    worth in units of the ReLU network's activation: `bias_factors` holds for each stage what its bias is
    multiplied by.
    """

    bias_factors: Tensor

    def __init__(
        self,
        stages: Sequence[Stage],
        input_shape: Sequence[int],
        *,
        threshold: float,
        beta: float,
        soft_reset: bool,
        initial_membrane: float,
        output_spikes: bool,
        output_relu: bool,
    ) -> None:
        super().__init__(stages, input_shape)
        self.initial_membrane = initial_membrane
        self.output_spikes, self.output_relu = output_spikes, output_relu
        self.layers = nn.ModuleList(self.connections)
        spiking = self.stages if output_spikes else self.stages[:-1]
        self.neurons = nn.ModuleList(leaky(threshold, beta, soft=soft_reset) for _ in spiking)
        self.register_buffer("bias_factors", torch.ones(len(self.stages)))

    @property
    def weights(self) -> list[Tensor]:
        """The weights [n_out, ...] of each stage."""
        return [stage.connection.weight for stage in self.stages]

    @property
    def biases(self) -> list[Tensor | None]:
        """The bias of each stage."""
        return [stage.connection.bias for stage in self.stages]

    def analog(self, inputs: Tensor) -> list[Tensor]:
        """As for any network in stages; with `output_relu` the logits pass a ReLU too."""
        *values, logits = super().analog(inputs)
        return [*values, F.relu(logits) if self.output_relu else logits]

    def scale_biases(self, thresholds: Sequence[float], rate: float) -> None:
        """Fits the biases to `thresholds`, and to spikes of this `rate` for an input of 1.

        A spike of layer l is worth the product of the thresholds up to l.
        """
        worth = [1.0, *accumulate(thresholds, mul)][: len(self.stages)]
        self.bias_factors.copy_(torch.tensor([rate / each for each in worth]))

    def forward(self, spikes: Tensor) -> list[Tensor]:
        """Hidden layers' spikes [T, B, ...] and scores [T, B, C] for input `spikes` [T, B, N].

        All steps of one layer come before the next layer, as in `ConvertibleNet`.
        """
        values = [self.shaped(spikes)]
        for number, stage in enumerate(self.stages):
            factor = self.bias_factors[number]

            def currents(flat: Tensor, stage: Stage = stage, factor: Tensor = factor) -> Tensor:
                bias = stage.connection.bias
                scaled = None if bias is None else bias * factor
                received = through(stage.before, flat)
                return through(stage.behind, affine(stage.connection, received, scaled))

            current = once_or_each(values[-1], [currents])
            if number < len(self.neurons):
                current = fire(self.neurons[number], current, self.initial_membrane)
            values.append(current)
        *hidden, output = values[1:]
        return [*hidden, output.cumsum(0)]
