"""One command at work on a run: where it writes, who follows it, and what it may carry on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.config.options import Config
from harness.config.paths import located_options, start_folder
from harness.coordinator.listener import Listener
from harness.errors import UsageError
from harness.results.session import Session, changes
from harness.results.store import COMMANDS, Kind, RunFolder
from harness.runs.run import load

C = TypeVar("C", bound=Config)

#: Statuses with a cause outside of the plugin: another try may end otherwise.
RETRIED = frozenset({"timeout", "crashed", "oom"})
#: What may differ in a run that is carried on.
RESUMABLE = ("timeout", "memory", "jobs", "checkpoint", "fail_fast", "executor", "scheduler")


@dataclass(frozen=True)
class Command:
    """Where a command writes and who follows it.

    `folder` is the run that it carries on, if any, and `start` where that was begun, relative to it.
    """

    path: Path
    listener: Listener
    text: str
    folder: RunFolder | None = None
    rerun_changed: bool = False
    start: str = ""

    def places(self, session: Session) -> Session:
        """`session`, with the folder that its paths are relative to."""
        return session.model_copy(update={"folder": self.start or start_folder(self.path)})

    def here(self, config: C) -> C:
        """`config`, with its paths as seen from here."""
        base = self.path / self.start if self.start else None
        return config.model_copy(update=located_options(dict(config), base))

    def check(self, kind: Kind, session: Session) -> None:
        """UsageError where `path` is not free, or where the run has changed since."""
        if self.folder is None:
            RunFolder.check_free(self.path)
            return
        changed = changes(self.folder.description().sessions[-1], session)
        if changed and not self.rerun_changed:
            raise UsageError(
                f"{self.path} cannot be carried on as it is, these have changed: "
                f"{'; '.join(changed)}. Run what has changed anew with: {COMMANDS[kind]} "
                f"--resume {self.path} --rerun-changed"
            )

    @contextmanager
    def at_work(self, kind: Kind, session: Session) -> Iterator[tuple[RunFolder, int]]:
        """The folder, locked, and the session's place in it; the report is written at the end.

        A report of what there is, without figures, is written also where the work is interrupted.
        """
        self.check(kind, session)
        folder = self.folder or RunFolder.create(self.path, kind)
        with folder.locked():
            number = folder.begin(session)
            begun = "carrying on, in" if number else "writing to"
            self.listener.message(f"{begun} {self.path}")
            try:
                yield folder, number
            except KeyboardInterrupt:
                with suppress(Exception):
                    load(self.path).report(figures=False)
                raise
            with folder.clocked("report"):
                self.listener.doing("writing the report")
                load(self.path).report(say=self.listener.doing)
