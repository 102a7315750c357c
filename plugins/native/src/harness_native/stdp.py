"""`native-stdp`: a winner-take-all layer that learns without labels, by matrix products.

After Diehl & Cook 2015; the equations are in `stdp_layer` and `stdp_rule`. Labels are used once,
after learning, to read classes from spike counts. The lateral inhibition is one comparison over the
layer; it is not among the recorded connections.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Generator, Tensor, device

from harness.plugin import hookimpl
from harness.plugin.toolkit.codes import encode
from harness.plugin import Evaluation, Layer, Params, Presets, Scalars, Task, Unsupported
from harness_native.stdp_labels import readout
from harness_native.stdp_layer import NOBODY, one_hot
from harness_native.stdp_network import Network
from harness_native.stdp_presets import PRESETS


@hookimpl
def harness_presets() -> Presets:
    """See `stdp_presets`."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: device) -> Network:
    """Random weights, drawn on the CPU so that every device starts from the same."""
    if task.kind != "classification":
        raise Unsupported(f"the spikes of a winner name a class; {task.name} is {task.kind}")
    if task.steps is not None:
        raise Unsupported(f"{task.name} comes as spikes over time; the rates of a still are learnt")
    return Network(task, params).to(device)


@hookimpl
def harness_encode(model: Network, inputs: Tensor, generator: Generator) -> Tensor:
    """Spike trains [T, B, N] with rates in proportion to the inputs."""
    p = model.params
    return encode(inputs, p.code, p.steps, p.max_rate, generator)


@hookimpl
def harness_train_step(model: Network, spikes: Tensor) -> Scalars:
    """One batch of presentations; targets are not looked at."""
    winners = model.learn(spikes)
    return {
        "output_spikes": (winners != NOBODY).sum() / winners.shape[1],
        "threshold": model.threshold.mean(),
    }


@hookimpl
def harness_finish_training(
    model: Network, batches: Iterable[tuple[Tensor, Tensor]], generator: Generator
) -> Scalars:
    """Reads off how often each neuron spikes for each class of the training set."""
    classes = model.readout.shape[1]
    counts = torch.zeros_like(model.readout)
    samples = counts.new_zeros(classes)
    for inputs, targets in batches:
        winners = model(harness_encode(model, inputs, generator))
        fired = winners != NOBODY
        pairs = winners * classes + targets
        counts += torch.bincount(pairs[fired], minlength=counts.numel()).view_as(counts)
        samples += torch.bincount(targets, minlength=classes)
    model.readout.copy_(readout(counts, samples, model.params.readout))
    return {"silent_neurons": (counts.sum(dim=1) == 0).float().mean()}


@hookimpl
def harness_evaluate(model: Network, spikes: Tensor, record: bool) -> Evaluation:
    """Scores [T, B, C] from the spikes so far; no learning, and the thresholds stand still."""
    winners = model(spikes)
    scores = model.scores(winners)
    if not record:
        return Evaluation(scores)
    output = one_hot(winners, len(model.threshold), spikes.dtype)
    return Evaluation(scores, [Layer("output", spikes, model.weight, output)])
