"""`native-eligibility`: eligibility traces and random feedback, online in time.

Bellec et al. 2020, "A solution to the learning dilemma for recurrent networks of spiking neurons"
(e-prop), with random feedback and the two-exponential neuron of `harness_native.neurons`; Zenke and
Neftci 2021, "Brain-inspired learning on neuromorphic substrates", sec. III. In each of the last
`window` steps, over which the readout averages,

    o[t] = W_out P_hidden[t],  e[t] = softmax(o[t]) - target,  L[t] = B e[t]
    eligibility_ij[t] = sigma'(U_i[t]) P_j[t]
    dW_ij ~ sum over t of L_i[t] F(eligibility_ij)[t]

where P is a spike train's trace and F the same filter, which the readout applies to the spikes that
a weight change causes. Nothing runs backwards in time: a neuron needs its traces and this step's
error. F is linear, so the sum is the same with the transposed filter F^T applied to L instead,

    dW_ij ~ sum over t of F^T(L_i)[t] sigma'(U_i[t]) P_j[t],

one matrix product over (t, sample) instead of a trace [B, n_out, n_in].

With output=spikes, as in the presets `source*`, the rule is that of `harness_native.feedback_traces`.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Presets, Scalars, hookimpl
from harness.plugin.toolkit.codes import encode
from harness.plugin.toolkit.readouts import accuracy, densities
from harness.plugin.toolkit.training_state import harness_training_state
from harness_native import feedback_traces
from harness_native.eligibility_presets import PRESETS
from harness_native.network import RandomFeedback, outer, output_error
from harness_native.neurons import LIFParameters, trace
from harness_native.spike_counts import SpikeCounts, harness_build_model, harness_evaluate

__all__ = [
    "backward_trace",
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
def harness_encode(model: RandomFeedback, inputs: Tensor, generator: Generator) -> Tensor:
    """`inputs` [B, ...] as [T, B, N], in evaluation with the encoding `test_code`."""
    p = model.params
    code = p.code if model.training or p.test_code == "same" else p.test_code
    return encode(inputs, code, p.steps, p.max_rate, generator)


@hookimpl
def harness_train_step(model: RandomFeedback, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update by the rule above, its step taken by Adam."""
    if isinstance(model, SpikeCounts):
        return feedback_traces.train_step(model, spikes, targets)
    p = model.params
    with torch.no_grad():
        layers = model.layers(spikes)
        traces = trace(layers[-1].spikes, model.lif)[-p.window :]
        outputs = traces @ model.weights[-1].T
        error = output_error(outputs, targets, p.label_smoothing) / (len(targets) * len(outputs))
        model.weights[-1].grad = error.flatten(0, 1).T @ traces.flatten(0, 1)
        # The feedback is the same in every step, so the filter, of fewer columns, may come first.
        silent = len(spikes) - len(error)
        filtered = backward_trace(F.pad(error, (0, 0, 0, 0, silent, 0)), model.lif)
        for number, layer in enumerate(layers):
            gate = layer.derivative(len(spikes), model.thetas[number], model.slope)
            signal = filtered @ model.feedback(number)
            model.weights[number].grad = outer(signal * gate, layer.inputs, model.lif)
        model.optimizer.step()
        scores = outputs.mean(0)
        return {
            "loss": F.cross_entropy(scores, targets, label_smoothing=p.label_smoothing),
            "accuracy": accuracy(scores, targets),
            **densities([layer.spikes for layer in layers]),
        }


def backward_trace(signal: Tensor, p: LIFParameters) -> Tensor:
    """The transpose F^T of `trace`: the same filter, run from the last step to the first."""
    return trace(signal.flip(0), p).flip(0)
