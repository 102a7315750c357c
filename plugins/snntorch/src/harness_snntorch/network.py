"""A ReLU network and a spiking network on the same weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin.toolkit.codes import product
from harness.plugin.toolkit.conversion import ConvertibleNetwork
from harness_snntorch.neurons import fire, leaky


class ConvertibleNet(ConvertibleNetwork):
    """Linear layers without biases, used by the ReLU network and by the spiking one.

    The conversion changes only the thresholds: dividing a layer's weights by a factor is the same as
    multiplying its threshold by it. So the trained weights are stored once, and the result of the
    conversion is one number for each layer, in the buffer `threshold` that a `Leaky` has anyway.
    Without biases (as in Diehl et al. 2015) no term of a neuron's sum depends on the scales of the
    layers below.
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
    ) -> None:
        super().__init__(dropout, input_dropout)
        self.initial_membrane = initial_membrane
        self.weights = nn.ParameterList(
            nn.Linear(n_in, n_out, bias=False).weight for n_in, n_out in pairwise(sizes)
        )
        self.neurons = nn.ModuleList(leaky(threshold, beta, soft=soft_reset) for _ in sizes[1:-1])

    @property
    def connections(self) -> Sequence[Tensor]:
        """The weights [n_out, n_in]."""
        return list(self.weights)

    def affine_maps(self) -> Iterable[Callable[[Tensor], Tensor]]:
        """The products with the weights."""
        return [partial(F.linear, weight=weight) for weight in self.weights]

    def forward(self, spikes: Tensor) -> list[Tensor]:
        """Hidden layers' spikes [T, B, n] and scores [T, B, C] for input `spikes` [T, B, ...].

        All steps of one layer come before the next layer: without recurrence this is the same as step
        by step, with one product over T*B rows for each layer. The readout does not spike, so nothing
        is rounded where the ReLU network has no ReLU.
        """
        *hidden, readout = self.weights
        values = [spikes.flatten(2)]
        for weight, neuron in zip(hidden, self.neurons, strict=True):
            values.append(fire(neuron, product(values[-1], weight), self.initial_membrane))
        return [*values[1:], product(values[-1], readout).cumsum(0)]
