"""A ReLU network and a spiking network on the same weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin.toolkit.codes import product
from harness.plugin.toolkit.conversion import ConvertibleNetwork
from harness.plugin.toolkit.variants import rectified
from harness_snntorch.neurons import fire, leaky


class ConvertibleNet(ConvertibleNetwork):
    """Linear layers without biases, used by the ReLU network and by the spiking one.

    The conversion changes only the thresholds: dividing a layer's weights by a factor is the same as
    multiplying its threshold by it. So the trained weights are stored once, and the result of the
    conversion is one number for each layer, in the buffer `threshold` that a `Leaky` has anyway.
    Without biases (as in Diehl et al. 2015) no term of a neuron's sum depends on the scales of the
    layers below. With `output_spikes` the output neurons spike, and their spikes are the scores;
    without, the scores are sums of currents. With `output_relu` the ReLU network's logits pass a ReLU.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        threshold: float = 1.0,
        beta: float = 1.0,
        soft_reset: bool = True,
        initial_membrane: float = 0.5,
        output_spikes: bool = False,
        output_relu: bool = False,
    ) -> None:
        super().__init__(dropout, input_dropout)
        self.initial_membrane = initial_membrane
        self.output_spikes, self.output_relu = output_spikes, output_relu
        self.weights = nn.ParameterList(
            nn.Linear(n_in, n_out, bias=False).weight for n_in, n_out in pairwise(sizes)
        )
        spiking = sizes[1:] if output_spikes else sizes[1:-1]
        self.neurons = nn.ModuleList(leaky(threshold, beta, soft=soft_reset) for _ in spiking)

    @property
    def connections(self) -> Sequence[Tensor]:
        """The weights [n_out, n_in]."""
        return list(self.weights)

    @property
    def biases(self) -> Sequence[None]:
        """There are none."""
        return [None] * len(self.weights)

    def affine_maps(self) -> Iterable[Callable[[Tensor], Tensor]]:
        """The products with the weights, the last one with its ReLU if it has one."""
        *hidden, readout = [partial(F.linear, weight=weight) for weight in self.weights]
        return [*hidden, rectified(readout) if self.output_relu else readout]

    def forward(self, spikes: Tensor) -> list[Tensor]:
        """Hidden layers' spikes [T, B, n] and scores [T, B, C] for input `spikes` [T, B, ...].

        All steps of one layer come before the next layer: without recurrence this is the same as step
        by step, with one product over T*B rows for each layer. A readout that does not spike rounds
        nothing where the ReLU network has no ReLU.
        """
        values = [spikes.flatten(2)]
        for number, weight in enumerate(self.weights):
            current = product(values[-1], weight)
            if number < len(self.neurons):
                current = fire(self.neurons[number], current, self.initial_membrane)
            values.append(current)
        *hidden, output = values[1:]
        return [*hidden, output.cumsum(0)]
