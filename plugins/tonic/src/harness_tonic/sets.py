"""The data sets of tonic: what they are called there, found without a download where they lie already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.plugin import DataMissing


@dataclass(frozen=True)
class TonicSet:
    """One data set: tonic's class, the pattern of its unpacked files, and its archives of both parts.

    `parts` are the patterns of the training and of the test files in the set's folder.
    """

    name: str
    parts: tuple[str, str]

    @property
    def tonic(self) -> Any:
        """Tonic's class."""
        from tonic import datasets

        return getattr(datasets, self.name)

    def folder(self, roots: Iterable[Path]) -> Path | None:
        """The first of `roots` whose folder of the set has files of both parts."""
        for root in roots:
            if all(any((root / self.name).glob(part)) for part in self.parts):
                return root
        return None

    def opened(self, root: Path, train: bool) -> Any:
        """Tonic's data set on the files under `root`; nothing is downloaded."""
        # tonic downloads where an archive is missing, although its files may be unpacked already.
        present = {"_check_exists": lambda _self: True}
        return type(self.name, (self.tonic,), present)(save_to=str(root), train=train)

    def download(self, root: Path) -> None:
        """Downloads both parts by tonic, which verifies the archives; DataMissing where that fails."""
        try:
            for train in (True, False):
                self.tonic(save_to=str(root), train=train)
        except (OSError, RuntimeError, ValueError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise DataMissing(
                f"{self.name} could not be downloaded ({reason}): put its unpacked files into a folder "
                f"DIR/{self.name}, so that DIR/{self.name}/{self.parts[0]} exists, and give --data DIR "
                "or set HARNESS_DATA=DIR"
            ) from None

    def verified(self, root: Path) -> str:
        """What is known of the files under `root`; DataMissing where an archive there is damaged."""
        archives = [path for path in self._archives(root) if path[0].is_file()]
        for path, published in archives:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, _md5).hexdigest()
            if digest != published:
                raise DataMissing(
                    f"{path} is damaged (md5 {digest}): delete it and what was unpacked of it"
                )
        if len(archives) == len(self.parts):
            return "the archives by digests; of the unpacked files, none is published"
        return (
            "not verified: the archives are not there, and of unpacked files no digest is published"
        )

    def identity(self, root: Path) -> tuple[str, str]:
        """A digest of names and sizes of the files, and one of their times too.

        The arrays made from them have a digest of their own; this says when to make them again.
        """
        lasting, now = hashlib.sha256(), hashlib.sha256()
        folder = root / self.name
        for path in sorted(path for part in self.parts for path in folder.glob(part)):
            stat = path.stat()
            line = f"{path.relative_to(folder).as_posix()} {stat.st_size}\n"
            lasting.update(line.encode())
            now.update(f"{stat.st_mtime_ns} {line}".encode())
        return lasting.hexdigest(), now.hexdigest()

    def _archives(self, root: Path) -> Iterable[tuple[Path, str]]:
        for train in (True, False):
            opened = self.tonic.__new__(self.tonic)
            kind = "train" if train else "test"
            name = getattr(opened, f"{kind}_filename", None) or getattr(opened, f"{kind}_zip")
            yield root / self.name / name, getattr(opened, f"{kind}_md5")


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def located(
    data_set: TonicSet, data: Sequence[Path], download_to: Path, say: Callable[[str], None]
) -> Path:
    """The root that has the set, which is downloaded to `download_to` where none has."""
    root = data_set.folder([*data, download_to])
    if root is None:
        searched = ", ".join(str(folder) for folder in (*data, download_to))
        say(f"{data_set.name} is in none of {searched}: downloading it to {download_to}")
        data_set.download(download_to)
        root = data_set.folder([download_to])
    if root is None:
        raise DataMissing(f"tonic downloaded no {data_set.name} to {download_to}")
    return root
