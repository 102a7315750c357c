"""The control: a plain feed-forward ReLU network, one pass and no time.

Every spiking row of the comparison is read against it: the accuracy that the same layer sizes reach
without spikes, and what that costs in multiply-accumulates.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import hookimpl
from harness.plugin import (
    LAYER_SIZES,
    Evaluation,
    Layer,
    Parameter,
    Params,
    Presets,
    Scalars,
    Task,
    Unsupported,
    layer_sizes,
)
from harness.plugin.toolkit.optimizer import Adam
from harness_native.network import require_classification

PRESETS = Presets(
    parameters={
        "hidden": Parameter(
            "256",
            "units in each hidden layer, as 256, 256-64 or none",
            pattern=f"none|{LAYER_SIZES}",
        ),
        "dropout": Parameter(0.0, "hidden units dropped while training", low=0, high=0.95),
        "input_dropout": Parameter(0.0, "input values dropped while training", low=0, high=0.95),
        "optimizer": Parameter("adam", "adam or sgd", choices=("adam", "sgd")),
        "lr": Parameter(3e-3, "peak learning rate", low=0),
        "momentum": Parameter(0.0, "momentum (sgd only)", low=0, high=0.999),
        "schedule": Parameter(
            "cosine",
            "Adam's learning rate: cosine to 0 or constant",
            choices=("cosine", "constant"),
        ),
        "label_smoothing": Parameter(0.0, "share of each target spread evenly", low=0, high=0.5),
        "epochs": Parameter(2, "passes over the training set", low=1),
        "batch_size": Parameter(128, "samples an update", low=1),
    },
    values={
        "quick": {"*": {}, "digits": {"epochs": 20, "batch_size": 32}},
        "source": {
            "*": {
                "hidden": "100",
                "optimizer": "sgd",
                "lr": 0.1,
                "momentum": 0.5,
                "schedule": "constant",
                "epochs": 1,
                "batch_size": 1000,
            },
            # As many updates as on mnist.
            "digits": {"epochs": 2, "batch_size": 45},
        },
        "source-dropout": {
            "*": {
                "hidden": "1200-1200",
                "dropout": 0.5,
                "lr": 1e-3,
                "schedule": "constant",
                "epochs": 15,
            },
        },
        "best": {
            "*": {
                "hidden": "1200-1200",
                "dropout": 0.4,
                "input_dropout": 0.2,
                "lr": 1e-3,
                "label_smoothing": 0.05,
                "epochs": 20,
            },
            "digits": {
                "hidden": "512-512",
                "dropout": 0.5,
                "input_dropout": 0.2,
                "lr": 2e-3,
                "label_smoothing": 0.1,
                "epochs": 100,
                "batch_size": 32,
            },
        },
    },
    reported={"source": {"mnist": 0.8690}, "source-dropout": {"mnist": 0.9823}},
)


class ReluNet(nn.Module):
    """Linear layers with ReLU and dropout between them; the last one gives the logits."""

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        sizes = [task.inputs, *layer_sizes(params.hidden), task.classes]
        self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes))
        self.dropout, self.input_dropout = params.dropout, params.input_dropout
        self.label_smoothing = params.label_smoothing
        self.to(device)
        self.optimizer: Adam | torch.optim.SGD
        if params.optimizer == "adam":
            # The host drives the epochs, so the schedule counts updates.
            updates = params.epochs * math.ceil(task.train_size / params.batch_size)
            cosine_over = updates if params.schedule == "cosine" else 0
            self.optimizer = Adam(self.parameters(), params.lr, cosine_over=cosine_over)
        else:
            self.optimizer = torch.optim.SGD(
                self.parameters(), lr=params.lr, momentum=params.momentum, fused=True
            )

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """[B, ...] to what every layer receives [B, n], and last the logits [B, C]."""
        values = [F.dropout(inputs.flatten(1), self.input_dropout, self.training)]
        for layer in self.layers[:-1]:
            values.append(F.dropout(F.relu(layer(values[-1])), self.dropout, self.training))
        return [*values, self.layers[-1](values[-1])]


@hookimpl
def harness_presets() -> Presets:
    """Parameters and presets."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> ReluNet:
    """A network with PyTorch's default initialisation, and its optimizer.

    Unsupported where there are spike trains to answer to: it has no time.
    """
    require_classification(task)
    if task.steps is not None:
        raise Unsupported(f"it has no time, and the samples of {task.name} are spikes over time")
    return ReluNet(task, params, device)


@hookimpl
def harness_encode(inputs: Tensor) -> Tensor:
    """The inputs themselves, as one step: [1, B, ...], a view."""
    return inputs.unsqueeze(0)


@hookimpl
def harness_train_step(model: ReluNet, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update on the cross-entropy."""
    logits = model(spikes[0])[-1]
    loss = F.cross_entropy(logits, targets, label_smoothing=model.label_smoothing)
    model.optimizer.zero_grad()
    torch.autograd.backward(loss)
    model.optimizer.step()
    accuracy = (logits.detach().argmax(1) == targets).float().mean()
    return {"loss": loss.detach(), "accuracy": accuracy}


@hookimpl
def harness_evaluate(model: ReluNet, spikes: Tensor, record: bool) -> Evaluation:
    """The logits [B, C]; the activity is that of real numbers, so nothing is called a spike."""
    *values, logits = model(spikes[0])
    if not record:
        return Evaluation(logits)
    outputs = [*values[1:], None]
    layers = [
        Layer(f"linear{i}", value[None], layer, None if out is None else out[None], spiking=False)
        for i, (value, layer, out) in enumerate(zip(values, model.layers, outputs, strict=True), 1)
    ]
    return Evaluation(logits, layers)
