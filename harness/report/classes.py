"""What a run's description says of the classes of a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.report.content import prose
from harness.report.numbers import listed, plain


def class_names(data: Mapping[str, Any]) -> Sequence[str]:
    """The names of the classes from 0 on, as a task's `data` give them; none where they do not."""
    names = data.get("class_names")
    return [plain(name) for name in names] if isinstance(names, (list, tuple)) else []


def class_name(number: int, names: Sequence[str]) -> str:
    """What a class is called: by its name, or `Class 3`."""
    return names[number] if number < len(names) else f"Class {number}"


def without_samples(data: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each split of a task's `data` that has no sample of some class."""
    by_split, names = data.get("classes_without_samples"), class_names(data)
    for split, numbers in by_split.items() if isinstance(by_split, Mapping) else ():
        if split in ("train", "test") and isinstance(numbers, (list, tuple)) and numbers:
            noun = "classes" if len(numbers) > 1 else "class"
            each = listed(_with_name(number, names) for number in numbers)
            yield prose("warnings", f"{split}_lacks", classes=f"{noun} {each}")


def _with_name(number: object, names: Sequence[str]) -> str:
    if isinstance(number, int) and 0 <= number < len(names):
        return f"{number} ({names[number]})"
    return plain(number)
