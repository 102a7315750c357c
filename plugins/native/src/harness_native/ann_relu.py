"""`ann-relu`, the control: a plain feed-forward ReLU network, one pass and no time.

Every spiking row is compared with it: it shows the accuracy that the same layer sizes reach without
spikes, and what that costs in multiply-accumulate operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn

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
from harness.plugin.toolkit import relu
from harness.plugin.toolkit.optimizer import adam_or_sgd
from harness.plugin.toolkit.parameters import ADAM_OR_SGD, HIDDEN_OR_NONE
from harness.plugin.toolkit.requirements import require_static_classification
from harness.plugin.toolkit.training import cross_entropy_step
from harness.plugin.toolkit.training_state import (
    harness_training_state as harness_training_state,  # a hook
)
from harness.plugin.toolkit.variants import (
    ALL_SAMPLES,
    INPUT_SHIFT,
    RELU_VARIANTS,
    draw_uniform,
    rectified,
)
from harness.plugin.toolkit.weights import network_sizes

PRESETS = Presets(
    parameters={
        **relu.PARAMETERS,
        "hidden": HIDDEN_OR_NONE,
        "bias": Parameter(True, "biases in every layer"),
        **RELU_VARIANTS,
        **INPUT_SHIFT,
        **ADAM_OR_SGD,
        **ALL_SAMPLES,
    },
    values={
        "quick": relu.QUICK,
        "source": {
            "*": {
                "hidden": "100",
                "input_shift": 0.5,
                "optimizer": "sgd",
                "lr": 0.1,
                "momentum": 0.5,
                "schedule": "constant",
                "epochs": 1,
                "batch_size": 1000,
                TRAIN_ON_VALIDATION: True,
            },
            # As many updates as on mnist.
            "digits": {"epochs": 2, "batch_size": 45},
        },
        "source-dropout": {
            "*": {
                "hidden": "1200-1200",
                "bias": False,
                "init_bound": 0.1,
                "output_relu": True,
                "dropout": 0.5,
                "lr": 1e-3,
                "schedule": "constant",
                "epochs": 15,
                "batch_size": 100,
                TRAIN_ON_VALIDATION: True,
            },
        },
        "best": relu.BEST,
    },
    sources={
        "source": Source(
            title="Spiking Neural Network (SNN) with PyTorch: towards bridging the gap between deep "
            "learning and the human brain (its feed-forward network for comparison)",
            authors="Guillaume Chevalier",
            year=2019,
            url="https://github.com/guillaume-chevalier",
            reported={"mnist": [Reported(0.8690, "cell 12, the test after one epoch")]},
        ),
        "source-dropout": Source(
            title="Fast-classifying, high-accuracy spiking deep networks through weight and threshold "
            "balancing (the ReLU network of experiment 001, a notebook after it)",
            authors="Peter U. Diehl, Daniel Neil, Jonathan Binas, Matthew Cook, Shih-Chii Liu, "
            "Michael Pfeiffer",
            year=2015,
            url="https://doi.org/10.1109/IJCNN.2015.7280696",
            reported={"mnist": [Reported(0.9823, "experiment 001, cell 9")]},
        ),
    },
)


class ReluNet(relu.ReluNetwork):
    """Linear layers with ReLU and dropout between them; the last one gives the logits.

    With `output_relu` the logits pass a ReLU too.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__(params.dropout, params.input_dropout)
        sizes = network_sizes(task, params)
        self.layers = nn.ModuleList(
            nn.Linear(n_in, n_out, bias=params.bias) for n_in, n_out in pairwise(sizes)
        )
        draw_uniform((p for p in self.parameters() if p.ndim == 2), params.init_bound)
        self.params = params
        self.to(device)
        self.optimizer = adam_or_sgd(self.parameters(), task, params)

    def affine_maps(self) -> Iterable[Callable[[Tensor], Tensor]]:
        """The linear layers, the last one with its ReLU if it has one."""
        *hidden, readout = self.layers
        return [*hidden, rectified(readout) if self.params.output_relu else readout]

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """What each layer receives [B, n] for `inputs` [B, ...], and last the logits [B, C]."""
        return self.analog(inputs)


@hookimpl
def harness_presets() -> Presets:
    """The parameters and presets."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> ReluNet:
    """The network with its initial weights, and its optimizer."""
    require_static_classification(task)
    return ReluNet(task, params, device)


@hookimpl
def harness_encode(model: ReluNet, inputs: Tensor) -> Tensor:
    """The inputs themselves as one step [1, B, ...], a view where they are not shifted."""
    shift = model.params.input_shift
    return (inputs - shift if shift else inputs).unsqueeze(0)


@hookimpl
def harness_train_step(model: ReluNet, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update on the cross-entropy."""
    logits = model(spikes[0])[-1]
    return cross_entropy_step(model.optimizer, logits, targets, model.params.label_smoothing)


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
