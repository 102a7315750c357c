"""What the author of a task writes: a description, and a function that reads its arrays. No torch.

The shortest one::

    @hookimpl
    def harness_tasks():
        return [TaskSpec(name="wine", description="...", classes=3, files={"wine.csv": ""}, read=read)]

`docs/tasks.md` explains it with examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import UsageError
from harness.plugin.contract import CLASSIFICATION, Task
from harness.plugin.parameters import Parameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The splits that a classification has.
SPLITS = ("train", "validation", "test")


class Loader:
    """Samples that are read one at a time: for data that do not fit into memory.

    `load(i)` returns sample i, an array of `shape`; `dtype` is "uint8" or "float32".
    """

    def __init__(
        self, length: int, shape: tuple[int, ...], dtype: str, load: Callable[[int], Any]
    ) -> None:
        self.shape, self.dtype, self._load = (length, *shape), dtype, load

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> NDArray[Any]:
        """The samples of a slice, one array."""
        import numpy as np

        places = range(*part.indices(len(self)))
        samples = [np.asarray(self._load(i)) for i in places]
        for place, sample in zip(places, samples):
            if sample.shape != self.shape[1:]:
                raise UsageError(f"sample {place} has shape {sample.shape}, not {self.shape[1:]}")
        return np.stack(samples) if samples else np.empty((0, *self.shape[1:]), self.dtype)


@dataclass(frozen=True)
class Arrays:
    """A task's data after the split: uint8 or float32 inputs [N, *input_shape], int64 targets [N].

    Samples that are spike trains are [N, T, *input_shape]. Target spike trains are [N, T, n_out], uint8.
    Inputs divided by `scale` lie in [0, 1]. Inputs may be an array, a memory map or a `Loader`. `places` of
    a split [N] say where its samples lay before the split: mistakes are told by them.
    """

    splits: Mapping[str, tuple[Any, Any]]
    scale: float = 1.0
    places: Mapping[str, Any] = field(default_factory=dict)


def split_at_random(
    inputs: Any,
    targets: Any,
    *,
    validation: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
    scale: float = 1.0,
) -> Arrays:
    """Divides samples into the three splits by a fixed permutation; two fractions say how.

    RandomState's stream is frozen by numpy's policy, so the split is the same in every version. Inputs
    that are a memory map or a `Loader` are not read.
    """
    import numpy as np

    inputs = inputs if hasattr(inputs, "shape") else np.asarray(inputs)
    total = len(inputs)
    if len(targets) != total:
        raise UsageError(f"{total} inputs and {len(targets)} targets: wanted one for each sample")
    held = [round(total * share) for share in (validation, test)]
    if min(*held, total - sum(held)) < 1:
        raise UsageError(
            f"{total} samples give no splits with validation={validation:g} and test={test:g}"
        )
    order = np.random.RandomState(seed).permutation(total)
    parts = dict(zip(SPLITS, np.split(order, [total - sum(held), total - held[1]])))
    labels = np.asarray(targets)
    taken = {name: (_taken(inputs, part), labels[part]) for name, part in parts.items()}
    return Arrays(taken, scale, parts)


def _taken(inputs: Any, index: NDArray[Any]) -> Any:
    import numpy as np

    if isinstance(inputs, np.ndarray) and not isinstance(inputs, np.memmap):
        return inputs[index]
    places = index.tolist()
    load: Callable[[int], Any] = lambda i: inputs[places[i] : places[i] + 1][0]  # noqa: E731
    return Loader(len(places), tuple(inputs.shape[1:]), str(inputs.dtype), load)


@dataclass(frozen=True)
class RawData:
    """Where a task's raw data were found. `identity` names their exact content in the cache."""

    identity: str
    facts: dict[str, Any]
    read: Callable[[], Arrays]


class Published(NamedTuple):
    """What a paper reports for a task: test accuracy, as a fraction, of a method."""

    method: str
    accuracy: float
    source: str


@dataclass(frozen=True)
class TaskSpec:
    """One task.

    `files` are the names of the raw files or folders that it is made of, each with its SHA-256 or MD5, or
    "" where it is not known. They are looked for in the folders of --data and HARNESS_DATA, and beside
    the task's own file. `read` is given their paths by name, and returns the arrays. `locate(data,
    download_to, say)` takes the place of both where searching needs more, such as a download; `look` then
    says for `harness tasks NAME` what lies where.

    `input_shape` and `sizes` are checked where they are given, and found from the arrays otherwise.
    `steps` is set where a sample is a spike train of that many steps of `step_ms`. `classes` are the
    output neurons where spike trains are to be fitted. Splits that have samples in common are an error,
    unless `shared_samples` says why that has to be so. `class_names`, where given, are the names of the
    classes from 0 on, by which the report calls them. `origin` says in words where the data come from,
    `source` where they are published. `published` are figures to compare with.

    `parameters` are those of the task itself, as in `--task NAME:steps=20`: `variant` is called with all
    of them, by name, and returns the task that they describe.
    """

    name: str
    description: str
    classes: int
    kind: str = CLASSIFICATION
    read: Callable[[Mapping[str, Path]], Arrays] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    locate: Callable[[Sequence[Path], Path, Callable[[str], None]], RawData] | None = None
    look: Callable[[Sequence[Path]], list[str]] | None = None
    input_shape: tuple[int, ...] | None = None
    sizes: Mapping[str, int] | None = None
    steps: int | None = None
    step_ms: float = 1.0
    origin: str = "given"
    source: str = ""
    licence: str = ""
    citation: str = ""
    published: tuple[Published, ...] = ()
    shared_samples: str = ""
    class_names: Sequence[str] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    variant: Callable[..., TaskSpec] | None = None

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one stored sample; only where `input_shape` is given."""
        shape = self.input_shape or ()
        return shape if self.steps is None else (self.steps, *shape)

    def for_plugins(self, sample_shape: tuple[int, ...], train_size: int) -> Task:
        """The task as plugins see it, with the shape that a stored sample turned out to have."""
        shape = sample_shape if self.steps is None else sample_shape[1:]
        return Task(self.name, self.kind, shape, self.classes, train_size, self.steps, self.step_ms)
