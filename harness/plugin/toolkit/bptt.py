"""The network that every framework trains by backpropagation through time.

Weights, code, dropout, readout, loss, optimizer and presets are here and the same for all; what a
plugin brings is a layer of its framework's neurons. So a difference between two rows is a
difference between two neurons, or between two implementations of one. The neuron to implement is
the textbook's, with membrane U, input current X, spikes S and decay beta:

    U[t] = beta (U[t-1] - theta S[t-1]) + X[t],  S[t] = 1 where U[t] >= theta, else 0

and the answer is linear in the spikes of the last layer: logits = W_out (mean of S[t] over the last
`window` steps). Neftci, Mostafa and Zenke 2019, "Surrogate gradient learning in spiking neural
networks".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin.toolkit.codes import CODES, encode, is_constant, product
from harness.plugin import (
    LAYER_SIZES,
    SOURCE,
    Evaluation,
    Layer,
    Parameter,
    Params,
    Presets,
    Scalars,
    Task,
    Value,
    layer_sizes,
)
from harness.plugin.toolkit.optimizer import Adam
from harness.plugin.toolkit.readouts import densities, window_mean, windows_over_time

PARAMETERS = {
    "hidden": Parameter(
        "256", "neurons in each hidden layer, as 256 or 256-64", pattern=LAYER_SIZES
    ),
    "steps": Parameter(10, "time steps for a sample", low=1),
    "window": Parameter(10, "last steps from which the answer is read", low=1),
    "code": Parameter("rate", "input code; rate is a constant current", choices=CODES),
    "max_rate": Parameter(1.0, "current or spikes a step of a white pixel", 0.0, 1.0),
    "beta": Parameter(0.9, "decay of the membrane in one step", 0.0, 1.0),
    "theta": Parameter(1.0, "firing threshold", low=1e-6),
    "slope": Parameter(2.0, "slope of the spike's stand-in derivative, in 1/theta", low=1e-6),
    "detach": Parameter(True, "no gradient through the reset"),
    "gain": Parameter(1.0, "scale of the initial weights", low=0.0),
    "dropout": Parameter(0.0, "hidden neurons dropped while training", 0.0, 0.95),
    "input_dropout": Parameter(0.0, "inputs dropped while training", 0.0, 0.95),
    "label_smoothing": Parameter(0.0, "share of each target spread evenly", 0.0, 0.5),
    "lr": Parameter(0.001, "Adam's learning rate", low=0.0),
    "schedule": Parameter(
        "cosine", "learning rate: cosine to 0 or constant", choices=("cosine", "constant")
    ),
    "epochs": Parameter(3, "passes over the training set", low=0),
    "batch_size": Parameter(64, "samples in an update", low=1),
}

# A unit fires once a sample: large weights, a membrane that remembers, and every step is read.
_RANDMAN: dict[str, Value] = {"steps": 100, "window": 100, "beta": 0.95, "gain": 3.0}

VALUES: Mapping[str, Mapping[str, Mapping[str, Value]]] = {
    "quick": {
        "*": {"lr": 0.003, "epochs": 1},
        "digits": {"lr": 0.005, "epochs": 10, "batch_size": 32},
        "randman": {**_RANDMAN, "hidden": "128-64", "lr": 0.02, "epochs": 3},
    },
    "best": {
        "*": {
            "hidden": "800-800",
            "steps": 4,
            "dropout": 0.3,
            "input_dropout": 0.2,
            "label_smoothing": 0.05,
            "lr": 0.0015,
            "batch_size": 128,
            "epochs": 20,
        },
        "digits": {
            "hidden": "256",
            "steps": 10,
            "dropout": 0.2,
            "input_dropout": 0.0,
            "epochs": 40,
            "batch_size": 32,
        },
        "randman": {
            **_RANDMAN,
            "hidden": "256-128",
            "dropout": 0.0,
            "input_dropout": 0.0,
            "label_smoothing": 0.0,
            "lr": 0.01,
            "epochs": 8,
            "batch_size": 64,
        },
    },
}


def presets(
    surrogates: Sequence[str],
    source: Mapping[str, Mapping[str, Value]] | None = None,
    reported: Mapping[str, float] | None = None,
) -> Presets:
    """The network's parameters and presets, for a neuron that has these `surrogates`.

    `source` are the values, by task, of a preset of that name, and `reported` what is reported there.
    """
    surrogate = Parameter(
        "fast_sigmoid", "stand-in for the spike's derivative", choices=tuple(surrogates)
    )
    return Presets(
        parameters={**PARAMETERS, "surrogate": surrogate},
        values={**VALUES, SOURCE: source} if source else VALUES,
        reported={SOURCE: reported} if reported else {},
    )


class SpikingNetwork(nn.Module):
    """Layers of a framework's neurons and a linear readout, without biases.

    `weights` are [n_out, n_in], drawn on the CPU: the same for every framework and device. A
    subclass brings `neurons`.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        self.params = params
        sizes = [task.inputs, *layer_sizes(params.hidden), task.classes]
        self.weights = nn.ParameterList(
            nn.Parameter((params.gain * torch.randn(n_out, n_in) / math.sqrt(n_in)).to(device))
            for n_in, n_out in pairwise(sizes)
        )
        updates = params.epochs * math.ceil(task.train_size / params.batch_size)
        cosine_over = updates if params.schedule == "cosine" else 0
        self.optimizer = Adam(self.weights, params.lr, cosine_over=cosine_over)

    def neurons(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] of a layer at rest that receives `currents` [T, B, n]; differentiable."""
        raise NotImplementedError

    def forward(self, spikes: Tensor) -> list[Tensor]:
        """Input [T, B, n_in] to what each layer emits: the input itself, then every hidden layer."""
        p = self.params
        found = [self._dropped(spikes, p.input_dropout)]
        for weight in self.weights[:-1]:
            emitted = self.neurons(product(found[-1], weight))
            found.append(self._dropped(emitted, p.dropout))
        return found

    def _dropped(self, spikes: Tensor, probability: float) -> Tensor:
        """In training, a neuron that is dropped is silent in all of the sample's steps."""
        if not (self.training and probability):
            return spikes
        kept = F.dropout(torch.ones_like(spikes[0]), probability)
        if is_constant(spikes):
            return (spikes[0] * kept).expand_as(spikes)
        return spikes * kept


