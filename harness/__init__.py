"""A benchmarking harness for spiking networks.

A plugin's author imports from `harness.plugin`. The other names are the Python API of the command line;
they are imported when they are first used, so that `import harness` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.plugin.markers import hookimpl

if TYPE_CHECKING:
    from harness.coordinator.api import forecast, layers, resume, run
    from harness.coordinator.conformance import check
    from harness.coordinator.export import export
    from harness.errors import UsageError
    from harness.runs.compare import compare
    from harness.runs.merge import merge
    from harness.runs.mlflow import log_mlflow
    from harness.runs.run import Run, load

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

#: The module of each name.
_API = {
    **dict.fromkeys(("forecast", "layers", "resume", "run"), "coordinator.api"),
    **dict.fromkeys(("Run", "load"), "runs.run"),
    "UsageError": "errors",
    "check": "coordinator.conformance",
    "compare": "runs.compare",
    "export": "coordinator.export",
    "log_mlflow": "runs.mlflow",
    "merge": "runs.merge",
}


def __getattr__(name: str) -> Any:
    if name in _API:
        return getattr(import_module(f"harness.{_API[name]}"), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
