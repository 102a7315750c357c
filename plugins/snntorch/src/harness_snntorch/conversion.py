"""`snntorch-conversion`: train a ReLU network, normalise it, run it on integrate-and-fire neurons.

Diehl et al. 2015, "Fast-classifying, high-accuracy spiking deep networks through weight and threshold
balancing", IJCNN; Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient
event-driven networks for image classification", Frontiers in Neuroscience 11:682.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from harness.plugin import Evaluation, Params, Presets, Scalars, Task, hookimpl
from harness.plugin.toolkit import conversion
from harness.plugin.toolkit.conversion import (
    Batches,
    harness_encode,
    harness_train_step,
)
from harness.plugin.toolkit.converted import network_stages
from harness.plugin.toolkit.requirements import require_static_classification
from harness.plugin.toolkit.training_state import harness_training_state
from harness.plugin.toolkit.variants import draw_uniform
from harness.plugin.toolkit.weights import network_sizes
from harness_snntorch.network import ConvertibleNet
from harness_snntorch.normalise import Net, layer_scales, thresholds
from harness_snntorch.presets import PRESETS
from harness_snntorch.stages import ConvertibleStagesNet

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
    """The parameters and presets."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Net:
    """The network with its initial weights; its scales are still 1."""
    require_static_classification(task)
    neurons = {
        "threshold": params.threshold,
        "beta": params.beta,
        "soft_reset": params.reset == "soft",
        "initial_membrane": params.initial_membrane,
        "output_spikes": params.output == "spikes",
        "output_relu": params.output_relu,
    }
    model: Net
    stages = network_stages(task, params)
    if stages is None:
        dropouts = {"dropout": params.dropout, "input_dropout": params.input_dropout}
        model = ConvertibleNet(network_sizes(task, params), **dropouts, **neurons)
    else:
        model = ConvertibleStagesNet(stages, task.input_shape, **neurons)
    if not params.model:
        draw_uniform(model.weights, params.init_bound)
    model.prepare_training(task, params, device)
    return model


@hookimpl
def harness_finish_training(model: Net, batches: Batches) -> Scalars:
    """The conversion: the scale of each layer that spikes, and from the scales the thresholds."""
    params = model.params
    if isinstance(model, ConvertibleStagesNet):
        model.fold()
    scales = layer_scales(model, params.normalisation, params.percentile, batches)
    layer_thresholds = thresholds(scales, params.threshold)
    for i, threshold in enumerate(layer_thresholds):
        model.get_buffer(f"neurons.{i}.threshold").fill_(threshold)
    if isinstance(model, ConvertibleStagesNet):
        model.scale_biases(layer_thresholds, params.max_rate)
    return {f"scale{i}": scale for i, scale in enumerate(scales, 1)}


@hookimpl
def harness_evaluate(model: Net, spikes: Tensor, record: bool) -> Evaluation:
    """The output's currents or spikes, summed up to each step [T, B, C]."""
    evaluation = conversion.harness_evaluate(model, spikes, record)
    if not (record and model.output_spikes):
        return evaluation
    *hidden, output = evaluation.layers
    counts = evaluation.scores
    emitted = counts.diff(dim=0, prepend=torch.zeros_like(counts[:1]))
    return dataclasses.replace(
        evaluation, layers=[*hidden, dataclasses.replace(output, outputs=emitted)]
    )
