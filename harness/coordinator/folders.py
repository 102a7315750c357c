"""Where runs are written by default. Imports nothing: the first line of a command names the folder."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path("results")


def default_folder(name: str) -> Path:
    """results/<time>-<name>, the time in UTC."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-")
    return RESULTS / f"{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}-{plain}"
