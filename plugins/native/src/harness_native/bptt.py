"""`native-bptt`: surrogate gradients, backpropagated through time.

Neftci, Mostafa and Zenke 2019, "Surrogate gradient learning in spiking neural networks". The neuron
is the textbook one (alpha = 0: no synaptic current), so that other frameworks can be held against
the same network. The readout is linear and its mean over the last `window` steps is the answer:

    logits = W_out (mean of S_hidden[t])
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness import hookimpl
from harness.contract import Evaluation, Parameter, Params, Presets, Scalars, Task
from harness_native.codes import encode
from harness_native.network import (
    FeedForward,
    LayerActivity,
    density,
    product,
    window_mean,
    windows_over_time,
)
from harness_native.parameters import NETWORK, QUICK, TRAINING
from harness_native.spike_sequence import SpikeSequence
from harness_native.surrogates import SURROGATES


@hookimpl
def harness_presets() -> Presets:
    """Parameters and presets."""
    return Presets(
        parameters={
            **NETWORK,
            "alpha": Parameter(0.0, "decay of the synaptic current in one step", 0.0, 1.0),
            "surrogate": Parameter(
                "fast_sigmoid", "stand-in for the spike's derivative", choices=tuple(SURROGATES)
            ),
            "slope": Parameter(2.0, "slope of the stand-in, in 1/theta", low=0.0),
            "detach": Parameter(True, "no gradient through the reset"),
            "gain": Parameter(1.0, "scale of the initial weights", low=0.0),
            "dropout": Parameter(0.0, "hidden neurons dropped while training", 0.0, 0.95),
            "label_smoothing": Parameter(0.0, "share of each target spread evenly", 0.0, 0.5),
            **TRAINING,
        },
        values={
            "quick": QUICK,
            "best": {
                "*": {
                    "hidden": 600,
                    "hidden_layers": 2,
                    "steps": 6,
                    "dropout": 0.3,
                    "label_smoothing": 0.05,
                    "lr": 0.0015,
                    "batch_size": 128,
                    "epochs": 15,
                },
                "digits": {"epochs": 40, "batch_size": 32, "dropout": 0.2},
            },
        },
    )


class Network(FeedForward):
    """The shared network, its hidden layers differentiable."""

    def layers(self, spikes: Tensor) -> list[LayerActivity]:
        """The activity of each hidden layer for input [T, B, n_in].

        In training, a neuron that is dropped is silent in all of the sample's steps.
        """
        p = self.params
        found: list[LayerActivity] = []
        for weight in self.weights[:-1]:
            emitted, membranes = SpikeSequence.apply(
                product(spikes, weight), self.lif, p.surrogate, p.slope / p.theta, p.detach
            )
            if self.training and p.dropout:
                emitted = emitted * F.dropout(torch.ones_like(emitted[0]), p.dropout)
            found.append(LayerActivity(spikes, emitted, membranes))
            spikes = emitted
        return found


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """The network at its random start."""
    return Network(task, params, device)


@hookimpl
def harness_encode(model: Network, inputs: Tensor, generator: Generator) -> Tensor:
    """Constant currents or Poisson spikes [T, B, n_in]."""
    p = model.params
    return encode(inputs, p.code, p.steps, p.max_rate, generator)


@hookimpl
def harness_train_step(model: Network, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update on the cross-entropy of the answer."""
    p = model.params
    layers = model.layers(spikes)
    logits = window_mean(layers[-1].spikes, p.window) @ model.weights[-1].T
    loss = F.cross_entropy(logits, targets, label_smoothing=p.label_smoothing)
    model.optimiser.zero_grad()
    torch.autograd.backward(loss)
    model.optimiser.step()
    with torch.no_grad():
        return {
            "loss": loss.detach(),
            "accuracy": (logits.argmax(-1) == targets).float().mean(),
            "density": density(layers),
        }


@hookimpl
def harness_evaluate(model: Network, spikes: Tensor, record: bool) -> Evaluation:
    """The readout's mean over the last `window` steps; over time [T, B, C] when recording."""
    layers = model.layers(spikes)
    emitted, window, readout = layers[-1].spikes, model.params.window, model.weights[-1].T
    if not record:
        return Evaluation(window_mean(emitted, window) @ readout)
    return Evaluation(windows_over_time(emitted, window) @ readout, model.recorded(layers))
