"""`spikingjelly-conversion`: train a ReLU network, convert it by SpikingJelly's ann2snn.

Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient event-driven networks
for image classification", Frontiers in Neuroscience 11:682; SpikingJelly's `RateCodingRecipe`.
"""

from __future__ import annotations

import torch

from harness.plugin import Params, Presets, Scalars, Task, hookimpl
from harness.plugin.toolkit.conversion import (
    Batches,
    harness_encode,
    harness_evaluate,
    harness_train_step,
)
from harness.plugin.toolkit.converted import network_stages
from harness.plugin.toolkit.requirements import require_static_classification
from harness.plugin.toolkit.training_state import harness_training_state
from harness.plugin.toolkit.weights import network_sizes
from harness_spikingjelly.conversion_network import ConvertedNet
from harness_spikingjelly.conversion_presets import PRESETS
from harness_spikingjelly.conversion_stages import ConvertedStages

__all__ = [
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_finish_training",
    "harness_presets",
    "harness_train_step",
    "harness_training_state",
]


@hookimpl
def harness_presets() -> Presets:
    """See `conversion_presets`."""
    return PRESETS


@hookimpl
def harness_build_model(
    task: Task, params: Params, device: torch.device
) -> ConvertedNet | ConvertedStages:
    """The network with PyTorch's default initialisation; its scales are still 1."""
    require_static_classification(task)
    conversion = {
        "mode": params.mode,
        "momentum": params.momentum,
        "initial_membrane": params.initial_membrane,
    }
    model: ConvertedNet | ConvertedStages
    stages = network_stages(task, params)
    if stages is None:
        dropouts = {"dropout": params.dropout, "input_dropout": params.input_dropout}
        model = ConvertedNet(network_sizes(task, params), **dropouts, **conversion)
    else:
        model = ConvertedStages(stages, task.input_shape, **conversion)
    model.prepare_training(task, params, device)
    # SpikingJelly imports its kernels at the first step; those seconds are not part of the inference.
    with torch.no_grad():
        model(torch.zeros(1, 1, task.inputs, device=device))
    return model


@hookimpl
def harness_finish_training(model: ConvertedNet | ConvertedStages, batches: Batches) -> Scalars:
    """The conversion; its scales are calibrated on the training set."""
    return {f"scale{number}": scale for number, scale in enumerate(model.calibrate(batches), 1)}
