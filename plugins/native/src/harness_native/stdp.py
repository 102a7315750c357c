"""`native-stdp`: a winner-take-all layer that learns without labels, by matrix products.

After Diehl and Cook 2015; the equations are in `stdp_layer` and `stdp_rule`. Labels are used once,
after learning, to read classes from spike counts. The lateral inhibition is one comparison over the
layer and is not among the recorded connections.
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
from harness_native.stdp_layer import NOBODY, one_hot
from harness_native.stdp_network import Network
from harness_native.stdp_presets import PRESETS

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
    """See `stdp_presets`."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """Random weights, drawn on the CPU so that they are the same on every device."""
    require_static_classification(task)
    return Network(task, params).to(device)


@hookimpl
def harness_train_step(model: Network, spikes: Tensor) -> Scalars:
    """One update from a batch of presentations; it uses no targets."""
    winners = model.learn(spikes)
    return {
        "output_spikes": (winners != NOBODY).sum() / winners.shape[1],
        "threshold": model.threshold.mean(),
    }


@hookimpl
def harness_training_state(model: Network) -> dict[str, Attributes]:
    """How many samples were presented: the learning rate depends on it."""
    return {"network": Attributes(model, "presented")}


@hookimpl
def harness_finish_training(model: Network, batches: Batches, generator: Generator) -> Scalars:
    """Fills the readout by how often each neuron spikes for each class of the training set."""
    return assign_labels(model, batches, generator)


@hookimpl
def harness_evaluate(model: Network, spikes: Tensor, record: bool) -> Evaluation:
    """Scores [T, B, C] from the spikes so far; weights and thresholds do not change."""
    winners = model(spikes)
    scores = model.scores(winners)
    if not record:
        return Evaluation(scores)
    output = one_hot(winners, len(model.threshold), spikes.dtype)
    return Evaluation(scores, [Layer("output", spikes, model.weight, output)])
