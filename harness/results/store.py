"""A run's folder: its description, its records, and where everything else of it lies."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

from filelock import FileLock, Timeout

from harness.errors import UsageError
from harness.results.record import SCHEMA, Record

RUN, TRIALS, LOCK = "run.json", "trials.jsonl", ".lock"


class RunFolder:
    """One run on disk. Only the coordinator writes here, one record at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def check_free(cls, path: Path) -> None:
        """UsageError where a new run cannot be made at `path`: found before any work is done."""
        if (path / RUN).exists():
            raise UsageError(
                f"{path} already holds a run: continue it with --resume {path}, or give another --out"
            )
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(f"{path} exists and is no run: give --out a new or empty folder")
        above = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise UsageError(f"cannot write to {above}: give --out a folder you can write to")

    @classmethod
    def create(cls, path: Path, description: dict[str, Any]) -> RunFolder:
        """A new run at `path`; UsageError where something is there already or cannot be written."""
        cls.check_free(path)
        folder = cls(path)
        with _writing(path):
            path.mkdir(parents=True, exist_ok=True)
            folder._make_subfolders()
            folder.describe(description)
            (path / TRIALS).touch()
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run; UsageError where there is none, or one of another schema version."""
        folder = cls(path)
        if not path.exists():
            raise UsageError(f"there is no folder {path}")
        if not (path / RUN).is_file():
            raise UsageError(f"{path} is no run: it has no {RUN}")
        found = folder.description().get("schema")
        if found != SCHEMA:
            raise UsageError(
                f"{path} was written with results schema {found}, this version reads {SCHEMA}: "
                "open it with the version of snn-harness that its run.json names"
            )
        return folder

    def description(self) -> dict[str, Any]:
        """What run.json says."""
        try:
            described = json.loads((self.path / RUN).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{self.path / RUN} cannot be read: {error}") from None
        if not isinstance(described, dict):
            raise UsageError(f"{self.path / RUN} cannot be read: no JSON object")
        return described

    def describe(self, description: dict[str, Any]) -> None:
        """Writes run.json, whole or not at all."""
        text = json.dumps({"schema": SCHEMA, **description}, indent=2, ensure_ascii=False)
        partial = self.path / f"{RUN}.partial"
        with _writing(self.path):
            partial.write_text(text + "\n", encoding="utf-8")
            partial.replace(self.path / RUN)

    @contextmanager
    def clocked(self, part: str) -> Iterator[None]:
        """Adds the wall seconds that `part` takes to run.json; a resumed run's add up."""
        start = perf_counter()
        try:
            yield
        finally:
            description = self.description()
            spent = description.setdefault("wall_seconds", {})
            spent[part] = round(spent.get(part, 0) + perf_counter() - start, 1)
            self.describe(description)

    def append(self, record: Record) -> None:
        """Adds one record; it is on the disk when this returns."""
        with _writing(self.path), (self.path / TRIALS).open("a+b") as file:
            # A run that was killed in the middle of a line must not lose the next record with it.
            if file.tell() and _last_byte(file.fileno(), file.tell()) != b"\n":
                file.write(b"\n")
            file.write(record.to_line().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def records(self) -> tuple[list[Record], list[str]]:
        """Every record that can be read, and a line about each that cannot, with its number."""
        records: list[Record] = []
        problems: list[str] = []
        try:
            lines = (self.path / TRIALS).read_bytes().split(b"\n")
        except OSError as error:
            return [], [f"{TRIALS}: {error.strerror}"]
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                records.append(Record.from_line(line.decode()))
            except ValueError as error:
                problems.append(f"{TRIALS} line {number}: {error}")
        return records, problems

    def write_samples(self, key: str, samples: dict[str, Any]) -> None:
        """Raw timings, in the order taken."""
        with _writing(self.path):
            self.file("samples", key, ".json").write_text(json.dumps(samples), encoding="utf-8")

    def read_samples(self, key: str) -> dict[str, Any]:
        """What `write_samples` wrote."""
        text = self.file("samples", key, ".json").read_text(encoding="utf-8")
        return dict(json.loads(text))

    def file(self, kind: str, key: str, suffix: str) -> Path:
        """Where what belongs to `key` lies in the subfolder `kind`."""
        return self.path / kind / f"{file_name(key)}{suffix}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps a second command from writing to the same run, whose subfolders stand meanwhile.

        A run that was copied, through git for one, comes without those that are empty.
        """
        with _writing(self.path):
            self._make_subfolders()
            lock = FileLock(self.path / LOCK)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise UsageError(f"another command is writing to {self.path}") from None
        try:
            yield
        finally:
            lock.release()

    def _make_subfolders(self) -> None:
        for name in ("logs", "samples", "state"):
            (self.path / name).mkdir(exist_ok=True)


def file_name(key: str) -> str:
    """`key` as a file name; a digest keeps apart what the replaced characters told apart."""
    plain = re.sub(r"[^A-Za-z0-9._=-]+", "_", key)[:100]
    return plain if plain == key else f"{plain}-{sha256(key.encode()).hexdigest()[:8]}"


def by_key(records: Iterable[Record], stage: str) -> dict[str, Record]:
    """The latest record of each trial in `stage`: a trial that was repeated counts once."""
    return {record.key: record for record in records if record.stage == stage}


def _last_byte(descriptor: int, size: int) -> bytes:
    return os.pread(descriptor, 1, size - 1)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        mend = (
            "free some room, then --resume it" if full else "give --out a folder you can write to"
        )
        raise UsageError(f"cannot write to {path} ({error.strerror or error}): {mend}") from None
