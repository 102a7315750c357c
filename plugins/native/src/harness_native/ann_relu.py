"""`ann-relu`, the control: a plain feed-forward ReLU network, one pass and no time.

Every spiking row is compared with it: it shows the accuracy that the same layer sizes reach without
spikes, and what that costs in multiply-accumulate operations.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn

from harness.plugin import (
    Evaluation,
    Layer,
    Params,
    Presets,
    Scalars,
    Task,
    hookimpl,
)
from harness.plugin.toolkit import relu
from harness.plugin.toolkit.optimizer import adam_or_sgd
from harness.plugin.toolkit.parameters import ADAM_OR_SGD, HIDDEN_OR_NONE
from harness.plugin.toolkit.requirements import require_static_classification
from harness.plugin.toolkit.training import cross_entropy_step
from harness.plugin.toolkit.weights import network_sizes

PRESETS = Presets(
    parameters={**relu.PARAMETERS, "hidden": HIDDEN_OR_NONE, **ADAM_OR_SGD},
    values={
        "quick": relu.QUICK,
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
        "best": relu.BEST,
    },
    reported={"source": {"mnist": 0.8690}, "source-dropout": {"mnist": 0.9823}},
)


class ReluNet(relu.ReluNetwork):
    """Linear layers with biases, ReLU and dropout between them; the last one gives the logits."""

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__(params.dropout, params.input_dropout)
        sizes = network_sizes(task, params)
        self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes))
        self.label_smoothing = params.label_smoothing
        self.to(device)
        self.optimizer = adam_or_sgd(self.parameters(), task, params)

    def affine_maps(self) -> Iterable[nn.Module]:
        """The linear layers."""
        return self.layers

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """What each layer receives [B, n] for `inputs` [B, ...], and last the logits [B, C]."""
        return self.analog(inputs)


@hookimpl
def harness_presets() -> Presets:
    """The parameters and presets; `source` is the setting of the original experiment."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> ReluNet:
    """A network with PyTorch's default initialisation, and its optimizer."""
    require_static_classification(task)
    return ReluNet(task, params, device)


@hookimpl
def harness_encode(inputs: Tensor) -> Tensor:
    """The inputs themselves, as one step: [1, B, ...], a view."""
    return inputs.unsqueeze(0)


@hookimpl
def harness_train_step(model: ReluNet, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update on the cross-entropy."""
    logits = model(spikes[0])[-1]
    return cross_entropy_step(model.optimizer, logits, targets, model.label_smoothing)


@hookimpl
def harness_evaluate(model: ReluNet, spikes: Tensor, record: bool) -> Evaluation:
    """The logits [B, C]; the recorded activity is real numbers and not spikes."""
    *values, logits = model(spikes[0])
    if not record:
        return Evaluation(logits)
    outputs = [*values[1:], None]
    layers = [
        Layer(f"linear{i}", value[None], layer, None if out is None else out[None], spiking=False)
        for i, (value, layer, out) in enumerate(zip(values, model.layers, outputs, strict=True), 1)
    ]
    return Evaluation(logits, layers)
