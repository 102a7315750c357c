"""Unsupervised learning of a winner-take-all layer by SpikingJelly's own STDPLearner.

After Diehl & Cook 2015. Labels are used once, after learning, to read classes from spike counts.
The lateral inhibition is one comparison over the layer; it is not among the recorded connections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Generator, Tensor, device, nn

from harness.plugin import hookimpl
from harness.plugin.toolkit.codes import encode
from harness.plugin import Evaluation, Layer, Params, Presets, Scalars, Task, Unsupported
from harness_spikingjelly import labels
from harness_spikingjelly.network import Network
from harness_spikingjelly.stdp_presets import PRESETS

#: Samples labelled at once: the batches of learning are small, and labelling need not be.
_LABEL_BATCH = 500


@hookimpl
def harness_presets() -> Presets:
    """See `stdp_presets`."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: device) -> nn.Module:
    """Random weights, drawn on the CPU so that every device starts from the same."""
    if task.kind != "classification":
        raise Unsupported(f"the spikes of a winner name a class; {task.name} is {task.kind}")
    if task.steps is not None:
        raise Unsupported(f"{task.name} comes as spikes over time; the rates of a still are learnt")
    presentations = task.train_size * params.epochs
    model = Network(task.inputs, task.classes, presentations, params).to(device)
    # SpikingJelly imports its kernels at the first step, which takes seconds and is not learning.
    model(torch.zeros(1, 1, task.inputs, device=device))
    return model


@hookimpl
def harness_encode(model: Network, inputs: Tensor, generator: Generator) -> Tensor:
    """Spike trains [T, B, N] with rates in proportion to the inputs."""
    p = model.params
    return encode(inputs, p.code, p.steps, p.max_rate, generator)


@hookimpl
def harness_train_step(model: Network, spikes: Tensor) -> Scalars:
    """One batch of presentations; targets are not looked at."""
    output = model.learn(spikes)
    return {
        "output_spikes": output.sum() / output.shape[1],
        "threshold": model.neurons.threshold.mean(),
    }


@hookimpl
def harness_finish_training(
    model: Network, batches: Iterable[tuple[Tensor, Tensor]], generator: Generator
) -> Scalars:
    """Reads off how often each neuron spikes for each class of the training set."""
    counts = torch.zeros_like(model.readout)
    samples = counts.new_zeros(counts.shape[1])
    for inputs, targets in _merged(batches, _LABEL_BATCH):
        output = model(harness_encode(model, inputs, generator)).sum(dim=0)
        classes = nn.functional.one_hot(targets, counts.shape[1]).to(counts)
        counts += output.T @ classes
        samples += classes.sum(dim=0)
    model.readout.copy_(labels.readout(counts, samples, model.params.readout))
    return {"silent_neurons": (counts.sum(dim=1) == 0).float().mean()}


def _merged(batches: Iterable[tuple[Tensor, Tensor]], size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The same samples in batches of at least `size`, but for the last."""
    held: list[tuple[Tensor, Tensor]] = []
    for batch in batches:
        held.append(batch)
        if sum(len(targets) for _, targets in held) >= size:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(held: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    inputs, targets = zip(*held, strict=True)
    return torch.cat(inputs), torch.cat(targets)


@hookimpl
def harness_evaluate(model: Network, spikes: Tensor, record: bool) -> Evaluation:
    """Scores [T, B, C] from the spikes so far; no learning, and the thresholds stand still."""
    output = model(spikes)
    scores = output.cumsum(dim=0) @ model.readout
    if not record:
        return Evaluation(scores)
    return Evaluation(scores, [Layer("output", spikes, model.synapse, output)])
