"""What a task's arrays have to be: every mistake is one line, with its place in the author's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import DataMissing
from harness.plugin.contract import SPIKE_TRAIN
from harness.plugin.tasks import SPLITS, Arrays, TaskSpec
from harness.tasks.cached import Content, chunks_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class CheckedArrays:
    """The arrays of a task, their shapes checked; their content is checked as it is read."""

    def __init__(self, spec: TaskSpec, arrays: Arrays) -> None:
        import numpy as np

        self._spec, self._digests = spec, dict[str, list[Any]]()
        if not isinstance(arrays, Arrays):
            raise DataMissing(f"{spec.name}: read returned {type(arrays).__name__}, not Arrays")
        self.scale, self._places = float(arrays.scale), arrays.places
        if not 0 < self.scale < float("inf"):
            raise DataMissing(f"{spec.name}: scale is {arrays.scale}, wanted a number above 0")
        wanted = ("patterns",) if spec.kind == SPIKE_TRAIN else SPLITS
        if set(arrays.splits) != set(wanted):
            raise DataMissing(
                f"{spec.name}: the splits are {', '.join(arrays.splits) or 'none'}, wanted "
                f"{', '.join(wanted)} (harness.plugin.split_at_random makes them)"
            )
        self.splits = {
            name: (inputs if hasattr(inputs, "dtype") else np.asarray(inputs), np.asarray(targets))
            for name, (inputs, targets) in ((n, arrays.splits[n]) for n in wanted)
        }
        self.sizes = {name: len(inputs) for name, (inputs, _) in self.splits.items()}
        self.sample_shape = tuple(self.splits[wanted[0]][0].shape[1:])
        for name, (inputs, targets) in self.splits.items():
            self._check_shapes(name, inputs, targets)

    def contents(self) -> dict[str, Content]:
        """Every array by its name in the file, converted and checked while it is read."""
        contents: dict[str, Content] = {}
        for name, (inputs, targets) in self.splits.items():
            dtype = "uint8" if str(inputs.dtype) in ("uint8", "bool") else "float32"
            read = partial(self._inputs, name, dtype)
            contents[f"{name}_inputs"] = (dtype, tuple(inputs.shape), read)
            kind = "uint8" if self._spec.kind == SPIKE_TRAIN else "int64"
            labels = targets.astype(kind)
            contents[f"{name}_targets"] = (kind, labels.shape, partial(chunks_of, labels))
        return contents

    def shared(self) -> dict[str, int]:
        """How many samples of a split are in an earlier one too, once all inputs were read.

        DataMissing where there are any, unless the task says why.
        """
        import numpy as np

        seen, counts = np.empty(0, np.uint64), {}
        for name in self.splits:
            own = np.concatenate(self._digests[name])
            if common := int(np.isin(own, seen).sum()):
                counts[name] = common
            seen = np.concatenate([seen, own])
        if counts and not self._spec.shared_samples:
            text = ", ".join(f"{count} samples of {name}" for name, count in counts.items())
            raise DataMissing(
                f"{self._spec.name}: {text} are in an earlier split too: remove them there, or say in "
                "TaskSpec.shared_samples why they have to be"
            )
        return counts

    def _check_shapes(self, name: str, inputs: Any, targets: NDArray[Any]) -> None:
        spec, where = self._spec, f"{self._spec.name}: {name}"
        if len(inputs) != len(targets) or not len(inputs):
            raise DataMissing(f"{where} has {len(inputs)} inputs and {len(targets)} targets")
        expected = spec.sample_shape if spec.input_shape is not None else self.sample_shape
        if tuple(inputs.shape[1:]) != expected or not expected:
            raise DataMissing(f"{where} has samples of {tuple(inputs.shape[1:])}, not {expected}")
        if spec.steps is not None and expected[0] != spec.steps:
            raise DataMissing(f"{where} has {expected[0]} steps, not {spec.steps}")
        if spec.sizes is not None and len(inputs) != spec.sizes.get(name):
            raise DataMissing(f"{where} has {len(inputs)} samples, not {spec.sizes.get(name)}")
        dtype = str(inputs.dtype)
        if dtype not in ("uint8", "bool", "float16", "float32", "float64"):
            raise DataMissing(
                f"{where} has inputs of {dtype}, wanted uint8 or float32: `inputs.astype('float32')`"
            )
        if spec.kind != SPIKE_TRAIN:
            self._check_labels(name, targets)

    def _check_labels(self, name: str, targets: NDArray[Any]) -> None:
        where = f"{self._spec.name}: {name}"
        if targets.ndim != 1 or targets.dtype.kind not in "iu":
            mend = "np.unique(targets, return_inverse=True)[1]"  # names of classes
            if targets.ndim > 1:
                mend = "targets.argmax(1)"
            elif targets.dtype.kind in "fb":
                mend = "targets.astype(int)"
            raise DataMissing(
                f"{where} has targets of {targets.dtype} {targets.shape}, wanted integers, one each: "
                f"`{mend}`"
            )
        wrong = (targets < 0) | (targets >= self._spec.classes)
        if wrong.any():
            number = int(wrong.argmax())
            raise DataMissing(
                f"{self._place_of('targets', name, number, targets[number])}: a class has to be an integer "
                f"from 0 to {self._spec.classes - 1}"
            )

    def _place_of(self, array: str, name: str, number: int, value: object, inside: str = "") -> str:
        """`inputs[57, 2] is nan (sample 3 of train)`: a value where the author finds it.

        `inside` is the rest of the index, within sample `number` of the split `name`.
        """
        task = self._spec.name
        if name not in self._places:
            return f"{task}: {name} {array}[{number}{inside}] is {value}"
        place = int(self._places[name][number])
        return f"{task}: {array}[{place}{inside}] is {value} (sample {number} of {name})"

    def _inputs(self, name: str, dtype: str) -> Iterator[NDArray[Any]]:
        import hashlib

        import numpy as np

        done, digests = 0, self._digests.setdefault(name, [])
        for chunk in chunks_of(self.splits[name][0]):
            part = chunk.astype(dtype, copy=False)
            if part.shape[1:] != self.sample_shape:
                raise DataMissing(
                    f"{self._spec.name}: {name} sample {done} has shape {part.shape[1:]}, not "
                    f"{self.sample_shape}"
                )
            self._check_values(name, done, part)
            done += len(part)
            hashes = b"".join(hashlib.blake2b(sample, digest_size=8).digest() for sample in part)
            digests.append(np.frombuffer(hashes, np.uint64))
            yield part

    def _check_values(self, name: str, done: int, part: NDArray[Any]) -> None:
        import numpy as np

        low, high = float(part.min()), float(part.max())
        if low >= 0 and high <= self.scale * (1 + 1e-6):  # NaN fails both
            return
        bad = ~(np.isfinite(part) & (part >= 0) & (part <= self.scale * (1 + 1e-6)))
        number, *within = (int(place) for place in np.unravel_index(bad.argmax(), bad.shape))
        inside = "".join(f", {place}" for place in within)
        value = f"{float(part[number, *within]):g}"
        raise DataMissing(
            f"{self._place_of('inputs', name, done + number, value, inside)}: inputs divided by the scale "
            f"({self.scale:g}) must lie in [0, 1]"
        )


def spec_problem(specs: object) -> str:
    """What is wrong with what `harness_tasks` returned; empty where nothing is."""
    if not isinstance(specs, (list, tuple)) or not specs:
        return f"harness_tasks returned {type(specs).__name__}, wanted a list of TaskSpec"
    for spec in specs:
        if not isinstance(spec, TaskSpec):
            return f"harness_tasks returned a list with {type(spec).__name__}, wanted TaskSpec"
        if not spec.name or any(c in spec.name for c in ":,=/\\ \n"):
            return f"the name of a task is {spec.name!r}, wanted one without blanks, ':', ',', '=', '/'"
        if spec.read is None and spec.locate is None and spec.variant is None:
            return f"task {spec.name} has no read"
        if not isinstance(spec.classes, int) or spec.classes < 1:
            return f"task {spec.name}: classes is {spec.classes!r}, wanted their number"
        if not isinstance(spec.files, Mapping):
            return f"task {spec.name}: files is no mapping of names to digests"
        if problem := _names_problem(spec):
            return f"task {spec.name}: {problem}"
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        return f"harness_tasks returned two tasks of one name: {', '.join(names)}"
    return ""


def _names_problem(spec: TaskSpec) -> str:
    names = spec.class_names
    if isinstance(names, str) or not isinstance(names, Sequence):
        return f"class_names is {type(names).__name__}, wanted a list of texts"
    if not all(isinstance(name, str) and name.strip() and name.isprintable() for name in names):
        return f"class_names is {list(names)!r}, wanted a line of text for each class"
    if names and len(names) != spec.classes:
        return f"class_names has {len(names)} names, wanted one for each of {spec.classes} classes"
    return ""
