"""The file of a task's prepared arrays: written in one pass, in little memory, with its own digest.

It is a safetensors file. safetensors itself writes only arrays that lie in memory; what it reads is
mapped into memory, so that a worker can use a file that is larger than that.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DTYPES = {"int64": "I64", "float32": "F32", "uint8": "U8"}
#: Bytes that are handled at once.
_CHUNK = 1 << 24
#: The names of a file's metadata: its digest, what its inputs are divided by, and its task.
DIGEST, SCALE, TASK = "digest", "scale", "task"
_UNKNOWN = "0" * 64

#: What an array of one name is: its dtype, its shape, and what yields its content in chunks.
Content = tuple[str, tuple[int, ...], Callable[[], Iterator["NDArray[Any]"]]]


def write(path: Path, arrays: Mapping[str, Content], metadata: Mapping[str, str]) -> str:
    """Writes the arrays, whole or not at all, and returns the digest of the file's content."""
    # The widest first, so that every array is aligned.
    order = sorted(arrays, key=lambda name: (list(_DTYPES).index(arrays[name][0]), name))
    entries: dict[str, Any] = {"__metadata__": {**metadata, DIGEST: _UNKNOWN}}
    end = 0
    for name in order:
        dtype, shape, _ = arrays[name]
        start, end = end, end + _bytes_of(dtype, shape)
        entries[name] = {"dtype": _DTYPES[dtype], "shape": shape, "data_offsets": [start, end]}
    header = _header(entries)
    total = hashlib.sha256(header)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Renamed when complete: another run may be reading or writing the same file.
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(header)
            for name in order:
                for chunk in arrays[name][2]():
                    content = chunk.tobytes()
                    total.update(content)
                    file.write(content)
            file.seek(0)
            file.write(header.replace(_UNKNOWN.encode(), total.hexdigest().encode(), 1))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return total.hexdigest()


def chunks_of(array: Any) -> Iterator[NDArray[Any]]:
    """`array`, or what is like one, a few samples at a time."""
    import numpy as np

    each = max(1, _bytes_of(str(np.dtype(array.dtype)), tuple(array.shape[1:])))
    step = max(1, _CHUNK // each)
    for start in range(0, len(array), step):
        yield np.ascontiguousarray(array[start : start + step])


def metadata_of(path: Path) -> dict[str, str]:
    """The metadata of the file; ValueError or OSError where there is no such file, or it is damaged."""
    with path.open("rb") as file:
        return _read_header(file)[1]


def content_digest(path: Path) -> str:
    """The digest of the file's content, computed; ValueError or OSError as by `metadata_of`."""
    with path.open("rb") as file:
        header, metadata = _read_header(file)
        total = hashlib.sha256(header.replace(metadata[DIGEST].encode(), _UNKNOWN.encode(), 1))
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


def is_whole(path: Path) -> bool:
    """Whether the file exists, and its content is what was written."""
    try:
        return content_digest(path) == metadata_of(path)[DIGEST]
    except (OSError, ValueError):
        return False


def _bytes_of(dtype: str, shape: tuple[int, ...]) -> int:
    import math

    import numpy as np

    return int(np.dtype(dtype).itemsize * math.prod(shape))


def _header(entries: Mapping[str, Any]) -> bytes:
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _read_header(file: Any) -> tuple[bytes, dict[str, str]]:
    first = file.read(8)
    length = int.from_bytes(first, "little")
    if len(first) < 8 or length > 1 << 20:
        raise ValueError("no safetensors file")
    text = file.read(length)
    entries = json.loads(text) if len(text) == length else None
    metadata = entries.get("__metadata__") if isinstance(entries, dict) else None
    if not isinstance(metadata, dict) or len(str(metadata.get(DIGEST))) != 64:
        raise ValueError("no header with a digest")
    return first + text, metadata
