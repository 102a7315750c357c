"""`python -m harness` is `harness`."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """The command line. Until it is imported nothing is at stake, and Ctrl-C ends it at once."""
    signal.signal(signal.SIGINT, _end)
    from harness.cli import main as command

    command()


def _end(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"harness: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
