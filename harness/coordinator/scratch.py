"""A folder for what is not kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that lasts as long as the context."""
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        yield Path(scratch)
