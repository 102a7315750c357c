"""The tasks of a run: accuracies, losses and times of two tasks are never compared with each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from harness.results.record import NetworkTiming, Record, TrialRecord

R = TypeVar("R", bound=Record)


def task_of(record: Record) -> str:
    """The task of a network's record; "" for layers, and for what a whole command measures."""
    return record.row.task if isinstance(record, (TrialRecord, NetworkTiming)) else ""


def by_task(records: Sequence[R]) -> dict[str, list[R]]:
    """The records of each task, tasks in the order in which they appear; never empty.

    What is of no task, as the peaks of the device, belongs to each. Without any task, the only key is "".
    """
    tasks = list(dict.fromkeys(filter(None, map(task_of, records)))) or [""]
    return {task: [record for record in records if task_of(record) in ("", task)] for task in tasks}
