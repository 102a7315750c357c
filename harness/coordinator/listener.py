"""What a command tells whoever watches it; a watcher overrides what it wants to know."""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocol.events import Progress
from harness.results.record import Record


class Listener:
    """Hears nothing. Every method may be called from several threads, one call at a time."""

    def message(self, text: str) -> None:
        """One line for the user."""

    def doing(self, text: str) -> None:
        """What is going on now, while nothing can be counted: importing, planning, drawing."""

    def planned(self, labels: Sequence[str], finished: int, about: str) -> None:
        """The labels of the trials, `finished` of which an earlier command has done."""

    def progress(self, label: str, progress: Progress) -> None:
        """Where a trial stands; its first call says that it has started."""

    def recorded(self, label: str, record: Record) -> None:
        """A record was written."""

    def measuring(self, done: int, total: int, what: str) -> None:
        """Where the measurement group stands, in steps."""
