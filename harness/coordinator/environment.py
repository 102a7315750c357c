"""Where a run was made: everything that a figure may depend on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from harness.catalogue.plugins import Plugin
from harness.coordinator.config import cores

_ALWAYS = ("snn-harness", "torch", "torchvision", "numpy", "scipy", "scikit-learn", "pluggy")


def describe(plugins: Iterable[Plugin]) -> dict[str, Any]:
    """The machine, the interpreter, the versions and the commit, as run.json keeps them."""
    names = {*_ALWAYS}
    for plugin in plugins:
        names |= {plugin.distribution, plugin.framework} - {""}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "cores": cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "gpus": gpus(),
        "packages": {name: found for name in sorted(names) if (found := _version(name))},
        **_commit(),
    }


def gpus() -> list[str]:
    """The names of the CUDA devices that the driver reports; asks no torch."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        return [str(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
    finally:
        pynvml.nvmlShutdown()


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except (PackageNotFoundError, ValueError):
        return ""


def _commit() -> dict[str, Any]:
    """The checkout that the harness itself runs from; nothing where it is no checkout."""
    here = Path(sys.modules["harness"].__file__ or "").parent.parent

    def git(*words: str) -> str:
        run = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != here:
            return {}
        return {
            "commit": git("rev-parse", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.CalledProcessError):
        return {}
