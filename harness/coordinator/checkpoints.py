"""The checkpoints of a run's trials: where they lie, what is said of them, and when they are deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeGuard

from harness.coordinator.command import RETRIED
from harness.coordinator.plan import Planned
from harness.protocol import Progress
from harness.results.record import Record, TrialRecord, latest
from harness.results.store import RunFolder
from harness.results.writing import refuse_link
from harness.subjects import Trial

FOLDER = "checkpoints"


class Checkpoints:
    """Those of the trials `planned`, `minutes` apart, None for none; `say` hears each thing once.

    Checkpoints of other trials are deleted: of those that are done, or were of code that has changed since.
    One of a trial that `--retry failed` may carry on stays.
    """

    def __init__(
        self,
        planned: Sequence[Planned],
        minutes: float | None,
        folder: RunFolder,
        say: Callable[[str], None],
    ) -> None:
        self.path = folder.path / FOLDER
        self._folder, self._minutes, self._say = folder, minutes, say
        self._said: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        if self.path.is_dir():
            refuse_link(self.path)
            trials = [plan.trial for plan in planned]
            trials += [
                Trial(row=r.row, seed=r.seed) for r in latest(folder.records()[0]) if _again(r)
            ]
            wanted = {self._path(trial).name for trial in trials}
            for path in self.path.iterdir():
                if path.name not in wanted:
                    path.unlink()
            self.close()

    def asked(self, trial: Trial) -> dict[str, Any]:
        """The fields of `RunTrial` that say where its checkpoint lies, and how often it is written."""
        if self._minutes is None:
            return {}
        path = str(self._path(trial).resolve())
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
        if _again(record) or self._minutes is None:
            return
        path = self._path(Trial(row=record.row, seed=record.seed))
        path.unlink(missing_ok=True)

    def close(self) -> None:
        """The trials have ended: where all of them are done, nothing is left."""
        with suppress(OSError):  # it is not empty, or not there
            self.path.rmdir()

    def _path(self, trial: Trial) -> Path:
        return self._folder.file(FOLDER, trial.key, ".safetensors")


def _again(record: Record) -> TypeGuard[TrialRecord]:
    """Whether it is of a trial that another try may carry on."""
    return isinstance(record, TrialRecord) and record.status in RETRIED
