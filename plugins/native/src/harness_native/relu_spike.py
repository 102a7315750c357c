"""`native-relu-spike`: graded spikes, by plain backpropagation through time.

Layers of the units of `harness_native.relu_sequence`, which emit relu(V - theta) and are discharged by
it. Every layer has a delay of one step: an emission at step t reaches the next layer at t+1. The
output units are such units too; the logits are their states, with a delay of one step as well,
averaged over the last `window` steps:

    X_1[t] = W_1 x[t] + b_1,  X_l[t] = W_l O_{l-1}[t-1] + b_l,  logits = mean of U_out[t-1]

With `noise` every input value, less `input_shift`, is multiplied by a new draw from U(0, 1) in every
step.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import (
    TRAIN_ON_VALIDATION,
    Evaluation,
    Layer,
    Parameter,
    Params,
    Presets,
    Reported,
    Scalars,
    Source,
    Task,
    hookimpl,
)
from harness.plugin.toolkit.codes import encode, is_constant
from harness.plugin.toolkit.optimizer import adam_or_sgd
from harness.plugin.toolkit.parameters import (
    ADAM_OR_SGD,
    DROPOUT,
    HIDDEN,
    LABEL_SMOOTHING,
    TRAINING,
    with_defaults,
)
from harness.plugin.toolkit.readouts import window_mean, windows_over_time
from harness.plugin.toolkit.requirements import require_classification
from harness.plugin.toolkit.training import cross_entropy_step
from harness.plugin.toolkit.training_state import (
    harness_training_state as harness_training_state,  # a hook
)
from harness.plugin.toolkit.variants import ALL_SAMPLES, INPUT_SHIFT
from harness.plugin.toolkit.weights import network_sizes
from harness_native.relu_sequence import ReluSequence, ReluUnit, delayed

PRESETS = Presets(
    parameters={
        "hidden": HIDDEN,
        "steps": Parameter(12, "time steps for a sample", low=3),
        "window": Parameter(8, "last steps over which the readout averages", low=1),
        "noise": Parameter(False, "multiply each input value by U(0, 1), a new draw in every step"),
        **INPUT_SHIFT,
        "decay": Parameter(0.9, "decay of the state in one step", 0.0, 1.0),
        "theta": Parameter(2.0, "threshold of the emission", low=1e-6),
        "penalty": Parameter(2.5, "discharge by an emission, in the unit of theta", low=0.0),
        "discharge": Parameter(
            "proportional",
            "state after an emission: (1 - penalty / theta) times it, or fixed at theta - penalty",
            choices=("proportional", "fixed"),
        ),
        "dropout": DROPOUT,
        "label_smoothing": LABEL_SMOOTHING,
        **ADAM_OR_SGD,
        **with_defaults(TRAINING, lr=3e-3, epochs=1),
        **ALL_SAMPLES,
    },
    values={
        "quick": {"*": {}, "digits": {"epochs": 10, "batch_size": 32}},
        "source": {
            "*": {
                "hidden": "100",
                "steps": 128,
                "window": 128,
                "noise": True,
                "input_shift": 0.5,
                "discharge": "fixed",
                "optimizer": "sgd",
                "lr": 0.1,
                "momentum": 0.5,
                "schedule": "constant",
                "batch_size": 1000,
                TRAIN_ON_VALIDATION: True,
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
    sources={
        "source": Source(
            title="Spiking Neural Network (SNN) with PyTorch: towards bridging the gap between deep "
            "learning and the human brain",
            authors="Guillaume Chevalier",
            year=2019,
            url="https://github.com/guillaume-chevalier",
            mended=(
                "Its comment says that the output is summed over time, and its code takes the mean: so "
                "does the preset, because the figure is the code's.",
            ),
            reported={"mnist": [Reported(0.8555, "cell 10, the test after one epoch")]},
        ),
    },
)


class ReluSpikeNet(nn.Module):
    """Linear layers with biases, each followed by units.

    The initial weights are uniform after Glorot and Bengio 2010: twice as large as PyTorch's default,
    with which few units reach their threshold.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        require_classification(task)
        self.params = params
        self.unit = ReluUnit(
            params.decay, params.theta, params.penalty, params.discharge == "proportional"
        )
        sizes = network_sizes(task, params)
        self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes))
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.xavier_uniform_(parameter)
        self.to(device)
        self.optimizer = adam_or_sgd(self.parameters(), task, params)

    def forward(self, inputs: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """Each layer's input, each hidden layer's emissions, and the output's states, all [T, B, n].

        `inputs` is [T, B, ...]; the states have the delay of one step with which they are read. In
        training, a dropped unit emits nothing in all steps of the sample.
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
    """`layer` in every step [T, B, n]; a constant input costs one product instead of T."""
    constant = is_constant(inputs)
    currents: Tensor = layer(inputs[0] if constant else inputs)
    return currents.expand(len(inputs), -1, -1) if constant else currents


@hookimpl
def harness_presets() -> Presets:
    """The parameters and presets."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> ReluSpikeNet:
    """The network with its initial weights."""
    return ReluSpikeNet(task, params, device)


@hookimpl
def harness_encode(model: ReluSpikeNet, inputs: Tensor, generator: Generator) -> Tensor:
    """The inputs as currents [T, B, n_in]: constant (a view), or each value times U(0, 1)."""
    currents = encode(inputs - model.params.input_shift, "rate", model.params.steps, 1.0, generator)
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
    scalars = cross_entropy_step(model.optimizer, logits, targets, p.label_smoothing)
    with torch.no_grad():
        emitting = {
            f"emitting_hidden{number}": (layer > 0).float().mean()
            for number, layer in enumerate(emitted, start=1)
        }
        return {**scalars, **emitting}


@hookimpl
def harness_evaluate(model: ReluSpikeNet, spikes: Tensor, record: bool) -> Evaluation:
    """The output's mean state over the last `window` steps [B, C]; with `record` over time [T, B, C].

    The recorded emissions are real numbers and not spikes.
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
