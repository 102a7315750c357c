"""What a command without a progress bar says while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.coordinator.listener import Listener


def messages() -> Listener:
    """Hears lines for the user, and prints them beside the results."""
    from harness.coordinator.listener import Listener

    class Messages(Listener):
        def message(self, text: str) -> None:
            click.echo(f"harness: {text}", err=True)

    return Messages()
