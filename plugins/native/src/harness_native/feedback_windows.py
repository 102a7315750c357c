"""Direct feedback alignment of spiking outputs, from window means instead of traces.

In the last `window` steps, mean over the steps written as < >, with the targets 0 and 1 and without
softmax:

    e      = (<S_out> - target) <sigma'(U_out)>
    dW_out ~ e <S_hidden>^T
    dW_l   ~ (B_l e) <sigma'(U_l)>' <S_{l-1}>^T

so that the surrogate gradient and what a layer received are averaged before they are multiplied, and
synapses and membranes have no part in the rule. < >' is the mean over the last `surrogate_window` steps.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Scalars
from harness.plugin.toolkit.codes import is_constant
from harness.plugin.toolkit.readouts import accuracy, densities, window_mean
from harness_native.spike_counts import SpikeCounts, rate_error


@torch.no_grad()
def train_step(model: SpikeCounts, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update by the rule above, its step taken by the model's optimizer."""
    p = model.params
    layers = model.layers(spikes)
    output = layers[-1]
    rates = window_mean(output.spikes, p.window)
    error = rate_error(rates, targets, p.label_smoothing) / len(targets)
    error *= output.derivative(p.window, model.thetas[-1], model.slope).mean(0)
    for number, layer in enumerate(layers):
        delta = error
        if layer is not output:
            gate = layer.derivative(p.surrogate_window, model.thetas[number], model.slope)
            delta = (error @ model.feedback(number)) * gate.mean(0)
        received = layer.inputs
        mean = received[0] if is_constant(received) else window_mean(received, p.window)
        model.weights[number].grad = delta.T @ mean
    model.optimizer.step()
    return {
        "loss": F.cross_entropy(rates, targets, label_smoothing=p.label_smoothing),
        "accuracy": accuracy(output.spikes.sum(0), targets),
        **densities([layer.spikes for layer in layers[:-1]]),
        "density_output": output.spikes.mean(),
    }
