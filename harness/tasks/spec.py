"""What a task is to the host: a description, and a function that fetches its arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Part of every cached file's name: raise it when a split or the file's layout changes.
SPLIT_VERSION = 2


@dataclass(frozen=True)
class RawData:
    """Where a task's raw data were found. `identity` names their exact content in the cache."""

    identity: str
    facts: dict[str, Any]
    read: Callable[[], Arrays]


@dataclass(frozen=True)
class Arrays:
    """A task's data after the split: uint8 or float32 inputs [N, *input_shape], int64 targets [N].

    Samples that are spike trains are [N, T, *input_shape], and so are target spike trains
    [N, T, n_out], both uint8. Inputs divided by `scale` lie in [0, 1].
    """

    splits: dict[str, tuple[NDArray[Any], NDArray[Any]]]
    scale: float


class Published(NamedTuple):
    """What a paper reports for a task: test accuracy, as a fraction, of a method."""

    method: str
    accuracy: float
    source: str


@dataclass(frozen=True)
class TaskSpec:
    """One task. `locate(data, download_to, say)` finds its raw data, and downloads them if necessary.

    `steps` is set where a sample is a spike train of that many steps of 1 ms. `published` are figures
    to compare with.
    """

    name: str
    kind: str
    description: str
    input_shape: tuple[int, ...]
    classes: int
    sizes: dict[str, int]
    locate: Callable[[Sequence[Path], Path, Callable[[str], None]], RawData]
    needs_download: bool = False
    steps: int | None = None
    origin: str = "embedded"
    published: tuple[Published, ...] = ()

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one stored sample."""
        return self.input_shape if self.steps is None else (self.steps, *self.input_shape)
