"""Finds a task's data once for all trials, and keeps them in the cache.

One file of arrays is for the workers; the classes of the test samples lie in another, which the
coordinator alone opens.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from harness.arrays import LABELS
from harness.author_errors import described, raised_at
from harness.errors import DataMissing, UsageError
from harness.plugin.contract import SPIKE_TRAIN, Task
from harness.plugin.tasks import Arrays, RawData, TaskSpec
from harness.tasks import cached
from harness.tasks.checks import CheckedArrays
from harness.tasks.files import locate_files

#: Part of every cached file's name: raise it when a split or the file's layout changes.
SPLIT_VERSION = 3

#: Of more classes, samples of each are not to be expected.
_MOST_CLASSES = 10_000

#: Metadata of the file of arrays, and of that of labels.
_KNOWN, _SHARED = "known", "shared"


class Found(NamedTuple):
    """The file of a task's arrays, what is known of its content, and the task as plugins see it."""

    path: Path
    facts: dict[str, Any]
    task: Task


def prepare_task(
    spec: TaskSpec,
    data: Sequence[Path],
    cache: Path,
    say: Callable[[str], None],
    code: str = "",
    beside: Path | None = None,
) -> Found:
    """The cached file of a task, made where it is missing or damaged.

    `code` is the digest of the task's code, `beside` the folder of its file, if it has one. DataMissing
    where the raw data are not available, the arrays are not right, or the cache cannot be written.
    """
    source = _locate(spec, data, cache, say, code, beside)
    path = _path(spec, source, cache, code)
    if not _is_whole(path, spec):
        if path.exists():
            say(f"{path} is damaged or out of date: it is made anew")
        write_arrays(path, spec, _read(spec, source))
    known, labels = _known(path), labels_of(path)
    shared = json.loads(cached.metadata_of(labels)[_SHARED]) if labels.exists() else {}
    lacking = _without_samples(path, spec)
    facts = {
        **source.facts,
        **({"code": code} if code else {}),
        "splits": known["sizes"],
        "split_version": SPLIT_VERSION,
        "digest": identity_of(path),
        **({"shared_samples": shared} if shared else {}),
        **({"class_names": list(spec.class_names)} if spec.class_names else {}),
        **({"classes_without_samples": lacking} if lacking else {}),
        **({"published": [each._asdict() for each in spec.published]} if spec.published else {}),
    }
    task = spec.for_plugins(tuple(known["sample_shape"]), known["sizes"].get("train", 1))
    return Found(path, facts, task)


def prepared_before(
    spec: TaskSpec, data: Sequence[Path], cache: Path, code: str = "", beside: Path | None = None
) -> dict[str, Any]:
    """The `sizes` and the `input_shape` of a task that was prepared with these data; empty if it was not.

    Only of a task that is made of `files`: their digests are computed, and nothing is read or downloaded.
    """
    if spec.locate is not None:
        return {}
    try:
        known = _known(_path(spec, _locate(spec, data, cache, print, code, beside), cache, code))
        if known["spec"] != _described(spec):
            return {}
        task = spec.for_plugins(tuple(known["sample_shape"]), 1)
        return {"sizes": known["sizes"], "input_shape": task.input_shape}
    except (DataMissing, OSError, ValueError, KeyError):  # not prepared, or damaged
        return {}


def labels_of(path: Path) -> Path:
    """The file of the test samples' classes that belongs to the cached file `path`, if it has one."""
    return path.with_suffix(f".labels{path.suffix}")


def identity_of(path: Path) -> str:
    """A digest of all arrays of a task: rows of other data have another, and are never merged."""
    digests = [
        cached.metadata_of(file)[cached.DIGEST] for file in (path, labels_of(path)) if file.exists()
    ]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16]


def _path(spec: TaskSpec, source: RawData, cache: Path, code: str) -> Path:
    """The cached file of the arrays that this code makes of this content."""
    tag = hashlib.sha256(
        f"{SPLIT_VERSION} {spec.name} {code} {source.identity}".encode()
    ).hexdigest()[:12]
    return cache / "arrays" / f"{spec.name.partition(':')[0]}-{tag}.safetensors"


