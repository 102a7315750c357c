"""`spikingjelly-stdp-supervised`: STDP with signed weights, supervised by a teacher or a reward.

The weights of SpikingJelly's LIF neurons change by the pairing of presynaptic traces with a signal
instead of a gradient. Adam makes the update, which SpikingJelly's learners support. `supervised_rule`
has the rule, and `supervised_signals` the signals.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.plugin import Evaluation, Layer, Params, Presets, Scalars, Task, hookimpl
from harness.plugin.toolkit.codes import harness_encode
from harness.plugin.toolkit.readouts import accuracy, densities
from harness.plugin.toolkit.requirements import require_static_classification
from harness.plugin.toolkit.training_state import harness_training_state
from harness_spikingjelly.supervised_network import Network
from harness_spikingjelly.supervised_presets import PRESETS

__all__ = [
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_presets",
    "harness_train_step",
    "harness_training_state",
]


@hookimpl
def harness_presets() -> Presets:
    """See `supervised_presets`."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """Random weights, drawn on the CPU so that they are the same on every device."""
    require_static_classification(task)
    model = Network(task, params, device)
    # SpikingJelly imports its kernels at the first step; those seconds are not part of the training.
    with torch.no_grad():
        model(torch.zeros(1, 1, task.inputs, device=device))
    return model


@hookimpl
def harness_train_step(model: Network, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update; `loss`, the squared error of the output's firing rates, is only reported."""
    _, *hidden, output = model.learn(spikes, targets)
    rates = output.mean(dim=0)
    classes = nn.functional.one_hot(targets, rates.shape[1]).to(rates)
    return {
        "loss": nn.functional.mse_loss(rates, classes),
        "accuracy": accuracy(rates, targets),
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
