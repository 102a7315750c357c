"""A run's folder: its sessions, its records, and where everything else of it lies."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from sys import intern
from time import perf_counter
from typing import Annotated, Any, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, Field, ValidationError, model_validator

from harness.errors import UsageError
from harness.results.metrics import join
from harness.results.reading import parse, read_file
from harness.results.record import (
    READS,
    SCHEMA,
    PeaksRecord,
    Record,
    first_error,
    from_line,
    to_line,
)
from harness.results.session import Session
from harness.results.tasks import task_of
from harness.results.writing import opened, replace, writing
from harness.subjects import Data

RUN, RECORDS, LOCK = "run.json", "records.jsonl", ".lock"
SUBFOLDERS = ("logs", "predictions", "samples", "state")

#: What a run compares, and the command that makes and resumes it.
Kind = Literal["networks", "layers"]
COMMANDS: dict[Kind, str] = {"networks": "harness run", "layers": "harness layers"}

#: What to do when there is room again on a disk that was too full for a run to begin.
_AGAIN = "repeat the command"

#: The seconds of one call.
Seconds = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class Description(Data):
    """What run.json says."""

    kind: Kind
    sessions: tuple[Session, ...] = ()


class Times(BaseModel):
    """The raw times of one subject: seconds of each call by series and round; the samples in a call."""

    batches: dict[str, Annotated[int, Field(ge=1, lt=2**31)]]
    seconds: dict[str, list[Annotated[list[Seconds], Field(min_length=1)]]]

    @model_validator(mode="after")
    def _batch_of_each(self) -> Times:
        if missing := sorted(self.seconds.keys() - self.batches.keys()):
            raise ValueError(f"no batch of {', '.join(missing)}")
        return self


class RunFolder:
    """One run on disk. Only the coordinator writes here, one record at a time.

    What has one of the statuses `again` is made again by a later session.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.again: frozenset[str] = frozenset()

    @classmethod
    def check_free(cls, path: Path) -> None:
        """UsageError where a new run cannot be made at `path`: found before any work is done."""
        blank = path.is_dir() and all(map(_of_no_session, path.iterdir()))
        if (path / RUN).exists() and not blank:
            raise UsageError(
                f"{path} already holds a run: continue it with --resume {path}, or give another --out"
            )
        if path.exists() and not blank:
            raise UsageError(f"{path} exists and is no run: give --out a new or empty folder")
        above = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise UsageError(f"cannot write to {above}: give --out a folder you can write to")

    @classmethod
    def create(cls, path: Path, kind: Kind) -> RunFolder:
        """A new run at `path`; UsageError where something is there already or cannot be written."""
        cls.check_free(path)
        folder = cls(path)
        with writing(path, _AGAIN):
            path.mkdir(parents=True, exist_ok=True)
            folder._make_subfolders()
            folder._describe(Description(kind=kind), _AGAIN)
            (path / RECORDS).touch()
        return folder

    @classmethod
    def open(cls, path: Path, kind: Kind | None = None) -> RunFolder:
        """An existing run, of `kind` where one is wanted; UsageError where there is no such run."""
        folder = cls(path)
        if not path.exists():
            raise UsageError(f"there is no folder {path}")
        if not (path / RUN).is_file():
            raise UsageError(f"{path} is no run: it has no {RUN}")
        own_kind = folder.description().kind
        if kind is not None and own_kind != kind:
            raise UsageError(
                f"{path} is a run of {COMMANDS[own_kind]} ({own_kind}), not of {COMMANDS[kind]} ({kind})"
            )
        return folder

    def description(self) -> Description:
        """What run.json says; UsageError where it cannot be read."""
        where = self.path / RUN
        try:
            described = parse(read_file(where))
        except ValueError as error:
            raise UsageError(f"{where} cannot be read: {error}") from None
        if not isinstance(described, dict):
            raise UsageError(f"{where} cannot be read: no JSON object")
        schema = described.pop("schema", None)
        if schema != SCHEMA:
            known = schema if isinstance(schema, int) else 0
            reader = READS.get(known, "the version of snn-harness that wrote it")
            raise UsageError(
                f"{self.path} has results schema {str(schema)[:40]}, this version reads {SCHEMA}: "
                f"open it with {reader}"
            )
        try:
            description = Description.model_validate(described)
        except ValidationError as error:
            raise UsageError(f"{where} cannot be read: {first_error(error)}") from None
        for session in description.sessions:
            join(session.metrics)
        return description

    def begin(self, session: Session) -> int:
        """Adds a session; its place is what records name."""
        described = self.description()
        sessions = (*described.sessions, session)
        again = "--resume it" if described.sessions else _AGAIN
        self._describe(described.model_copy(update={"sessions": sessions}), again)
        return len(sessions) - 1

    def kept(self, session: int) -> list[Record]:
        """The records that `session` need not make again: of the same host, data and metrics.

        Of several tasks, only the data of a record's own matter.
        """
        sessions = self.description().sessions

        def ground(place: int, task: str) -> tuple[Any, ...]:
            each = sessions[place]
            return each.host, each.data_of(task), each.metrics

        records = [
            record
            for record in self.records()[0]
            if record.session < len(sessions)
            and ground(record.session, task_of(record)) == ground(session, task_of(record))
        ]
        last = {(record.kind, record.key): record for record in records}
        again = {
            key
            for key, record in last.items()
            if record.status in self.again and record.session != session
        }
        return [record for record in records if (record.kind, record.key) not in again]

    @contextmanager
    def clocked(self, part: str) -> Iterator[None]:
        """Adds the wall seconds that `part` takes to the session that is at work."""
        start = perf_counter()
        try:
            yield
        finally:
            described = self.description()
            *earlier, now = described.sessions
            seconds = round(now.wall_seconds.get(part, 0) + perf_counter() - start, 1)
            now = now.model_copy(update={"wall_seconds": {**now.wall_seconds, part: seconds}})
            self._describe(described.model_copy(update={"sessions": (*earlier, now)}))

    def append(self, record: Record) -> None:
        """Adds one record; it is on the disk when this returns."""
        with writing(self.path), opened(self.path / RECORDS) as file:
            # A run that was killed in the middle of a line must not lose the next record with it.
            if file.tell() and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n":
                file.write(b"\n")
            # A lone surrogate is no UTF-8; its escape is JSON.
            file.write(to_line(record).encode(errors="backslashreplace") + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def records(self) -> tuple[list[Record], list[str]]:
        """Every record that can be read, and a line about each that cannot, with its number."""
        records: list[Record] = []
        problems: list[str] = []
        rows: dict[str, Any] = {}
        try:
            lines = io.BytesIO(read_file(self.path / RECORDS))
        except ValueError as error:
            return [], [str(error)]
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = from_line(line.removesuffix(b"\n"))
            except ValueError as error:
                problems.append(f"{RECORDS} line {number}: {error}")
                continue
            # Of thousands of seeds, one row and one name of each metric take a quarter less memory.
            update: dict[str, Any] = {"metrics": {intern(n): v for n, v in record.metrics.items()}}
            if not isinstance(record, PeaksRecord):
                update["row"] = rows.setdefault(repr(record.row), record.row)
            records.append(record.model_copy(update=update))
        return records, problems

    def write_samples(self, key: str, samples: dict[str, Any]) -> None:
        """Raw timings, in the order taken."""
        with writing(self.path):
            replace(self.file("samples", key, ".json"), json.dumps(samples).encode())

    def read_samples(self, key: str) -> dict[str, Any]:
        """What `write_samples` wrote; ValueError where it cannot be read."""
        path = self.file("samples", key, ".json")
        samples = parse(read_file(path))
        if not isinstance(samples, dict):
            raise ValueError(f"{path.name} holds no JSON object")
        return samples

    def read_times(self, key: str) -> Times:
        """The raw times among the samples; ValueError where they cannot be read."""
        try:
            return Times.model_validate(self.read_samples(key))
        except ValidationError as error:
            raise ValueError(f"{key}: {first_error(error)}") from None

    def file(self, kind: str, key: str, suffix: str) -> Path:
        """Where what belongs to `key` lies in the subfolder `kind`."""
        return self.path / kind / f"{file_name(key)}{suffix}"

    @property
    def labels(self) -> Path:
        """The file of the true classes of the test samples, in a run of one task."""
        return self.own_labels("")

    def own_labels(self, task: str) -> Path:
        """The file of those of `task`, in a run of several tasks."""
        return self.file("predictions", f"labels-{task}" if task else "labels", ".safetensors")

    def labels_of(self, task: str) -> Path:
        """The file that holds those of `task`, whether the run has one task or several."""
        own = self.own_labels(task)
        return own if own.exists() else self.labels

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps a second command from writing to the same run, whose subfolders stand meanwhile.

        A run that was copied, through git for one, comes without those that are empty.
        """
        with writing(self.path):
            self._make_subfolders()
            try:
                lock = FileLock(self.path / LOCK).acquire(timeout=0)
            except Timeout:
                raise UsageError(f"another command is writing to {self.path}") from None
        with lock:
            yield

    def _describe(self, description: Description, again: str = "--resume it") -> None:
        """Writes run.json, whole or not at all; UsageError where it could not be read again."""
        data = {"schema": SCHEMA, **description.model_dump(mode="json")}
        text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
        try:
            parse(text)
        except ValueError as error:  # a run that nobody could open again
            raise UsageError(f"{self.path / RUN} cannot keep this command: {error}") from None
        with writing(self.path, again):
            replace(self.path / RUN, text.encode(errors="backslashreplace"))

    def _make_subfolders(self) -> None:
        for name in SUBFOLDERS:
            (self.path / name).mkdir(exist_ok=True)


def _of_no_session(path: Path) -> bool:
    """Whether a path is left of a run that ended before its first session began: a full disk, a kill."""
    if path.name in SUBFOLDERS:
        return path.is_dir() and not any(path.iterdir())
    if path.name == RECORDS:
        return path.is_file() and not path.stat().st_size
    if path.name == RUN:
        with suppress(UsageError):
            return not RunFolder(path.parent).description().sessions
        return False
    return path.name == LOCK or path.name.startswith(f".{RUN}.")


def file_name(key: str) -> str:
    """`key` as a file name; a digest keeps apart what the replaced characters told apart."""
    plain = re.sub(r"[^A-Za-z0-9._=-]+", "_", key)[:100]
    digest = sha256(key.encode(errors="backslashreplace")).hexdigest()
    return plain if plain == key else f"{plain}-{digest[:8]}"
