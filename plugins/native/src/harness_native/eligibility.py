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
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import Presets, Scalars, hookimpl
from harness.plugin.toolkit.codes import harness_encode
from harness.plugin.toolkit.readouts import accuracy, densities
from harness_native.network import (
    RandomFeedback,
    harness_build_model,
    harness_evaluate,
    outer,
    output_error,
)
from harness_native.neurons import LIFParameters, trace
from harness_native.parameters import FEEDBACK, NETWORK, QUICK, SOURCE, SOURCE_DIGITS, TRAINING

__all__ = [
    "backward_trace",
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_presets",
    "harness_train_step",
]


@hookimpl
def harness_presets() -> Presets:
    """The parameters and presets; `source` is the setting of the original experiments."""
    return Presets(
        parameters={**NETWORK, **FEEDBACK, **TRAINING},
        values={
            "quick": QUICK,
            "source": {"*": SOURCE, "digits": SOURCE_DIGITS},
            "source-poisson": {
                "*": {**SOURCE, "hidden": "256-64", "code": "poisson"},
                "digits": SOURCE_DIGITS,
            },
            "source-deep": {
                "*": {**SOURCE, "hidden": "64-32", "lr": 5e-4, "epochs": 15},
                "digits": SOURCE_DIGITS,
            },
            "best": {
                "*": {
                    "hidden": "1000",
                    "window": 4,
                    "dropout": 0.2,
                    "label_smoothing": 0.05,
                    "lr": 0.002,
                    "epochs": 15,
                },
                "digits": {"epochs": 40, "batch_size": 32},
            },
        },
        reported={
            "source": {"mnist": 0.915},
            "source-poisson": {"mnist": 0.8919},
            "source-deep": {"mnist": 0.93},
        },
    )


@hookimpl
def harness_train_step(model: RandomFeedback, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update by the rule above, its step taken by Adam."""
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
            gate = layer.derivative(len(spikes), p.theta, p.slope)
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