def _locate(
    spec: TaskSpec,
    data: Sequence[Path],
    cache: Path,
    say: Callable[[str], None],
    code: str,
    beside: Path | None,
) -> RawData:
    if spec.locate is not None:
        return spec.locate(data, cache / "data", say)
    if spec.read is None:
        raise DataMissing(f"{spec.name} has neither read nor locate")
    return locate_files(spec, [*data, *([beside] if beside else [])], code)


def _read(spec: TaskSpec, source: RawData) -> Arrays:
    """The arrays; DataMissing in one line, with the line of the author's file, where reading fails."""
    try:
        return source.read()
    except (DataMissing, UsageError, MemoryError):
        raise
    except Exception as error:
        traceback.print_exc()
        place = f" ({at})" if (at := raised_at(error)) else ""
        raise DataMissing(f"{spec.name} cannot be read: {described(error)}{place}") from None


def _is_whole(path: Path, spec: TaskSpec) -> bool:
    """Whether the cached files are complete, undamaged, and of this description."""
    wanted = [path] if spec.kind == SPIKE_TRAIN else [labels_of(path), path]
    return all(map(cached.is_whole, wanted)) and _known(path)["spec"] == _described(spec)


def _without_samples(path: Path, spec: TaskSpec) -> dict[str, list[int]]:
    """The classes of which the training or the test split has no sample, by the split."""
    import numpy as np
    from safetensors import safe_open

    if spec.kind == SPIKE_TRAIN or spec.classes > _MOST_CLASSES:
        return {}
    by_split = {}
    for file, name in ((path, "train_targets"), (labels_of(path), LABELS)):
        with safe_open(file, "np") as arrays:
            lacking = np.setdiff1d(np.arange(spec.classes), arrays.get_tensor(name))
        if lacking.size:
            by_split[name.removesuffix("_targets")] = lacking.tolist()
    return by_split


def _known(path: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(cached.metadata_of(path)[_KNOWN])
    return known


def _described(spec: TaskSpec) -> dict[str, Any]:
    """What of the description decides how the arrays are used."""
    shape = None if spec.input_shape is None else list(spec.input_shape)
    fields = {"name": spec.name, "kind": spec.kind, "classes": spec.classes, "input_shape": shape}
    return {**fields, "steps": spec.steps, "step_ms": spec.step_ms}


def write_arrays(path: Path, spec: TaskSpec, arrays: Arrays) -> None:
    """Writes a task's arrays to `path`, and the classes of its test samples beside it."""
    checked = CheckedArrays(spec, arrays)
    contents = checked.contents()
    labels = {name: contents.pop(name) for name in (LABELS,) if name in contents}
    known = {
        "spec": _described(spec), "sample_shape": checked.sample_shape, "sizes": checked.sizes
    }  # fmt: skip
    task = spec.for_plugins(checked.sample_shape, checked.sizes.get("train", 1))
    metadata = {cached.SCALE: json.dumps(checked.scale), cached.TASK: json.dumps(asdict(task))}
    try:
        labels_of(path).unlink(missing_ok=True)  # written last: they complete the pair
        cached.write(path, contents, {**metadata, _KNOWN: json.dumps(known)})
        shared = checked.shared()
        if labels:
            cached.write(labels_of(path), labels, {_SHARED: json.dumps(shared)})
    except DataMissing:
        path.unlink(missing_ok=True)
        raise
    except OSError as error:
        # Without a number it is a library's own, as Pillow's of a damaged image: nothing was written.
        if error.errno is None:
            reason = f"{type(error).__name__}: {error}"
            raise DataMissing(f"{spec.name} cannot be read: {reason}") from None
        raise DataMissing(
            f"cannot keep {spec.name} in {path.parent} ({error.strerror or error}): set HARNESS_CACHE "
            "to a folder that can be written"
        ) from None
