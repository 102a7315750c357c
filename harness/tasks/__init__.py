"""The tasks: what has to be solved, and how its data are had. Imports no torch."""

from __future__ import annotations

from harness.errors import unknown
from harness.tasks.digits import DIGITS
from harness.tasks.spec import TaskSpec
from harness.tasks.vision import FASHION_MNIST, KMNIST, MNIST

TASKS: dict[str, TaskSpec] = {spec.name: spec for spec in (DIGITS, MNIST, FASHION_MNIST, KMNIST)}


def find(name: str) -> TaskSpec:
    """The task called `name`; UsageError with the nearest name where there is none."""
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name]
