"""Signals that end a command: the first ends it in order, and those after it change nothing."""

from __future__ import annotations

import os
import signal
import stat
import sys
from contextlib import suppress
from types import FrameType

#: Ctrl-C, Ctrl-\, `kill`, and a terminal that is closed.
SIGNALS = [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP]


def catch() -> None:
    """The first of these signals raises KeyboardInterrupt; SIGHUP not under nohup."""
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def ignore() -> None:
    """What happens from now on is short, and has to be finished."""
    for number in SIGNALS:
        signal.signal(number, _nothing)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    ignore()
    _leave_a_dead_terminal()
    raise KeyboardInterrupt


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Not SIG_IGN: children would inherit that."""


def _leave_a_dead_terminal() -> None:
    """Where the terminal is closed, every print is an error: prints to nowhere in its place."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            number = stream.fileno()
            # A device that was a terminal no longer answers as one.
            if stat.S_ISCHR(os.fstat(number).st_mode) and not os.isatty(number):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
