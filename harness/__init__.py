"""A benchmarking harness for spiking networks.

A plugin's author imports from `harness.plugin`. The other names are the Python API of the command line;
they are imported when they are first used, so that `import harness` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.plugin.markers import hookimpl

if TYPE_CHECKING:
    from harness.coordinator.api import Run, UsageError, forecast, layers, load, resume, run
    from harness.coordinator.compare import compare
    from harness.coordinator.conformance import check
    from harness.coordinator.export import export
    from harness.coordinator.merge import merge
    from harness.coordinator.mlflow import log_mlflow

__all__ = [
    "Run",
    "UsageError",
    "check",
    "compare",
    "export",
    "forecast",
    "hookimpl",
    "layers",
    "load",
    "log_mlflow",
    "merge",
    "resume",
    "run",
]

_API = {
    **dict.fromkeys(("Run", "UsageError", "forecast", "layers", "load", "resume", "run"), "api"),
    "check": "conformance",
    "compare": "compare",
    "export": "export",
    "log_mlflow": "mlflow",
    "merge": "merge",
}


def __getattr__(name: str) -> Any:
    if name in _API:
        return getattr(import_module(f"harness.coordinator.{_API[name]}"), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
