"""The built-in tasks, by the same hook as anybody's; and what becomes of any task's data. No torch."""

from __future__ import annotations

from importlib import import_module

from harness.catalogue.tasks import BUILT_IN
from harness.errors import unknown
from harness.plugin.tasks import TaskSpec


def find(name: str) -> TaskSpec:
    """The built-in task called `name`; UsageError with the nearest name where there is none."""
    if name not in BUILT_IN:
        raise unknown("task", name, BUILT_IN)
    specs: list[TaskSpec] = import_module(BUILT_IN[name]).harness_tasks()
    return next(spec for spec in specs if spec.name == name)
