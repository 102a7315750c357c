"""Files that a command writes where the user says."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UsageError


def write(path: Path, text: str) -> None:
    """Writes `text`; UsageError where that is not possible."""
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"cannot write {path} ({error.strerror or error})") from None
