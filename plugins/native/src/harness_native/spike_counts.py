"""The network of `harness_native.network` with output neurons that spike; the class that spikes most wins.

The prediction counts spikes over all steps. The window over which a rule learns is a matter of that rule.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.plugin import Evaluation, Layer, Params, Task, hookimpl
from harness_native.network import LayerActivity, RandomFeedback


class SpikeCounts(RandomFeedback):
    """LIF neurons in every layer, the output included."""

    output_spikes = True

    def layers(self, spikes: Tensor) -> list[LayerActivity]:
        """The activity of each layer, the output's last, for input [T, B, ...]."""
        hidden = super().layers(spikes)
        received = hidden[-1].spikes
        emitted, membranes = self.spiking_layer(received, len(hidden))
        return [*hidden, LayerActivity(received, emitted, membranes)]

    def evaluation(self, spikes: Tensor, record: bool) -> Evaluation:
        """The number of spikes of each output neuron [B, C].

        With `record` after each step, [T, B, C], and with the activity of each layer.
        """
        layers = self.layers(spikes)
        output = layers[-1]
        if not record:
            return Evaluation(output.spikes.sum(0))
        last = Layer("output", output.inputs, self.weights[-1], output.spikes)
        return Evaluation(output.spikes.cumsum(0), [*self.recorded(layers[:-1]), last])


def rate_error(rates: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """`rates` [B, C] less the target, which is 1 for the right class and 0 for the others: [B, C].

    `smoothing` is the share of a target that is spread evenly over the classes.
    """
    error = rates - smoothing / rates.shape[-1]
    error[torch.arange(len(targets), device=error.device), targets] -= 1 - smoothing
    return error


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> RandomFeedback:
    """The network that `params.output` names, with its initial weights."""
    network = SpikeCounts if params.output == "spikes" else RandomFeedback
    return network(task, params, device)


@hookimpl
def harness_evaluate(model: RandomFeedback, spikes: Tensor, record: bool) -> Evaluation:
    """The model's prediction, over time with `record`."""
    return model.evaluation(spikes, record)
