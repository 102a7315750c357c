"""STDP of SpikingJelly's LIF neurons, with signed weights, under a teacher or a reward.

The weights follow the pairing of presynaptic traces with a signal instead of the gradient; Adam
takes the step, as SpikingJelly's learners provide for. See `supervised_rule` for the update and
`supervised_signals` for what is paired.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, device, nn

from harness.plugin import hookimpl
from harness.plugin.toolkit.codes import encode
from harness.plugin import Evaluation, Layer, Params, Presets, Scalars, Task, Unsupported
from harness.plugin.toolkit.readouts import densities
from harness_spikingjelly.supervised_network import Network
from harness_spikingjelly.supervised_presets import PRESETS


@hookimpl
def harness_presets() -> Presets:
    """See `supervised_presets`."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: device) -> nn.Module:
    """Random weights, drawn on the CPU so that every device starts from the same."""
    if task.kind != "classification":
        raise Unsupported(f"a {task.kind} task has no classes to teach")
    if task.steps is not None:
        raise Unsupported("takes values that it codes as spikes itself, not spike trains")
    model = Network(task, params, device)
    # SpikingJelly imports its kernels at the first step, which takes seconds and is not learning.
    with torch.no_grad():
        model(torch.zeros(1, 1, task.inputs, device=device))
    return model


@hookimpl
def harness_encode(model: Network, inputs: Tensor, generator: Generator) -> Tensor:
    """Spike trains [T, B, N] with rates in proportion to the inputs."""
    p = model.params
    return encode(inputs, p.code, p.steps, p.max_rate, generator)


@hookimpl
def harness_train_step(model: Network, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update; the loss is the squared error of the output's firing rates, for the eye only."""
    _, *hidden, output = model.learn(spikes, targets)
    rates = output.mean(dim=0)
    wanted = nn.functional.one_hot(targets, rates.shape[1]).to(rates)
    return {
        "loss": nn.functional.mse_loss(rates, wanted),
        "accuracy": (rates.argmax(dim=1) == targets).float().mean(),
        **densities(hidden),
    }


@hookimpl
def harness_evaluate(model: Network, spikes: Tensor, record: bool) -> Evaluation:
    """The output neurons' spike counts so far, [T, B, C]."""
    activity = model(spikes)
    scores = activity[-1].cumsum(dim=0)
    if not record:
        return Evaluation(scores)
    names = [*(f"hidden{number}" for number in range(1, len(activity) - 1)), "output"]
    layers = zip(names, activity, model.synapses, activity[1:])
    return Evaluation(scores, [Layer(*layer) for layer in layers])
