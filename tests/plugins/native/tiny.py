"""A network small enough to be written out by hand, in float64."""

from __future__ import annotations

import torch

from harness.plugin import Params, Task

TASK = Task("tiny", "classification", (1, 2, 3), classes=4, train_size=40)


def build(rule, **overrides):
    """The model of a rule's module."""
    values = {"hidden": 5, "steps": 8, "window": 3, "gain": 2.0, "epochs": 1, **overrides}
    params = Params(**rule.harness_presets().resolve("quick", "any", values))
    torch.manual_seed(0)
    return rule.harness_build_model(TASK, params, torch.device("cpu")).double()


def batch(rule, model, samples=3):
    """Spikes [T, B, 6] and targets [B]."""
    draws = torch.Generator().manual_seed(2)
    inputs = torch.rand(samples, 1, 2, 3, dtype=torch.float64, generator=draws)
    targets = torch.randint(4, (samples,), generator=draws)
    return rule.harness_encode(model, inputs, draws), targets


def kept(model, spikes, seed):
    """What `model` multiplies each layer's spikes with in its next training step: lists [B][n].

    The next draws are then those of this one.
    """
    torch.manual_seed(seed)
    found = [layer.kept for layer in model.layers(spikes)]
    torch.manual_seed(seed)
    samples = spikes.shape[1]
    return [
        [[1.0] * len(weight)] * samples if factors is None else factors.tolist()
        for factors, weight in zip(found, model.weights)
    ]
