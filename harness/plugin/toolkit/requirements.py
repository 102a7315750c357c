"""Refusals of tasks that a method cannot do, for the first lines of `harness_build_model`."""

from __future__ import annotations

from harness.plugin import CLASSIFICATION, Task, Unsupported


def require_classification(task: Task) -> None:
    """Unsupported for a `task` that is no classification."""
    if task.kind != CLASSIFICATION:
        raise Unsupported(f"the method classifies, and {task.name} is a {task.kind} task")


def require_static_classification(task: Task) -> None:
    """Unsupported for a `task` other than the classification of static inputs."""
    require_classification(task)
    if task.steps is not None:
        raise Unsupported(
            f"the method needs static inputs, and those of {task.name} are spike trains"
        )
