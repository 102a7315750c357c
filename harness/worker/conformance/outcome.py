"""How a check ends early, and what an exception of a plugin's means for it."""

from __future__ import annotations

import traceback
from pathlib import Path

import harness
from harness.errors import InvalidOutput, UsageError
from harness.plugin import Unsupported

_HOST = Path(harness.__file__).parent


class Failing(Exception):
    """The plugin does not do what the check asks; `mend` replaces the check's own where it is known."""

    def __init__(self, detail: str, mend: str = "") -> None:
        super().__init__(detail)
        self.detail, self.mend = detail, mend


class Skipping(Exception):
    """The check does not apply here, for this reason; `mend` says how it would, where it could."""

    def __init__(self, detail: str, mend: str = "") -> None:
        super().__init__(detail)
        self.detail, self.mend = detail, mend


def told(error: BaseException, hook: str) -> Failing:
    """What an exception, raised while `hook` ran, says in one line."""
    if isinstance(error, Failing):
        return error
    text = " ".join(str(error).split()) or "no message"
    if isinstance(error, (InvalidOutput, UsageError)):
        return Failing(text)
    if isinstance(error, Unsupported):
        mend = "raise Unsupported in harness_build_model, before any work is done"
        return Failing(f"{hook} raised Unsupported: {text}", mend)
    where = ", ".join(filter(None, (_place(error), f"in {hook}" if hook else "")))
    if len(text) > 300:
        text = f"{text[:300]}..."
    return Failing(f"{type(error).__name__}: {text}{f' ({where})' if where else ''}")


def _place(error: BaseException) -> str:
    """File and line of the last call outside the host and the libraries."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(_HOST) and not path.is_relative_to(_HOST / "plugin"):
            continue
        if "site-packages" not in path.parts and path.suffix == ".py":
            return f"{path.name}:{frame.lineno}"
    return ""
