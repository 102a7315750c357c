"""`mnist`, `fashion-mnist` and `kmnist`: 28x28 grey images, in four IDX files.

`harness.tasks.idx` finds the files, and torchvision downloads them only where no folder has them. The
last 5000 images of a fixed permutation of the training files are the validation split; the test files are
the test split.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import DataMissing
from harness.plugin.markers import hookimpl
from harness.plugin.tasks import Arrays, RawData, TaskSpec
from harness.tasks.idx import FILES, IdxFile, places, search

_VALIDATION = 5_000
_DOWNLOAD_TIMEOUT_S = 30


def _locate(
    folder: str, data: Sequence[Path], download_to: Path, say: Callable[[str], None]
) -> RawData:
    files, seen = search(folder, [*data, download_to])
    if files is None:
        searched = ", ".join(str(root) for root in (*data, download_to))
        noted = "".join(f"; {text}" for text in seen)
        say(f"{folder} is in none of {searched}{noted}: downloading it to {download_to}")
        _download(folder, download_to, seen)
        files, seen = search(folder, [download_to])
    if files is None:
        raise DataMissing(f"torchvision downloaded no {folder} to {download_to}")
    digests = {file.name: file.digest for file in files}
    unsure = [file.name for file in files if not file.is_verified(folder)]
    identity = hashlib.md5("".join(digests.values()).encode(), usedforsecurity=False).hexdigest()
    facts = {
        "source": "the IDX files",
        "md5": digests,
        "verified": f"by size only, no digest of unpacked files is known: {', '.join(unsure)}"
        if unsure
        else "by digests",
    }
    return RawData(identity, facts, partial(_read, tuple(files)))


def _look(folder: str, data: Sequence[Path]) -> list[str]:
    try:
        files, seen = search(folder, data)
    except DataMissing as error:
        return [str(error)]
    if files is None:
        return [*seen, f"in none of {', '.join(str(place.path) for place in places(folder, data))}"]
    return [*seen, f"in {files[0].path.parent}"]


def _download(folder: str, root: Path, seen: Sequence[str]) -> None:
    """Downloads by torchvision, which verifies checksums."""
    from torchvision import datasets

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_S)
    try:
        getattr(datasets, folder)(root=root, download=True)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip() or type(error).__name__
        noted = "".join(f"; {text}" for text in seen)
        raise DataMissing(
            f"{folder} could not be downloaded ({reason.splitlines()[0]}): put "
            f"{', '.join(f'{name}.gz' for name in FILES)} into a folder DIR/{folder}/raw and give "
            f"--data DIR or set HARNESS_DATA=DIR{noted}"
        ) from None
    finally:
        socket.setdefaulttimeout(before)


def _read(files: Sequence[IdxFile]) -> Arrays:
    import numpy as np

    content = {file.name: file.content for file in files}

    def idx(name: str, offset: int) -> Any:
        return np.frombuffer(content[name], dtype=np.uint8, offset=offset)

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


def _spec(
    name: str,
    folder: str,
    description: str,
    source: str,
    licence: str,
    citation: str,
    class_names: Sequence[str] = (),
) -> TaskSpec:
    return TaskSpec(
        name=name,
        description=description,
        input_shape=(1, 28, 28),
        classes=10,
        sizes={"train": 60_000 - _VALIDATION, "validation": _VALIDATION, "test": 10_000},
        origin="looked for in --data and HARNESS_DATA, else downloaded",
        locate=partial(_locate, folder),
        look=partial(_look, folder),
        source=source,
        licence=licence,
        citation=citation,
        shared_samples="the published sets are used as they are",
        class_names=class_names,
    )


MNIST = _spec(
    "mnist",
    "MNIST",
    "28x28 grey handwritten digits",
    "http://yann.lecun.com/exdb/mnist",
    "CC BY-SA 3.0",
    "LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to document recognition",
)
FASHION_MNIST = _spec(
    "fashion-mnist",
    "FashionMNIST",
    "28x28 grey clothing, drop-in for mnist",
    "https://github.com/zalandoresearch/fashion-mnist",
    "MIT",
    "Xiao, Rasul and Vollgraf 2017, Fashion-MNIST, arXiv:1708.07747",
    (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)
KMNIST = _spec(
    "kmnist",
    "KMNIST",
    "28x28 grey cursive Japanese characters, drop-in for mnist",
    "http://codh.rois.ac.jp/kmnist",
    "CC BY-SA 4.0",
    "Clanuwat et al. 2018, Deep learning for classical Japanese literature, arXiv:1812.01718",
)


@hookimpl
def harness_tasks() -> list[TaskSpec]:
    """The tasks of this module."""
    return [MNIST, FASHION_MNIST, KMNIST]
