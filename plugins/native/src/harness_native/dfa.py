"""`native-dfa`: direct feedback alignment of spiking neurons, without backpropagation.

Each hidden layer receives the output's error through a fixed random matrix B of its own (Nokland
2016, "Direct feedback alignment provides learning in deep neural networks", eq. 7). It is multiplied
by the surrogate gradient sigma' of the layer's membrane potential U and by the trace P of its input, as
in event-driven random backpropagation (Neftci, Augustine, Paul and Detorakis 2017):

    y   = softmax(mean of W_out P[t] over the last `window` steps)
    e   = y - target
    dW_out ~ e (mean of P_hidden[t])^T
    dW_l   ~ mean over the window of (B_l e * sigma'(U_l[t])) P_{l-1}[t]^T

The readout is a leaky integrator. It is linear, so the traces are averaged first and multiplied once.
The trace of a constant current is the image times one scalar in each step, so the first layer costs
one matrix product in each direction instead of T.

With output=spikes, as in the presets `source*`, the rule is that of `harness_native.feedback_windows`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Presets, Scalars, hookimpl
from harness.plugin.toolkit.codes import harness_encode
from harness.plugin.toolkit.readouts import accuracy, densities, window_mean
from harness.plugin.toolkit.training_state import harness_training_state
from harness_native import feedback_windows
from harness_native.dfa_presets import PRESETS
from harness_native.network import RandomFeedback, outer, output_error
from harness_native.neurons import trace
from harness_native.spike_counts import SpikeCounts, harness_build_model, harness_evaluate

__all__ = [
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_presets",
    "harness_train_step",
    "harness_training_state",
]


@hookimpl
def harness_presets() -> Presets:
    """The parameters and presets; `source*` are the settings of the original experiment."""
    return PRESETS


@hookimpl
def harness_train_step(model: RandomFeedback, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update by the rule above, its step taken by Adam."""
    if isinstance(model, SpikeCounts):
        return feedback_windows.train_step(model, spikes, targets)
    p = model.params
    with torch.no_grad():
        layers = model.layers(spikes)
        readout = window_mean(trace(layers[-1].spikes, model.lif), p.window)
        scores = readout @ model.weights[-1].T
        error = output_error(scores, targets, p.label_smoothing) / len(targets)
        model.weights[-1].grad = error.T @ readout
        for number, layer in enumerate(layers):
            gate = layer.derivative(p.window, model.thetas[number], model.slope)
            delta = (error @ model.feedback(number)) * gate
            model.weights[number].grad = outer(delta, layer.inputs, model.lif) / len(gate)
        model.optimizer.step()
        return {
            "loss": F.cross_entropy(scores, targets, label_smoothing=p.label_smoothing),
            "accuracy": accuracy(scores, targets),
            **densities([layer.spikes for layer in layers]),
        }
