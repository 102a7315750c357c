"""The IDX files of MNIST and the sets in its format, found where people keep them, and told by digests.

Looked for in a data folder DIR: DIR/NAME/raw (as torchvision lays them out), DIR/NAME, DIR/raw and DIR
itself; plain or as .gz, and also spelled `train-images.idx3-ubyte`.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.errors import DataMissing

#: The four files, and the bytes of each when it is unpacked.
FILES = {
    "train-images-idx3-ubyte": 16 + 60_000 * 784,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 784,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}
#: The MD5 of each .gz file, in their order, as torchvision publishes them (torchvision/datasets/mnist.py).
PACKED = {
    "MNIST": (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    "FashionMNIST": (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    "KMNIST": (
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
}
#: The MD5 of each unpacked file. Nobody publishes them: they are computed from files whose packed form has
#: the published digest (FashionMNIST's from Debian's package, which keeps the streams under other headers).
UNPACKED = {
    "MNIST": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    "FashionMNIST": (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
}


class WrongFiles(Exception):
    """What lies in a folder is not the set; the message is half a sentence."""


@dataclass(frozen=True)
class IdxFile:
    """One file on disk, plain or packed."""

    name: str
    path: Path

    @cached_property
    def stored(self) -> str:
        """The MD5 of the file as it is."""
        return _md5(self.path.read_bytes())

    @cached_property
    def content(self) -> bytes:
        """Its unpacked bytes."""
        try:
            content = self.path.read_bytes()
            return gzip.decompress(content) if self.path.suffix == ".gz" else content
        except (OSError, EOFError, zlib.error) as error:
            raise WrongFiles(f"{self.path} is damaged ({error})") from None

    @cached_property
    def digest(self) -> str:
        """The MD5 of its content."""
        return _md5(self.content)

    def check(self, folder: str) -> None:
        """WrongFiles where it is damaged, or a digest says that it is of another set than `folder`."""
        place, size = list(FILES).index(self.name), len(self.content)
        packed = self.path.suffix == ".gz"
        own_digests = {self.digest, self.stored}
        published = {
            other: {digests[place] for digests in (PACKED[other], UNPACKED.get(other)) if digests}
            for other in PACKED
        }
        for other, digests in published.items():
            if other != folder and own_digests & digests:
                raise WrongFiles(f"{self.path} is {other}'s file, not {folder}'s")
        if size == FILES[self.name] and own_digests & published[folder]:
            return
        if size != FILES[self.name] or folder in UNPACKED:
            raise WrongFiles(f"{self.path} is damaged ({size} bytes, md5 {self.stored})")
        if packed:  # whole, or it could not be unpacked
            raise WrongFiles(
                f"{self.path} is not the published file, and of what it holds no digest is known "
                f"({size} bytes, md5 {self.stored})"
            )

    def is_verified(self, folder: str) -> bool:
        """Whether a digest is known of this form of the file."""
        return self.path.suffix == ".gz" or folder in UNPACKED


@dataclass(frozen=True)
class Place:
    """A folder in which files of the set may lie; `named` where its path names the set."""

    path: Path
    named: bool

    def files(self) -> list[IdxFile] | None:
        """The four files, or None where one is missing.

        Of a plain file and a packed one, the packed one is taken: its digest is published.
        """
        files = []
        for name in FILES:
            dotted = name.replace("-idx", ".idx")
            spellings = (f"{name}.gz", f"{dotted}.gz", name, dotted)
            paths = [self.path / spelling for spelling in spellings]
            path = next((path for path in paths if path.is_file()), None)
            if path is None:
                return None
            files.append(IdxFile(name, path))
        return files

    def seen(self) -> str:
        """What lies there, in a few words; "" where nothing does that looks like it."""
        try:
            names = sorted(path.name for path in self.path.iterdir() if "ubyte" in path.name)
        except OSError:
            return ""
        return f"{self.path} holds {', '.join(names)}" if names else ""


def places(folder: str, roots: Sequence[Path]) -> Iterator[Place]:
    """Where the files of the set `folder` may lie, the likeliest first in each of `roots`."""
    for root in roots:
        for inner, named in ((f"{folder}/raw", True), (folder, True), ("raw", False), ("", False)):
            path = root / inner
            yield Place(path, named or path.name == folder or path.parent.name == folder)


def search(folder: str, roots: Sequence[Path]) -> tuple[list[IdxFile] | None, list[str]]:
    """The set's files in the first place that has all four, and what was seen where they are not.

    DataMissing where a folder that bears the set's name has other files, or damaged ones. In a folder
    without that name they are passed over; so are files there of which no digest is known.
    """
    seen = []
    for place in places(folder, roots):
        files = place.files()
        if files is None:
            if contents := place.seen():
                seen.append(f"{contents}: not all of the four files")
            continue
        try:
            for file in files:
                file.check(folder)
        except WrongFiles as error:
            if place.named:
                raise DataMissing(
                    f"{error}: delete it, or point --data at a whole copy of {folder}"
                ) from None
            seen.append(str(error))
            continue
        if not place.named and not all(file.is_verified(folder) for file in files):
            seen.append(
                f"{place.path} holds files that may be {folder}'s, but no digest of unpacked ones is "
                f"known: put them into a folder {folder}/raw"
            )
            continue
        return files, seen
    return None, seen


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
