"""A benchmarking harness for spiking networks.

A plugin's author imports from `harness.plugin`. `run`, `layers`, `check`, `resume` and `load` are the
Python API of the command line; they are imported when they are first used, so that `import harness`
stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.plugin.markers import hookimpl

if TYPE_CHECKING:
    from harness.coordinator.api import Run, layers, load, resume, run
    from harness.coordinator.conformance import check

__all__ = ["Run", "check", "hookimpl", "layers", "load", "resume", "run"]

_API = {"Run", "layers", "load", "resume", "run"}


def __getattr__(name: str) -> Any:
    if name in _API:
        from harness.coordinator import api

        return getattr(api, name)
    if name == "check":
        from harness.coordinator import conformance

        return conformance.check
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
