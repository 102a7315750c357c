"""What `harness run` shows while it works: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from harness import protocol
from harness.protocol import Trial
from harness.results.record import Record
from harness.coordinator.listener import Listener

_COLOURS = {"ok": "green", "skipped": "yellow"}


@contextmanager
def watching() -> Iterator[Listener]:
    """A listener for this terminal; bars are taken away when it is left."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(console)
        return
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[state]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
    )
    with bars:
        yield Bars(console, bars)


class Lines(Listener):
    """One line for each thing that ends, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._done = 0
        self._measuring = False

    def message(self, text: str) -> None:
        """Prints it."""
        self._print(text)

    def planned(self, trials: Sequence[Trial], finished: int) -> None:
        """Says how much there is to do."""
        self._total, self._done = len(trials), finished
        kept = f", {finished} of them done before" if finished else ""
        presets = ", ".join(dict.fromkeys(trial.preset for trial in trials))
        self._print(f"{len(trials)} trials on {trials[0].task} ({presets}){kept}")

    def recorded(self, record: Record) -> None:
        """Prints how it went."""
        if record.stage == "trial":
            self._done += 1
            self._print(f"[{self._done}/{self._total}] {told(record)}")
        elif record.status != "ok":
            self._print(f"timing of {told(record)}")

    def measuring(self, done: int, total: int, what: str) -> None:
        """Says once that the timing group runs."""
        if not self._measuring:
            self._measuring = True
            self._print(f"timing group: {total} measurements, alone on the machine")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class Bars(Listener):
    """An overall bar, and one for each running trial."""

    def __init__(self, console: Console, bars: Progress) -> None:
        self._console, self._bars = console, bars
        self._lock = threading.Lock()
        self._rows: dict[str, TaskID] = {}
        self._overall: TaskID | None = None
        self._total = self._done = 0
        self._timing: TaskID | None = None

    def message(self, text: str) -> None:
        """Prints it above the bars."""
        self._console.print(text, markup=False, highlight=False)

    def planned(self, trials: Sequence[Trial], finished: int) -> None:
        """Opens the overall bar."""
        self._total, self._done = len(trials), finished
        self._overall = self._bars.add_task("trials", total=len(trials), state="")
        self._show_overall()

    def progress(self, key: str, progress: protocol.Progress) -> None:
        """Moves the trial's bar."""
        with self._lock:
            if key not in self._rows:
                self._rows[key] = self._bars.add_task(key, total=None, state="")
            self._bars.update(
                self._rows[key],
                completed=progress.done,
                total=progress.total or None,
                state=state(progress),
            )

    def recorded(self, record: Record) -> None:
        """Takes the trial's bar away and prints how it went."""
        with self._lock:
            if record.key in self._rows:
                self._bars.remove_task(self._rows.pop(record.key))
        if record.stage == "trial" or record.status != "ok":
            style = _COLOURS.get(record.status, "red")
            self._console.print(told(record), style=style, markup=False, highlight=False)
        if record.stage == "trial":
            self._done += 1
            self._show_overall()

    def _show_overall(self) -> None:
        if self._overall is not None:
            told = f"{self._done} of {self._total}"
            self._bars.update(self._overall, completed=self._done, state=told)

    def measuring(self, done: int, total: int, what: str) -> None:
        """Moves the timing group's bar."""
        if self._timing is None:
            self._timing = self._bars.add_task("timing", total=total, state="")
        self._bars.update(self._timing, completed=done, state=what)


def state(progress: protocol.Progress) -> str:
    """Stage, epoch, loss and accuracy in a few words."""
    words = [progress.stage]
    if progress.epoch:
        words.append(f"epoch {progress.epoch}/{progress.epochs}")
    if "loss" in progress.scalars:
        words.append(f"loss {progress.scalars['loss']:.3f}")
    if "accuracy" in progress.scalars:
        words.append(f"accuracy {100 * progress.scalars['accuracy']:.1f} %")
    return ", ".join(words)


def told(record: Record) -> str:
    """One record in one line."""
    if record.status != "ok":
        return f"{record.key}: {record.status}: {record.reason}"
    accuracy = record.metrics.get("test_accuracy")
    told = "" if accuracy is None else f", test accuracy {100 * accuracy:.2f} %"
    return f"{record.key}: ok{told}, {record.seconds:.1f} s"
