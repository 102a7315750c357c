"""A benchmarking harness for spiking networks.

Plugin authors need `hookimpl` and `harness.contract`; `run` and `load` are the Python API of the
command line. They are imported when they are first used, so that `import harness` stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from harness.runs.api import Run, load, run

__all__ = ["Run", "hookimpl", "hookspec", "load", "run"]

hookspec = pluggy.HookspecMarker("harness")
hookimpl = pluggy.HookimplMarker("harness")


def __getattr__(name: str) -> Any:
    if name in {"Run", "load", "run"}:
        from harness.runs import api

        return getattr(api, name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
