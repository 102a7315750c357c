"""The checkpoints of a run's trials: where they lie, what is said of them, and when they are deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.coordinator.command import RETRIED
from harness.coordinator.plan import Planned
from harness.protocol.events import Progress
from harness.results.record import TrialRecord
from harness.results.store import RunFolder
from harness.results.writing import refuse_link
from harness.subjects import Trial

FOLDER = "checkpoints"


class Checkpoints:
    """Those of a run, `minutes` apart, None for none; `say` hears each thing once."""

    def __init__(
        self, minutes: float | None, folder: RunFolder, say: Callable[[str], None]
    ) -> None:
        self._folder, self._minutes, self._say = folder, minutes, say
        self._said: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def asked(self, trial: Trial) -> dict[str, Any]:
        """The fields of `RunTrial` that say where its checkpoint lies, and how often it is written."""
        if self._minutes is None:
            return {}
        path = str(path_of(self._folder, trial).resolve())
        return {"checkpoint": path, "checkpoint_seconds": 60 * self._minutes}

    def heard(self, plan: Planned, progress: Progress) -> None:
        """Says what a worker notes of a checkpoint; what several trials of a plugin note, once."""
        note = (plan.plugin.label, progress.note)
        with self._lock:
            if progress.note and note not in self._said:
                self._said.add(note)
                self._say(f"{plan.label}: {progress.note}")

    def recorded(self, record: TrialRecord) -> None:
        """Deletes the checkpoint of a trial that is done; not of one that --retry failed may carry on."""
        if record.status not in RETRIED and self._minutes is not None:
            trial = Trial(row=record.row, seed=record.seed)
            path_of(self._folder, trial).unlink(missing_ok=True)

    def close(self) -> None:
        """The trials have ended: where all of them are done, nothing is left."""
        _tidy(self._folder)


def path_of(folder: RunFolder, trial: Trial) -> Path:
    """Where the checkpoint of a trial lies."""
    return folder.file(FOLDER, trial.key, ".safetensors")


def prune(folder: RunFolder, session: int, trials: Iterable[Trial]) -> None:
    """Deletes what an earlier session has left and none of `trials`, all of a run's, will go on from.

    That is of trials that are done, or were of code that has changed since.
    """
    place = folder.path / FOLDER
    if not place.is_dir():
        return
    refuse_link(place)
    kept = [record for record in folder.kept(session) if isinstance(record, TrialRecord)]
    done = {record.key for record in kept if record.status not in RETRIED}
    wanted = {path_of(folder, trial).name for trial in trials if trial.key not in done}
    for path in place.iterdir():
        if path.name not in wanted:
            path.unlink()
    _tidy(folder)


def _tidy(folder: RunFolder) -> None:
    with suppress(OSError):  # it is not empty, or not there
        (folder.path / FOLDER).rmdir()
