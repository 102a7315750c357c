"""What a run tells whoever watches it; a watcher overrides what it wants to know."""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocol import Progress, Trial
from harness.results.record import Record


class Listener:
    """Hears nothing. Every method may be called from several threads, one call at a time."""

    def message(self, text: str) -> None:
        """One line for the user."""

    def planned(self, trials: Sequence[Trial], finished: int) -> None:
        """The trials of the run, `finished` of which an earlier command has done."""

    def progress(self, key: str, progress: Progress) -> None:
        """Where the trial `key` stands; its first call says that it has started."""

    def recorded(self, record: Record) -> None:
        """A record was written."""

    def measuring(self, done: int, total: int, what: str) -> None:
        """Where the timing group stands, in measurements."""
