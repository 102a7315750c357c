"""The tasks: what has to be solved, and where its data come from. Imports no torch."""

from __future__ import annotations

from harness.errors import unknown
from harness.tasks.digits import DIGITS
from harness.tasks.randman import RANDMAN
from harness.tasks.spec import TaskSpec
from harness.tasks.spike_train import SPIKE_PATTERN, SPIKE_TRAIN
from harness.tasks.vision import FASHION_MNIST, KMNIST, MNIST
from harness.tasks.yin_yang import YIN_YANG

TASKS: dict[str, TaskSpec] = {
    spec.name: spec
    for spec in (
        DIGITS,
        MNIST,
        FASHION_MNIST,
        KMNIST,
        RANDMAN,
        YIN_YANG,
        SPIKE_TRAIN,
        SPIKE_PATTERN,
    )
}


def find(name: str) -> TaskSpec:
    """The task called `name`; UsageError with the nearest name where there is none."""
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name]
