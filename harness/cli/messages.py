"""What a command without a progress bar says while it works."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.coordinator.listener import Listener


def tell(text: str) -> None:
    """A line of its own, also while something turns in the terminal: click.echo would write beside that."""
    print(f"harness: {text}", file=sys.stderr)


def messages() -> Listener:
    """Hears lines for the user, and prints them beside the results."""
    from harness.coordinator.listener import Listener

    class Messages(Listener):
        def message(self, text: str) -> None:
            tell(text)

    return Messages()