class _ScaledGradient(torch.autograd.Function):
    """The identity, with its gradient multiplied by a factor."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0] * ctx.factor, None


def scaled_gradient(values: Tensor, factor: float) -> Tensor:
    """`values`, with their gradient multiplied by `factor`.

    For a framework whose surrogate has the form of ours and another height.
    """
    scaled: Tensor = _ScaledGradient.apply(values, factor)
    return scaled


def encoded(model: SpikingNetwork, inputs: Tensor, generator: Generator) -> Tensor:
    """`harness_encode`: `inputs` [B, ...] in the network's code, [T, B, n_in]."""
    p = model.params
    return encode(inputs, p.code, p.steps, p.max_rate, generator)


def train_step(model: SpikingNetwork, spikes: Tensor, targets: Tensor) -> Scalars:
    """`harness_train_step`: one update on the cross-entropy of the answer."""
    p = model.params
    emitted = model(spikes)
    logits = window_mean(emitted[-1], p.window) @ model.weights[-1].T
    loss = F.cross_entropy(logits, targets, label_smoothing=p.label_smoothing)
    model.optimizer.zero_grad()
    torch.autograd.backward(loss)
    model.optimizer.step()
    with torch.no_grad():
        return {
            "loss": loss.detach(),
            "accuracy": (logits.argmax(-1) == targets).float().mean(),
            **densities(emitted[1:]),
        }


def answer(model: SpikingNetwork, spikes: Tensor, record: bool) -> Evaluation:
    """`harness_evaluate`: the readout's mean over the last steps; over time when recording."""
    emitted, window, readout = model(spikes), model.params.window, model.weights[-1].T
    if not record:
        return Evaluation(window_mean(emitted[-1], window) @ readout)
    scores = windows_over_time(emitted[-1], window) @ readout
    names = [*(f"hidden{number}" for number in range(1, len(emitted))), "readout"]
    layers = [
        Layer(name, received, weight, sent)
        for name, received, weight, sent in zip(
            names, emitted, model.weights, [*emitted[1:], None], strict=True
        )
    ]
    return Evaluation(scores, layers)
