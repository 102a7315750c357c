"""`mnist`, `fashion-mnist` and `kmnist`: 28x28 grey images, in the folders that torchvision lays out.

The four files are looked for in each data folder, unpacked or as .gz, and downloaded by torchvision
only where no folder has them. The last 5000 images of a fixed permutation of the training
files are the validation split; the test files are the test split.
"""

from __future__ import annotations

import hashlib
import shutil
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import DataMissing
from harness.tasks.spec import Arrays, RawData, TaskSpec

_FILES = {
    "train-images-idx3-ubyte": 16 + 60_000 * 784,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 784,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}
# Of the unpacked files. torchvision verifies what it downloads; these verify files found on disk.
_MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_VALIDATION = 5_000
_DOWNLOAD_TIMEOUT_S = 30


def _locate(
    folder: str,
    md5: dict[str, str],
    data: Sequence[Path],
    download_to: Path,
    say: Callable[[str], None],
) -> RawData:
    *given, target = (root / folder / "raw" for root in (*data, download_to))
    for raw in (*given, target):
        if _has_files(raw, ""):
            return _found(raw, md5)
    packed = [raw for raw in given if _has_files(raw, ".gz")]
    if packed:
        say(f"unpacking {packed[0]} into {download_to}")
        target.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            shutil.copy(packed[0] / f"{name}.gz", target)
    elif not _has_files(target, ".gz"):
        searched = ", ".join(str(root) for root in (*data, download_to))
        say(f"{folder} is in none of {searched}: downloading it to {download_to}")
    _download(folder, download_to)
    return _found(target, md5)


def _has_files(raw: Path, suffix: str) -> bool:
    return all((raw / f"{name}{suffix}").is_file() for name in _FILES)


def _download(folder: str, root: Path) -> None:
    """Downloads by torchvision, which uses .gz files that exist already, and verifies checksums."""
    from torchvision import datasets

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_S)
    try:
        getattr(datasets, folder)(root=root, download=True)
    except (OSError, RuntimeError) as error:
        told = str(error).strip() or type(error).__name__
        raise DataMissing(
            f"{folder} could not be downloaded ({told.splitlines()[0]}): put "
            f"{', '.join(f'{name}.gz' for name in _FILES)} into a folder DIR/{folder}/raw and give "
            "--data DIR or set HARNESS_DATA=DIR"
        ) from None
    finally:
        socket.setdefaulttimeout(before)


def _found(raw: Path, md5: dict[str, str]) -> RawData:
    digests = {}
    for name, size in _FILES.items():
        content = (raw / name).read_bytes()
        digests[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if len(content) != size or digests[name] != md5.get(name, digests[name]):
            raise DataMissing(
                f"{raw / name} is damaged ({len(content)} bytes, md5 {digests[name]}): delete it, or "
                "point --data at a whole copy"
            )
    identity = hashlib.md5("".join(digests.values()).encode(), usedforsecurity=False).hexdigest()
    return RawData(identity, {"source": "the IDX files", "md5": digests}, partial(_read, raw))


def _read(raw: Path) -> Arrays:
    import numpy as np

    def idx(name: str, offset: int) -> Any:
        return np.frombuffer((raw / name).read_bytes(), dtype=np.uint8, offset=offset)

    def split(prefix: str) -> tuple[Any, Any]:
        images = idx(f"{prefix}-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)
        return images, idx(f"{prefix}-labels-idx1-ubyte", 8).astype(np.int64)

    inputs, targets = split("train")
    # RandomState's stream is frozen by numpy's policy, so the split is the same in every version.
    order = np.random.RandomState(0).permutation(len(inputs))
    train, validation = order[:-_VALIDATION], order[-_VALIDATION:]
    return Arrays(
        {
            "train": (inputs[train], targets[train]),
            "validation": (inputs[validation], targets[validation]),
            "test": split("t10k"),
        },
        scale=255.0,
    )


def _spec(name: str, folder: str, description: str, md5: dict[str, str] | None = None) -> TaskSpec:
    return TaskSpec(
        name=name,
        kind="classification",
        description=description,
        input_shape=(1, 28, 28),
        classes=10,
        sizes={"train": 60_000 - _VALIDATION, "validation": _VALIDATION, "test": 10_000},
        needs_download=True,
        locate=partial(_locate, folder, md5 or {}),
    )


MNIST = _spec("mnist", "MNIST", "28x28 grey handwritten digits", _MNIST_MD5)
FASHION_MNIST = _spec("fashion-mnist", "FashionMNIST", "28x28 grey clothing, drop-in for mnist")
KMNIST = _spec("kmnist", "KMNIST", "28x28 grey cursive Japanese characters, drop-in for mnist")
