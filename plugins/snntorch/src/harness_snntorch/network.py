"""A ReLU network, and its spiking twin on the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin.toolkit.codes import product
from harness_snntorch.neurons import fire, leaky


class ConvertibleNet(nn.Module):
    """Linear layers without bias, used by the ReLU network and by the spiking one alike.

    The conversion lives in the thresholds alone: dividing a layer's weights by a factor is the same
    as multiplying its threshold by it. So the trained weights are stored once, and what was found
    is one number a layer, in the buffer `threshold` that a `Leaky` has anyway. Without biases (as
    in Diehl et al. 2015) no term of a neuron's sum needs the scale of the layers below it.
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
        super().__init__()
        self.dropout, self.input_dropout = dropout, input_dropout
        self.initial_membrane = initial_membrane
        self.weights = nn.ParameterList(
            nn.Linear(n_in, n_out, bias=False).weight for n_in, n_out in pairwise(sizes)
        )
        self.neurons = nn.ModuleList(leaky(threshold, beta, soft=soft_reset) for _ in sizes[1:-1])

    def analog(self, inputs: Tensor) -> list[Tensor]:
        """[B, ...] to the ReLU network's values [B, n]: inputs, each hidden layer's, logits."""
        *hidden, readout = self.weights
        values = [F.dropout(inputs.flatten(1), self.input_dropout, self.training)]
        for weight in hidden:
            value = F.relu(F.linear(values[-1], weight))
            values.append(F.dropout(value, self.dropout, self.training))
        return [*values, F.linear(values[-1], readout)]

    def spiking(self, inputs: Tensor) -> list[Tensor]:
        """[T, B, ...] to the same list over time: inputs, hidden spikes, answers [T, B, C].

        Layer by layer, all steps of one before the next: without recurrence that is the same as
        step by step, and a layer's product is one over T*B rows. The readout never fires: its
        answer after step t is the sum of its currents up to t, so nothing is rounded where the
        ReLU network has no ReLU.
        """
        *hidden, readout = self.weights
        values = [inputs.flatten(2)]
        for weight, neuron in zip(hidden, self.neurons, strict=True):
            values.append(fire(neuron, product(values[-1], weight), self.initial_membrane))
        return [*values, product(values[-1], readout).cumsum(0)]
