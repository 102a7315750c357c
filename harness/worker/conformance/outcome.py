"""How a check ends early, and what an exception of a plugin's means for it."""

from __future__ import annotations

from harness.author_errors import described, raised_at
from harness.errors import InvalidOutput, OtherContract, UsageError
from harness.plugin import Unsupported


class _Ending(Exception):
    def __init__(self, detail: str, mend: str = "") -> None:
        super().__init__(detail)
        self.detail, self.mend = detail, mend


class Failing(_Ending):
    """The plugin does not do what the check asks; `mend` replaces the check's own where it is known."""


class Skipping(_Ending):
    """The check does not apply here, for this reason; `mend` says how it would, where it could."""


def failure_of(error: BaseException, hook: str, mend: str = "", of_errors: bool = False) -> Failing:
    """What an exception, raised while `hook` ran, says in one line.

    `mend` is what the check says where its requirement is not met. It is about no exception of the
    author's code, unless the check says that one is how its failure shows (`of_errors`).
    """
    if isinstance(error, Failing):
        return Failing(error.detail, error.mend or mend)
    text, place = " ".join(str(error).split()) or "no message", raised_at(error)
    if isinstance(error, OtherContract):
        return Failing(text)
    if isinstance(error, InvalidOutput) or (isinstance(error, UsageError) and not place):
        return Failing(text, mend)
    if isinstance(error, Unsupported):
        mend = "raise Unsupported in harness_build_model, before any work is done"
        return Failing(f"{hook} raised Unsupported: {text}", mend)
    if not isinstance(error, UsageError):
        text = " ".join(described(error).split())
    if len(text) > 300:
        text = f"{text[:300]}..."
    where = ", ".join(filter(None, (place, f"in {hook}" if hook else "")))
    return Failing(f"{text}{f' ({where})' if where else ''}", mend if of_errors else "")
