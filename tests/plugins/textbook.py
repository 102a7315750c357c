"""The network of backpropagation through time, step by step from its equations, left to autograd.

Against it every framework's network is checked, on weights in quarters and inputs in halves: their
sums are exact in whichever order, and membranes lie exactly on the threshold in places.
"""

from __future__ import annotations

import math

import torch

from harness.plugin import Params, Task

TASK = Task("tiny", "classification", (1, 2, 3), classes=4, train_size=40)
STEPS, SAMPLES = 12, 16
#: Thresholds rise by quarters and everything decays by halves: exact too.
RECURRENT = {
    "network": "recurrent",
    "recurrent_gain": 1.0,
    "beta": 0.5,
    "adaptation": 0.25,
    "adaptation_decay": 0.5,
}

SURROGATES = {
    "fast_sigmoid": lambda v, k: 1 / (1 + k * v.abs()) ** 2,
    "atan": lambda v, k: 1 / (1 + (math.pi / 2 * k * v) ** 2),
    "triangular": lambda v, k: torch.relu(1 - k * v.abs()),
}


class Spike(torch.autograd.Function):
    """A step whose derivative is given as its values `slopes`."""

    @staticmethod
    def forward(ctx, v, slopes):
        ctx.save_for_backward(slopes)
        return (v >= 0).to(v.dtype)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0], None


def layer(currents, p, recurrent=None):
    """Spikes, and distances from the threshold, lists over time, of one layer.

    With weights `recurrent` [n, n] it receives its own spikes of the step before, and its first neurons
    have thresholds that rise with each of their spikes.
    """
    membrane = spikes = trace = torch.zeros_like(currents[0])
    adaptive = torch.arange(membrane.shape[1]) < round(p.adaptive * membrane.shape[1])
    emitted, distances = [], []
    for current in currents:
        reset = spikes.detach() if p.detach else spikes
        membrane = p.beta * (membrane - p.theta * reset) + current
        if recurrent is not None:
            membrane = membrane + spikes @ recurrent.T
        trace = p.adaptation_decay * trace + spikes
        v = membrane - p.theta * (1 + p.adaptation * adaptive * trace)
        slopes = SURROGATES[p.surrogate](v.detach(), p.slope / p.theta)
        spikes = Spike.apply(v, slopes)
        emitted.append(spikes)
        distances.append(v.detach())
    return emitted, distances


def build(module, **overrides):
    """A plugin's network with weights in quarters."""
    values = {"hidden": "16-12", "steps": STEPS, "window": 5, "label_smoothing": 0.1, **overrides}
    params = Params(**module.harness_presets().resolve("quick", "any", values))
    torch.manual_seed(0)
    network = module.harness_build_model(TASK, params, torch.device("cpu"))
    with torch.no_grad():
        for weight in connections(network):
            weight.copy_((weight * 4).round() / 4)
    return network


def connections(network):
    """The weights of the hidden layers and the readout, and then the recurrent ones."""
    return [*network.weights, *(network.recurrence.weights if network.recurrence else ())]


def batch():
    """Currents [T, B, 6] in halves, and targets [B]."""
    draws = torch.Generator().manual_seed(1)
    currents = torch.randint(0, 3, (STEPS, SAMPLES, TASK.inputs), generator=draws) / 2
    return currents, torch.arange(SAMPLES) % TASK.classes


def check(module, **overrides):
    """One training step of a plugin's network is that of the equations: spikes, answer, gradients."""
    network = build(module, **overrides)
    p = network.params
    inputs, targets = batch()
    weights = [weight.detach().clone().requires_grad_() for weight in connections(network)]
    hidden = len(network.weights) - 1
    recurrent = weights[hidden + 1 :] or [None] * hidden

    received, on_threshold = list(inputs), 0
    for weight, own, found in zip(weights, recurrent, network.eval()(inputs)[1:]):
        received, distances = layer([x @ weight.T for x in received], p, own)
        on_threshold += sum(int((v == 0).sum()) for v in distances)
        assert torch.equal(found, torch.stack(received))
        assert 0.005 < found.mean() < 0.6
    assert on_threshold > 5
    wanted = sum(received[-5:]) / 5 @ weights[hidden].T
    found = module.harness_evaluate(network, inputs, record=False).scores
    assert torch.allclose(found, wanted, rtol=1e-6, atol=1e-6)

    torch.nn.functional.cross_entropy(wanted, targets, label_smoothing=0.1).backward()
    module.harness_train_step(network.train(), inputs, targets)
    for weight, reference in zip(connections(network), weights):
        largest = reference.grad.abs().max()
        assert largest > 1e-5
        assert (weight.grad - reference.grad).abs().max() < 1e-6 * largest
