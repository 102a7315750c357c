"""`native-relu-spike`: emissions of real size, by plain backpropagation through time.

Layers of the units of `harness_native.relu_sequence`, which emit relu(V - theta) and pay for it.
Every layer answers one step late: what one emits at step t reaches the next at t+1. The output units
are such units too; the logits are their inner states, late by one step as well, averaged over the
last `window` steps:

    X_1[t] = W_1 x[t] + b_1,  X_l[t] = W_l O_{l-1}[t-1] + b_l,  logits = mean of U_out[t-1]

With `noise` every input value is multiplied by a new draw from U(0, 1) in every step.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import hookimpl
from harness.plugin.toolkit.codes import encode, is_constant
from harness.plugin import (
    LAYER_SIZES,
    Evaluation,
    Layer,
    Parameter,
    Params,
    Presets,
    Scalars,
    Task,
    layer_sizes,
)
from harness.plugin.toolkit.optimizer import Adam
from harness.plugin.toolkit.readouts import window_mean, windows_over_time
from harness_native.network import require_classification
from harness_native.relu_sequence import ReluSequence, ReluUnit, delayed

PRESETS = Presets(
    parameters={
        "hidden": Parameter(
            "256", "units in each hidden layer, as 256 or 256-64", pattern=LAYER_SIZES
        ),
        "steps": Parameter(12, "time steps for a sample", low=3),
        "window": Parameter(8, "last steps over which the answer is averaged", low=1),
        "noise": Parameter(False, "each input value times U(0, 1), drawn anew in every step"),
        "decay": Parameter(0.9, "decay of the inner state in one step", 0.0, 1.0),
        "theta": Parameter(2.0, "threshold of the emission", low=1e-6),
        "penalty": Parameter(2.5, "what an emission costs, in the threshold's unit", low=0.0),
        "dropout": Parameter(0.0, "hidden units dropped while training", 0.0, 0.95),
        "optimizer": Parameter("adam", "adam or sgd", choices=("adam", "sgd")),
        "lr": Parameter(3e-3, "peak learning rate", low=0.0),
        "momentum": Parameter(0.0, "momentum (sgd only)", 0.0, 0.999),
        "schedule": Parameter(
            "cosine",
            "Adam's learning rate: cosine to 0 or constant",
            choices=("cosine", "constant"),
        ),
        "label_smoothing": Parameter(0.0, "share of each target spread evenly", 0.0, 0.5),
        "epochs": Parameter(1, "passes over the training set", low=0),
        "batch_size": Parameter(64, "samples an update", low=1),
    },
    values={
        "quick": {"*": {}, "digits": {"epochs": 10, "batch_size": 32}},
        "source": {
            "*": {
                "hidden": "100",
                "steps": 128,
                "window": 128,
                "noise": True,
                "optimizer": "sgd",
                "lr": 0.1,
                "momentum": 0.5,
                "schedule": "constant",
                "batch_size": 1000,
            },
            # As many updates as on mnist.
            "digits": {"epochs": 2, "batch_size": 45},
        },
        "best": {
            "*": {
                "hidden": "600",
                "dropout": 0.3,
                "label_smoothing": 0.05,
                "lr": 2e-3,
                "epochs": 12,
                "batch_size": 128,
            },
            "digits": {"hidden": "256", "dropout": 0.2, "epochs": 40, "batch_size": 32},
        },
    },
    reported={"source": {"mnist": 0.8555}},
)


class ReluSpikeNet(nn.Module):
    """Linear layers, each of them followed by units.

    Weights as Glorot and Bengio 2010 draw them (uniform): twice as large as PyTorch's default, from
    which few units reach their threshold.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        require_classification(task)
        self.params = params
        self.unit = ReluUnit(params.decay, params.theta, params.penalty)
        sizes = [task.inputs, *layer_sizes(params.hidden), task.classes]
        self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes))
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.xavier_uniform_(parameter)
        self.to(device)
        self.optimizer: Adam | torch.optim.SGD
        if params.optimizer == "adam":
            updates = params.epochs * math.ceil(task.train_size / params.batch_size)
            cosine_over = updates if params.schedule == "cosine" else 0
            self.optimizer = Adam(self.parameters(), params.lr, cosine_over=cosine_over)
        else:
            self.optimizer = torch.optim.SGD(
                self.parameters(), lr=params.lr, momentum=params.momentum, fused=True
            )

    def forward(self, inputs: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """[T, B, ...] to each layer's input, each hidden layer's emissions, and the output's states.

        All are [T, B, n]; the states as they are read, a step late. In training, a unit that is
        dropped emits nothing in all of the sample's steps.
        """
        received, emitted = [inputs.flatten(2)], []
        for layer in self.layers[:-1]:
            emissions, _ = ReluSequence.apply(_currents(layer, received[-1]), self.unit)
            if self.training and self.params.dropout:
                kept = F.dropout(torch.ones_like(emissions[0]), self.params.dropout)
                emissions = emissions * kept
            emitted.append(emissions)
            received.append(delayed(emissions))
        _, states = ReluSequence.apply(_currents(self.layers[-1], received[-1]), self.unit)
        return received, emitted, delayed(states)


def _currents(layer: nn.Module, inputs: Tensor) -> Tensor:
    """`layer` in every step [T, B, n]; a constant input costs one product, not T."""
    constant = is_constant(inputs)
    currents: Tensor = layer(inputs[0] if constant else inputs)
    return currents.expand(len(inputs), -1, -1) if constant else currents


@hookimpl
def harness_presets() -> Presets:
    """Parameters and presets; `source` is the setting of the original experiment."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> ReluSpikeNet:
    """The network at its random start."""
    return ReluSpikeNet(task, params, device)


@hookimpl
def harness_encode(model: ReluSpikeNet, inputs: Tensor, generator: Generator) -> Tensor:
    """The inputs as currents [T, B, n_in]: constant (a view), or each value times U(0, 1)."""
    currents = encode(inputs, "rate", model.params.steps, 1.0, generator)
    if not model.params.noise:
        return currents
    draws = torch.rand(
        currents.shape, generator=generator, dtype=currents.dtype, device=currents.device
    )
    return draws.mul_(currents)


@hookimpl
def harness_train_step(model: ReluSpikeNet, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update on the cross-entropy."""
    p = model.params
    _, emitted, states = model(spikes)
    logits = window_mean(states, p.window)
    loss = F.cross_entropy(logits, targets, label_smoothing=p.label_smoothing)
    model.optimizer.zero_grad()
    torch.autograd.backward(loss)
    model.optimizer.step()
    with torch.no_grad():
        emitting = {
            f"emitting_hidden{number}": (layer > 0).float().mean()
            for number, layer in enumerate(emitted, start=1)
        }
        accuracy = (logits.argmax(-1) == targets).float().mean()
        return {"loss": loss.detach(), "accuracy": accuracy, **emitting}


@hookimpl
def harness_evaluate(model: ReluSpikeNet, spikes: Tensor, record: bool) -> Evaluation:
    """The output's mean state over the last `window` steps; over time [T, B, C] when recording.

    The emissions are real numbers, so nothing is called a spike.
    """
    received, emitted, states = model(spikes)
    window, delay = model.params.window, len(model.layers)
    if not record:
        return Evaluation(window_mean(states, window), delay=delay)
    names = [*(f"hidden{number}" for number in range(1, len(received))), "output"]
    layers = [
        Layer(name, inputs, layer, outputs, spiking=False)
        for name, inputs, layer, outputs in zip(
            names, received, model.layers, [*emitted, None], strict=True
        )
    ]
    return Evaluation(windows_over_time(states, window), layers, delay=delay)
