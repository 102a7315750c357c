"""What a command shows while it works: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from harness.coordinator.listener import Listener
from harness.errors import plain
from harness.protocol import events
from harness.results.record import Record

_COLOURS = {"ok": "green", "skipped": "yellow"}
#: The bars that belong to no trial.
_DOING, _TRIALS, _GROUP = "doing", "trials", "measuring"
#: Without a terminal, a sign of life at most this often.
_LINE_SECONDS = 10.0


@contextmanager
def watching(*, quiet: bool = False, verbose: bool = False) -> Iterator[Listener]:
    """A listener for this terminal; bars are taken away when it is left.

    A `quiet` one hears nothing, a `verbose` one prints every stage in a line.
    """
    console = Console(stderr=True)
    if quiet:
        yield Listener()
        return
    if verbose or not console.is_terminal:
        with closing(Lines(console, verbose=verbose)) as lines:
            yield lines
        return

    def text(template: str) -> TextColumn:
        """A column that folds what is too long instead of cutting it."""
        return TextColumn(template, markup=False, table_column=Column(overflow="fold"))

    bars = Progress(
        SpinnerColumn(),
        text("{task.description}"),
        BarColumn(bar_width=8),
        text("{task.fields[state]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=console,
        transient=True,
    )
    with bars:
        yield Bars(console, bars)


class Lines(Listener):
    """For logs and pipes: what fails and what begins at once, the rest in a line each ten seconds."""

    def __init__(
        self, console: Console, every: float = _LINE_SECONDS, verbose: bool = False
    ) -> None:
        self._console, self._every = console, every
        self._verbose, self._stages = verbose, dict[str, str]()
        self._total = self._done = 0
        self._doing = self._ended = ""
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._last = monotonic()
        threading.Thread(target=self._remind, daemon=True).start()

    def close(self) -> None:
        """No more lines."""
        self._closed.set()

    def message(self, text: str) -> None:
        """Prints it."""
        self._print(text)

    def doing(self, text: str) -> None:
        """Prints it."""
        self._doing = text
        self._print(text)

    def pending(self, text: str) -> None:
        """Kept for the next reminder."""
        self._doing = text

    def planned(self, labels: Sequence[str], finished: int, about: str) -> None:
        """Says how much there is to do."""
        self._total, self._done = len(labels), finished
        kept = f", {finished} of them done before" if finished else ""
        noun = "trial" if len(labels) == 1 else "trials"
        self._doing = "training"
        self._print(f"{len(labels)} {noun} on {about}{kept}")

    def progress(self, label: str, progress: events.Progress) -> None:
        """Kept for the next reminder; printed where it is another stage or epoch, if verbose."""
        self._doing = f"{label}: {state(progress)}"
        stage = f"{progress.stage} {progress.epoch}"
        if self._verbose and self._stages.get(label) != stage:
            self._stages[label] = stage
            self._print(self._doing)

    def recorded(self, label: str, record: Record) -> None:
        """Prints at once how it went where it did not go well."""
        if record.kind == "trial":
            self._done += 1
            line = f"[{self._done}/{self._total}] {record_line(label, record)}"
        else:
            line = f"measured {record_line(label, record)}"
        if self._verbose or record.status != "ok" or monotonic() - self._last >= self._every:
            self._print(line)
        else:
            self._ended = line

    def measuring(self, done: int, total: int, what: str) -> None:
        """Says once that the group begins; the rest is kept for the next reminder."""
        if done == 0:
            self._print(f"measurement group: {total} steps, alone on the machine")
        self._doing = f"measuring, {done} of {total}: {what}"
        if self._verbose:
            self._print(self._doing)

    def _remind(self) -> None:
        while not self._closed.wait(1.0):
            if monotonic() - self._last >= self._every and (self._ended or self._doing):
                self._print(self._ended or self._doing)

    def _print(self, text: str) -> None:
        with self._lock:
            self._last, self._ended = monotonic(), ""
            text = "\n".join(map(plain, text.split("\n")))
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class Bars(Listener):
    """A bar for all trials, one for each running trial, and one for the group."""

    def __init__(self, console: Console, bars: Progress) -> None:
        self._console, self._bars = console, bars
        self._lock = threading.Lock()
        self._shown: dict[str, TaskID] = {}
        self._done = 0
        self.doing("starting")

    def message(self, text: str) -> None:
        """Prints it above the bars."""
        self._console.print(text, markup=False, highlight=False)

    def doing(self, text: str) -> None:
        """A bar that only moves."""
        with self._lock:
            self._clear(_GROUP)
            self._show(_DOING, description=text)

    def planned(self, labels: Sequence[str], finished: int, about: str) -> None:
        """Opens the bar of all trials: its time left is theirs, also of those that have not begun."""
        with self._lock:
            for earlier in (_DOING, _TRIALS, _GROUP):  # of the task before
                self._clear(earlier)
            self._done = finished
            count = len(labels)
            self._show(_TRIALS, total=count, completed=finished, state=f"of {count}")

    def progress(self, label: str, progress: events.Progress) -> None:
        """Moves the trial's bar."""
        total = progress.total or None
        with self._lock:
            self._show(label, completed=progress.done, total=total, state=state(progress))

    def recorded(self, label: str, record: Record) -> None:
        """Takes the trial's bar away and prints how it went."""
        with self._lock:
            self._clear(label)
            if record.kind == "trial":
                self._done += 1
                self._show(_TRIALS, completed=self._done)
        if record.kind != "network-timing" or record.status != "ok":
            style = _COLOURS.get(record.status, "red")
            self._console.print(
                record_line(label, record), style=style, markup=False, highlight=False
            )

    def measuring(self, done: int, total: int, what: str) -> None:
        """Moves the group's bar."""
        with self._lock:
            self._clear(_TRIALS)
            self._clear(_DOING)
            self._show(_GROUP, completed=done, total=total, state=what)

    def _show(self, name: str, **changes: Any) -> None:
        """Changes the bar of that name; it is made where there is none."""
        if name not in self._shown:
            self._shown[name] = self._bars.add_task(plain(name), total=None, state="")
        self._bars.update(self._shown[name], **changes)

    def _clear(self, name: str) -> None:
        if name in self._shown:
            self._bars.remove_task(self._shown.pop(name))


def state(progress: events.Progress) -> str:
    """Stage or epoch, accuracy or loss, and the node of a cluster, in a few words."""
    words = [progress.stage]
    if progress.epoch:
        words = [f"epoch {progress.epoch}/{progress.epochs}"]
    if "accuracy" in progress.scalars:
        words.append(f"{100 * progress.scalars['accuracy']:.1f} %")
    elif "loss" in progress.scalars:
        words.append(f"loss {progress.scalars['loss']:.3f}")
    where = f" on {progress.node}" if progress.node else ""
    return ", ".join(words) + where


def record_line(label: str, record: Record) -> str:
    """One record in one line."""
    label = plain(label)
    if record.status != "ok":
        return f"{label}: {record.status}: {plain(record.reason)}"
    accuracy = record.metrics.get("test_accuracy")
    if accuracy is not None:
        return f"{label}: ok, test accuracy {100 * accuracy:.2f} %, {record.seconds:.1f} s"
    total = record.metrics.get("total_ms")
    if total is not None:
        median = total["median"] if isinstance(total, dict) else total
        return f"{label}: ok, forward and backward {median:.3g} ms"
    return f"{label}: ok, {record.seconds:.1f} s"
