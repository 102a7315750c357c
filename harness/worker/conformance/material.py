"""Small generated tasks, of every kind that there is: easy ones, so that whatever learns shows it."""

from __future__ import annotations

import torch

from harness.plugin import CLASSIFICATION, SPIKE_TRAIN, Task
from harness.worker.data import Split, TaskData

#: As many samples as the task `digits` has, whose presets are used; and few, for a quick check.
_TRAIN, _QUICK_TRAIN, _HELD_OUT = 1257, 320, 200
_CLASSES, _SEED = 10, 0
_PIXELS, _STEPS, _UNITS = 64, 60, 20
_FIT_STEPS, _FIT_INPUTS, _FIT_SPIKES = 200, 100, 3


def images(device: torch.device, quick: bool = False) -> TaskData:
    """In the shape of `digits`: ten random patterns of 8x8 grey values, with noise on every sample."""
    draws = torch.Generator().manual_seed(_SEED)
    patterns = (torch.rand(_CLASSES, _PIXELS, generator=draws) < 0.3) * 12.0

    def split(samples: int) -> Split:
        targets = torch.arange(samples) % _CLASSES
        noise = torch.randn(samples, _PIXELS, generator=draws) * 2
        grey = (patterns[targets] + noise).round().clamp(0, 16).to(torch.uint8)
        return Split(grey.view(-1, 1, 8, 8).to(device), 16.0, targets.to(device))

    train, held_out = split(_QUICK_TRAIN if quick else _TRAIN), split(_HELD_OUT)
    task = Task("digits", CLASSIFICATION, (1, 8, 8), _CLASSES, len(train))
    return TaskData(task, train, held_out, held_out)


def spikes(device: torch.device, quick: bool = False) -> TaskData:
    """In the shape of `randman`, with fewer steps: a spike of each unit, when the class says."""
    draws = torch.Generator().manual_seed(_SEED)
    times = torch.randint(2, _STEPS - 2, (_CLASSES, _UNITS), generator=draws)

    def split(samples: int) -> Split:
        targets = torch.arange(samples) % _CLASSES
        jitter = torch.randint(-2, 3, (samples, _UNITS), generator=draws)
        spikes = torch.arange(_STEPS).view(1, -1, 1) == (times[targets] + jitter).unsqueeze(1)
        return Split(spikes.to(device, torch.uint8), 1.0, targets.to(device))

    train, held_out = split(_QUICK_TRAIN if quick else _TRAIN), split(_HELD_OUT)
    task = Task("randman", CLASSIFICATION, (_UNITS,), _CLASSES, len(train), steps=_STEPS)
    return TaskData(task, train, held_out, held_out)


def spike_trains(device: torch.device, quick: bool = False) -> TaskData:
    """In the shape of `spike-train`, with fewer steps: one neuron is to spike at given times."""
    draws = torch.Generator().manual_seed(_SEED)
    inputs = torch.rand(1, _FIT_STEPS, _FIT_INPUTS, generator=draws) < 0.02
    targets = torch.zeros(1, _FIT_STEPS, 1, dtype=torch.uint8)
    targets[0, _FIT_STEPS // (2 * _FIT_SPIKES) :: _FIT_STEPS // _FIT_SPIKES] = 1
    pattern = Split(inputs.to(device, torch.uint8), 1.0, targets.to(device))
    task = Task("spike-train", SPIKE_TRAIN, (_FIT_INPUTS,), 1, 1, steps=_FIT_STEPS)
    return TaskData(task, pattern, pattern, pattern)


def odd_images(device: torch.device, quick: bool = False) -> TaskData:
    """Images of a shape that is nobody's: three colours of 5x7, four classes."""
    draws = torch.Generator().manual_seed(_SEED)

    def split(samples: int) -> Split:
        inputs = torch.rand(samples, 3, 5, 7, generator=draws)
        return Split(inputs.to(device), 1.0, (torch.arange(samples) % 4).to(device))

    train = split(64)
    return TaskData(Task("colours", CLASSIFICATION, (3, 5, 7), 4, 64), train, train, train)


#: A plugin is checked on the first that it does not refuse.
MAKERS = (images, spikes, spike_trains)
