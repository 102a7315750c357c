"""What a task is to the host: a description, and a function that fetches its arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Part of every cached file's name: raise it when a split or the file's layout changes.
SPLIT_VERSION = 1


@dataclass(frozen=True)
class Source:
    """Where a task's raw data were found. `identity` names their exact content in the cache."""

    identity: str
    facts: dict[str, Any]
    read: Callable[[], Arrays]


@dataclass(frozen=True)
class Arrays:
    """A task's data after the split: uint8 or float32 inputs [N, *input_shape], int64 targets [N].

    Inputs divided by `scale` lie in [0, 1].
    """

    splits: dict[str, tuple[NDArray[Any], NDArray[np.int64]]]
    scale: float


@dataclass(frozen=True)
class TaskSpec:
    """One task. `locate(data, download_to, say)` finds its raw data, downloads them where it must."""

    name: str
    kind: str
    description: str
    input_shape: tuple[int, ...]
    classes: int
    sizes: dict[str, int]
    needs_download: bool
    locate: Callable[[Sequence[Path], Path, Callable[[str], None]], Source]
