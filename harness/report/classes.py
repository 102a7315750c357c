"""What a run's description says of the classes of a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.report.content import prose
from harness.report.numbers import listed


def without_samples(data: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each split of a task's `data` that has no sample of some class."""
    told = data.get("classes_without_samples")
    for split, numbers in told.items() if isinstance(told, Mapping) else ():
        if split in ("train", "test") and isinstance(numbers, (list, tuple)) and numbers:
            noun = "classes" if len(numbers) > 1 else "class"
            yield prose("warnings", f"{split}_lacks", classes=f"{noun} {listed(numbers)}")
