"""Eligibility traces of spiking outputs: one exponential a synapse, multiplied once with the error.

With the mean spikes of the last `window` steps, the targets 0 and 1 and no softmax,

    e      = <S_out> - target
    E_l[t] = gamma E_l[t-1] + sigma'(R_l[t]) X_l[t]^T
    dW_out ~ e E_out[T],  dW_l ~ (B_l e) E_l[T]

where X_l are a layer's inputs as they come, gamma is `trace_decay`, and R_l is the membrane potential
after a spike has subtracted the threshold once, however often it does so in the end (`resets`).

Signal and decay do not depend on the synapse, so the last trace is one matrix product over (t, sample)
instead of a trace [B, n_out, n_in] in every step.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Scalars
from harness.plugin.toolkit.codes import is_constant
from harness.plugin.toolkit.readouts import accuracy, densities, window_mean
from harness_native.network import LayerActivity
from harness_native.spike_counts import SpikeCounts, rate_error
from harness_native.surrogates import fast_sigmoid


@torch.no_grad()
def train_step(model: SpikeCounts, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update by the rule above, its step taken by the model's optimizer."""
    p = model.params
    layers = model.layers(spikes)
    output = layers[-1]
    rates = window_mean(output.spikes, p.window)
    error = rate_error(rates, targets, p.label_smoothing) / len(targets)
    for number, layer in enumerate(layers):
        signal = error if layer is output else error @ model.feedback(number)
        gates = gates_after_reset(layer, model.thetas[number], model.slope)
        model.weights[number].grad = last_trace(signal, gates, layer.inputs, p.trace_decay)
    model.optimizer.step()
    return {
        "loss": F.cross_entropy(rates, targets, label_smoothing=p.label_smoothing),
        "accuracy": accuracy(output.spikes.sum(0), targets),
        **densities([layer.spikes for layer in layers[:-1]]),
        "density_output": output.spikes.mean(),
    }


def gates_after_reset(layer: LayerActivity, theta: float, slope: float) -> Tensor:
    """The surrogate gradient sigma'(R[t]) of each step, [T, B, n]; 0 for dropped neurons."""
    fired = (layer.membranes >= theta).to(layer.membranes.dtype)
    gates = fast_sigmoid(torch.add(layer.membranes - theta, fired, alpha=-theta), slope)
    return gates if layer.kept is None else gates * layer.kept


def last_trace(signal: Tensor, gates: Tensor, inputs: Tensor, decay: float) -> Tensor:
    """The sum over the batch of `signal` [B, n] times the trace after the last step: [n, n_in].

    `gates` [T, B, n] are multiplied with `inputs` [T, B, n_in] in each step.
    """
    steps = len(gates)
    ages = torch.arange(steps - 1, -1, -1, dtype=gates.dtype, device=gates.device)
    aged = gates * (decay**ages).view(-1, 1, 1)
    if is_constant(inputs):
        return (signal * aged.sum(0)).T @ inputs[0]
    return (signal * aged).flatten(0, 1).T @ inputs.flatten(0, 1)
