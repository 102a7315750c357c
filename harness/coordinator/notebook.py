"""Progress in a notebook: one line that is replaced, where `harness.run` is called from a cell."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from html import escape
from importlib import import_module
from time import monotonic
from typing import Any

from harness.coordinator.listener import Listener
from harness.protocol.events import Progress
from harness.results.record import Record

#: Seconds between two updates of the line: each is a message to the browser.
_EVERY = 0.2


def default_listener() -> Listener:
    """A bar where the caller is a notebook, else nobody: a program prints what it wants to."""
    if "ipykernel" in sys.modules:
        shown: Any = import_module("IPython.display")  # there, because ipykernel is
        return Bar(shown.HTML, shown.display(shown.HTML(""), display_id=True))
    return Listener()


class Bar(Listener):
    """A progress element and what goes on now, in a display of IPython that is updated."""

    def __init__(self, html: Any, handle: Any) -> None:
        """`html` makes an object to display of a text, which `handle.update` shows."""
        self._html, self._handle = html, handle
        self._done = self._total = 0
        self._shown = float("-inf")

    def message(self, text: str) -> None:
        """Shows it."""
        self._show(text, now=True)

    doing = message

    def planned(self, labels: Sequence[str], finished: int, about: str) -> None:
        """From now on the bar counts trials."""
        self._total, self._done = len(labels), finished
        self._show(about, now=True)

    def progress(self, label: str, progress: Progress) -> None:
        """Shows a trial's stage."""
        self._show(f"{label}: {progress.stage}")

    def recorded(self, label: str, record: Record) -> None:
        """One more is done."""
        if record.kind == "trial":
            self._done += 1
        self._show(f"{label}: {record.status}", now=True)

    def measuring(self, done: int, total: int, what: str) -> None:
        """From now on the bar counts the steps of the measurement group."""
        self._done, self._total = done, total
        self._show(f"measuring: {what}", now=done == total)

    def _show(self, text: str, now: bool = False) -> None:
        if not now and monotonic() < self._shown + _EVERY:
            return
        self._shown = monotonic()
        bar = f"<progress value={self._done} max={self._total}></progress>" if self._total else ""
        counted = f"{self._done} of {self._total}: " if self._total else ""
        self._handle.update(self._html(f"{bar} {counted}{escape(text)}"))
