"""Where a run was made: everything that a figure may depend on."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from harness import cgroup
from harness.catalogue.digest import file_digest, host_digest
from harness.catalogue.functions import split_function
from harness.catalogue.installed import Installed
from harness.catalogue.plugins import Plugin
from harness.config.options import Config, Params
from harness.coordinator import environments
from harness.coordinator.processes import worker_environment
from harness.coordinator.processes.devices import gpus
from harness.cores import cores
from harness.results.session import Session

_ALWAYS = ("snn-harness", "torch", "torchvision", "numpy", "scipy", "scikit-learn", "pluggy")


def session(
    config: Config,
    plugins: Iterable[Plugin],
    *,
    command: str,
    jobs: int = 1,
    files: Mapping[str, str] | None = None,
) -> Session:
    """The command that is at work now, as run.json keeps it, its data not yet known.

    `files` are the digests of those that its parameters name.
    """
    plugins, version = list(plugins), Installed().version
    host = {"version": version("snn-harness"), "digest": host_digest(), "torch": version("torch")}
    return Session(
        command=command,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        config=config.model_dump(mode="json"),
        jobs=jobs,
        host=host,
        plugins={plugin.label: _facts(plugin) for plugin in plugins},
        files=dict(files or {}),
        environment=describe(plugins),
        load_average=os.getloadavg()[0],
    )


def parameter_files(params: Params) -> dict[str, str]:
    """The digest of each file that is there and that one of `params` names, by the file's name."""
    values = (value for chosen in params.values() for each in chosen.values() for value in each)
    paths = dict.fromkeys(Path(split_function(str(value))[0]).expanduser() for value in values)
    digests: dict[str, str] = {}
    for path in filter(Path.is_file, paths):
        same = path.name in digests  # in another folder
        digests[f"{path.parent.name}/{path.name}" if same else path.name] = file_digest(path)
    return digests


def _facts(plugin: Plugin) -> dict[str, str]:
    facts = {"version": plugin.framework_version, "digest": plugin.digest}
    return facts | ({"description": plugin.description} if plugin.description else {})


def describe(plugins: Iterable[Plugin]) -> dict[str, Any]:
    """The machine, the interpreter, the versions and the commit."""
    names, version = {*_ALWAYS}, Installed().version
    for plugin in plugins:
        names |= {plugin.distribution, plugin.framework} - {""}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "cores": cores(),
        "memory_bytes": min(psutil.virtual_memory().total, cgroup.memory_bytes() or math.inf),
        "gpus": gpus(),
        "variables": worker_environment.facts(),
        "packages": {name: installed for name in sorted(names) if (installed := version(name))},
        **environments.facts(plugins),
        **_commit(),
    }


def _cpu_name() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


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
