"""What a command shows that answers only in the end: that it is at work, and on what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

#: Without a terminal, a line this often: most commands have ended before.
LINE_SECONDS = 10.0


@contextmanager
def waiting(text: str) -> Iterator[Callable[[str], None]]:
    """Shows `text`, and then what the function that it yields is told, until the context is left.

    In a terminal it moves, and begins before anything is imported that takes time. Results are printed
    after it.
    """
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(escape(text)) as status:
            yield lambda text: status.update(escape(text))
        return
    from harness.cli.progress import Lines

    with closing(Lines(console, LINE_SECONDS)) as lines:
        lines.pending(text)
        yield lines.pending
