"""Text in lines that the terminal has room for."""

from __future__ import annotations

import shutil
import textwrap

import click


def wrapped(text: str, indent: int, further: int = 2) -> None:
    """Prints `text` behind `indent` blanks; its lines after the first lie `further` in."""
    ahead, below = " " * indent, " " * (indent + further)
    width = max(shutil.get_terminal_size().columns, len(below) + 20)
    lines = textwrap.wrap(
        text, width, initial_indent=ahead, subsequent_indent=below, break_on_hyphens=False
    )
    click.echo("\n".join(lines))
