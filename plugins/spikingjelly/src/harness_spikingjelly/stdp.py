"""`spikingjelly-stdp`: a winner-take-all layer that learns without labels by SpikingJelly's STDPLearner.

After Diehl and Cook 2015. Labels are used once, after learning, to read classes from spike counts. The
lateral inhibition is one comparison over the layer and is not among the recorded connections.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from harness.plugin import Evaluation, Layer, Params, Presets, Scalars, Task, hookimpl
from harness.plugin.toolkit.codes import harness_encode
from harness.plugin.toolkit.labels import assign_labels
from harness.plugin.toolkit.requirements import require_static_classification
from harness.plugin.toolkit.training import Batches
from harness.plugin.toolkit.training_state import Attributes
from harness_spikingjelly.network import Network
from harness_spikingjelly.stdp_presets import PRESETS

__all__ = [
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_finish_training",
    "harness_presets",
    "harness_train_step",
    "harness_training_state",
]

#: Samples labelled at once: the batches of training are small, and those of labelling need not be.
_LABEL_BATCH = 500


@hookimpl
def harness_presets() -> Presets:
    """See `stdp_presets`."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """Random weights, drawn on the CPU so that they are the same on every device."""
    require_static_classification(task)
    model = Network(task, params).to(device)
    # SpikingJelly imports its kernels at the first step; those seconds are not part of the training.
    model(torch.zeros(1, 1, task.inputs, device=device))
    return model


@hookimpl
def harness_train_step(model: Network, spikes: Tensor) -> Scalars:
    """One update from a batch of presentations; it uses no targets."""
    output = model.learn(spikes)
    return {
        "output_spikes": output.sum() / output.shape[1],
        "threshold": model.neurons.threshold.mean(),
    }


@hookimpl
def harness_training_state(model: Network) -> dict[str, Attributes]:
    """How many samples were presented: the learning rate depends on it."""
    return {"network": Attributes(model, "presented")}


@hookimpl
def harness_finish_training(model: Network, batches: Batches, generator: Generator) -> Scalars:
    """Fills the readout by how often each neuron spikes for each class of the training set."""
    return assign_labels(model, batches, generator, at_once=_LABEL_BATCH)


@hookimpl
def harness_evaluate(model: Network, spikes: Tensor, record: bool) -> Evaluation:
    """Scores [T, B, C] from the spikes so far; weights and thresholds do not change."""
    output = model(spikes)
    scores = output.cumsum(dim=0) @ model.readout
    if not record:
        return Evaluation(scores)
    return Evaluation(scores, [Layer("output", spikes, model.synapse, output)])
