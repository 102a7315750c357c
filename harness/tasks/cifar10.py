"""`cifar10`: 32x32 colour images, in the files of torchvision (`cifar-10-batches-py`) or the binary ones.

The last 5000 images of a fixed permutation of the training files are the validation split.

The batches of the Python version are pickles, which could run any code. They are opened only where their
MD5 is the published one, and then by an unpickler that knows arrays and nothing else. Of the binary files
no digest is published, only of their archive.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import DataMissing
from harness.plugin.markers import hookimpl
from harness.plugin.tasks import Arrays, RawData, TaskSpec
from harness.tasks.files import digest_of

#: The batches of the Python version and their MD5, as torchvision publishes them (datasets/cifar.py).
PYTHON_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_FOLDERS = {"cifar-10-batches-py": "", "cifar-10-batches-bin": ".bin"}
_PIXELS = 3 * 32 * 32
#: As batches.meta has them.
_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


class _Arrays(pickle.Unpickler):
    """Opens nothing but numpy's arrays."""

    def find_class(self, module: str, name: str) -> Any:
        """The three names that an array needs; DataMissing for any other."""
        import numpy as np
        from numpy._core.multiarray import _reconstruct

        known = {"_reconstruct": _reconstruct, "ndarray": np.ndarray, "dtype": np.dtype}
        if module.partition(".")[0] == "numpy" and name in known:
            return known[name]
        if (module, name) == ("_codecs", "encode"):  # how protocol 2 keeps bytes
            return lambda text, encoding: text.encode(encoding)
        raise DataMissing(
            f"a batch of CIFAR-10 asks for {module}.{name}: it is not the original file"
        )


def read_batch(path: Path) -> tuple[Any, Any]:
    """Images [N, 3, 32, 32] uint8 and classes [N] of one batch, in either of the formats."""
    import numpy as np

    content = path.read_bytes()
    if path.suffix == ".bin":
        if len(content) % (1 + _PIXELS) or not content:
            raise DataMissing(
                f"{path} is damaged ({len(content)} bytes, no multiple of {1 + _PIXELS})"
            )
        rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + _PIXELS)
        return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].astype(np.int64)
    try:
        batch = _Arrays(io.BytesIO(content), encoding="bytes").load()
        images = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32)
        return images, np.asarray(batch[b"labels"], np.int64)
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise DataMissing(f"{path} is damaged ({type(error).__name__})") from None


def _places(roots: Sequence[Path]) -> list[tuple[Path, str]]:
    return [
        (root / inner / folder, suffix)
        for root in roots
        for inner in ("", "CIFAR10", "cifar10")
        for folder, suffix in _FOLDERS.items()
    ]


def _search(md5: Mapping[str, str], roots: Sequence[Path]) -> tuple[list[Path] | None, list[str]]:
    """The six files in the first folder that has all, and what was seen elsewhere."""
    seen: list[str] = []
    for folder, suffix in _places(roots):
        paths = [folder / f"{name}{suffix}" for name in md5]
        missing = [path.name for path in paths if not path.is_file()]
        if not missing:
            return paths, seen
        if folder.is_dir():
            seen.append(f"{folder} lacks {', '.join(missing)}")
    return None, seen


def _locate(
    md5: Mapping[str, str],
    data: Sequence[Path],
    download_to: Path,
    say: Callable[[str], None],
) -> RawData:
    paths, seen = _search(md5, [*data, download_to])
    if paths is None:
        searched = ", ".join(str(root) for root in (*data, download_to))
        say(f"CIFAR-10 is in none of {searched}: downloading it to {download_to}")
        _download(download_to, seen)
        paths, _ = _search(md5, [download_to])
    if paths is None:
        raise DataMissing(f"torchvision downloaded no CIFAR-10 to {download_to}")
    digests = {}
    for path in paths:
        digests[path.name] = digest_of(path, "md5")
        if path.suffix != ".bin" and digests[path.name] != md5[path.name]:
            raise DataMissing(
                f"{path} is damaged or another file (md5 {digests[path.name]}): delete it, or point "
                "--data at a whole copy"
            )
    binary = paths[0].suffix == ".bin"
    facts = {
        "source": "the binary files" if binary else "the Python batches",
        "md5": digests,
        "verified": "by size only, no digest of the binary files is published"
        if binary
        else "by digests",
    }
    identity = hashlib.sha256(repr(digests).encode()).hexdigest()
    return RawData(identity, facts, partial(_read, tuple(paths)))


def _look(md5: Mapping[str, str], data: Sequence[Path]) -> list[str]:
    paths, seen = _search(md5, data)
    places = ", ".join(str(folder) for folder, _ in _places(data))
    return [*seen, f"in {paths[0].parent}" if paths else f"in none of {places}"]


def _download(root: Path, seen: Sequence[str]) -> None:
    from torchvision import datasets

    try:
        datasets.CIFAR10(root=root, download=True)
    except (OSError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        noted = "".join(f"; {place}" for place in seen)
        raise DataMissing(
            f"CIFAR-10 could not be downloaded ({reason}): unpack cifar-10-python.tar.gz or "
            f"cifar-10-binary.tar.gz in a folder DIR and give --data DIR or set HARNESS_DATA=DIR{noted}"
        ) from None


def _read(paths: Sequence[Path]) -> Arrays:
    import numpy as np

    *batches, test = (read_batch(path) for path in paths)
    inputs, targets = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    order = np.random.RandomState(0).permutation(len(inputs))
    held = len(inputs) // 10
    train, validation = order[:-held], order[-held:]
    return Arrays(
        {
            "train": (inputs[train], targets[train]),
            "validation": (inputs[validation], targets[validation]),
            "test": test,
        },
        scale=255.0,
    )


def spec(md5: Mapping[str, str], sizes: Mapping[str, int]) -> TaskSpec:
    """The task on batches of these digests."""
    return TaskSpec(
        name="cifar10",
        description="32x32 colour photographs of ten kinds of things",
        input_shape=(3, 32, 32),
        classes=10,
        sizes=sizes,
        origin="looked for in --data and HARNESS_DATA, else downloaded",
        locate=partial(_locate, md5),
        look=partial(_look, md5),
        source="https://www.cs.toronto.edu/~kriz/cifar.html",
        licence="none stated",
        citation="Krizhevsky 2009, Learning multiple layers of features from tiny images",
        shared_samples="the published set is used as it is",
        class_names=_NAMES,
    )


CIFAR10 = spec(PYTHON_MD5, {"train": 45_000, "validation": 5_000, "test": 10_000})


@hookimpl
def harness_tasks() -> list[TaskSpec]:
    """The one task of this module."""
    return [CIFAR10]
