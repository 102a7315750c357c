"""Environments of plugins: each has packages of its own, so that what conflicts runs in one comparison.

Built by uv, which shares the files on disk by hard links, and kept in the cache by a digest of what they
are made of (`harness.coordinator.recipe`): the next command has them at once, offline too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from harness.catalogue.plugins import Plugin
from harness.config.paths import cache_folder
from harness.coordinator.listener import Listener
from harness.coordinator.recipe import Recipe, own_requirements, recipe_of
from harness.errors import UsageError
from harness.results.writing import replace as replace_file

#: Written last into an environment, with its packages: one without it was not finished.
_DONE = "environment.json"
#: What decides most about speed and results beside the framework: given up last.
_FIRST = ("torch", "torchvision", "numpy")
#: Variables that would mix another environment's packages, or its versions, into this one.
_NOT_FOR_UV = {
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONPATH",
    "PYTHONHOME",
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
}
_NO_SOLUTION, _NO_NETWORK = "No solution found", "there is no network"
#: Without a network, to give up versions would not help: what is missing is to be told.
_AWAY = (_NO_NETWORK, "network was disabled")
_UNREACHED = ("error sending request", "Failed to fetch", "client error", "Request failed")
_SHOWN = 600
#: How the lines of uv begin that tell of progress.
_STEPS = ("Resolved", "Downloading", "Building", "Built", "Prepared", "Installed")
_ASIDE = ("Using", "Creating", "Activate", "warning:")
#: What uv draws around its lines.
_FRAME = " \n\N{MULTIPLICATION SIGN}╰─▶│├"


def in_environments(plugins: Sequence[Plugin], isolate: bool, listener: Listener) -> list[Plugin]:
    """`plugins`, each that needs an environment with the interpreter of its own.

    That is each one with a version asked for, and with `isolate` all that are not broken. UsageError
    where an environment cannot be built.
    """
    by_label: dict[str, Plugin] = {}
    for plugin in plugins:
        if plugin.status != "broken" and (isolate or plugin.pinned):
            plugin = _in_environment(plugin, listener)
        by_label.setdefault(plugin.label, plugin)  # 1.0 and 1.0.0 are one version
    return list(by_label.values())


def facts(plugins: Iterable[Plugin]) -> dict[str, Any]:
    """What run.json says of the environments: by the plugins in each, its exact packages."""
    shared: dict[str, list[str]] = {}
    for plugin in plugins:
        if plugin.interpreter:
            shared.setdefault(plugin.interpreter, []).append(plugin.label)
    known = {", ".join(labels): _read(Path(python).parents[1]) for python, labels in shared.items()}
    return (
        {"environments": {labels: {"packages": p} for labels, p in known.items()}} if known else {}
    )


def _in_environment(plugin: Plugin, listener: Listener) -> Plugin:
    recipe = recipe_of(plugin)
    for need in own_requirements(plugin):
        same = canonicalize_name(need.name) == canonicalize_name(plugin.framework_package)
        if plugin.pinned and same and not need.specifier.contains(plugin.pinned, prereleases=True):
            asks = f"asks for {need}, and runs with {plugin.pinned} as --plugins says"
            listener.message(f"{plugin.label}: {plugin.distribution or plugin.name} {asks}")
    folder = provide(recipe, plugin.label, listener)
    versions = dict(line.split("==", 1) for line in _read(folder))
    version = versions.get(canonicalize_name(plugin.framework_package or plugin.framework), "")
    return replace(
        plugin,
        interpreter=str(_python(folder)),
        framework_version=version,
        pinned=version if plugin.pinned else "",
        status="ready",
        reason="",
        install="",
    )


def provide(recipe: Recipe, label: str, listener: Listener) -> Path:
    """The folder of the environment, built where the cache does not hold it.

    UsageError where it cannot be: uv is not installed, nothing satisfies the requirements, the network
    is away and something is not in uv's cache, or the cache cannot be written.
    """
    from filelock import FileLock

    folder = cache_folder() / "environments" / recipe.key
    if _is_done(folder):
        return folder
    listener.doing(f"building the environment of {label}")
    with _keeping(label, folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock").acquire()
    with lock:
        if not _is_done(folder):  # another command may just have built it
            _build(folder, recipe, label, listener)
    return folder


def _build(folder: Path, recipe: Recipe, label: str, listener: Listener) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    uv = partial(_run, _uv(), lambda line: listener.doing(f"environment of {label}: {line}"))
    # Not in the user's folder: uv would obey the constraints of a project there.
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        here = Path(scratch)
        if problem := uv(here, "venv", "--python", sys.executable, str(folder)):
            raise UsageError(f"the environment of {label} cannot be made: {problem}")
        (here / "requirements.txt").write_text("\n".join(recipe.requirements))
        (here / "overrides.txt").write_text(recipe.pin)
        for constraints, remark in _less_and_less(recipe.constraints):
            (here / "constraints.txt").write_text("\n".join(constraints))
            problem = _install(uv, here, folder)
            if not problem and remark:
                listener.message(f"{label}: {remark}")
            if _NO_SOLUTION not in problem or any(sign in problem for sign in _AWAY):
                break
    if problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise UsageError(f"the environment of {label} cannot be built: {problem}")
    packages = _packages_folder(folder)
    with _keeping(label, folder.parent):
        for path in recipe.links:
            (packages / Path(path).name).symlink_to(path)
        versions = {
            canonicalize_name(d.name): d.version for d in distributions(path=[str(packages)])
        }
        content = {
            "recipe": asdict(recipe),
            "packages": [f"{n}=={v}" for n, v in sorted(versions.items())],
        }
        replace_file(folder / _DONE, json.dumps(content, indent=1).encode())


@contextmanager
def _keeping(label: str, folder: Path) -> Iterator[None]:
    """A UsageError in one line where the cache cannot be written."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"cannot keep the environment of {label} in {folder} ({error.strerror or error}): set "
            "HARNESS_CACHE to a folder that can be written"
        ) from None


def _install(uv: Callable[..., str], here: Path, folder: Path) -> str:
    """Installs what the files in `here` say; the problem in one line, "" where there is none."""
    words = (
        "pip", "install", "--python", str(_python(folder)), "--requirements", "requirements.txt",
        "--constraints", "constraints.txt", "--overrides", "overrides.txt",
    )  # fmt: skip
    problem = uv(here, *words)
    if any(sign in problem for sign in _UNREACHED):
        problem = uv(here, *words, "--offline")
        return f"{_NO_NETWORK}; from what uv has cached: {problem}" if problem else ""
    return problem


def _less_and_less(constraints: Sequence[str]) -> Iterator[tuple[list[str], str]]:
    """The versions of here; where they conflict with the requirements fewer of them, and what to say."""
    yield list(constraints), ""
    first = [line for line in constraints if line.split("==")[0] in _FIRST]
    names = ", ".join(_FIRST)
    yield first, f"its requirements allow the versions that are installed here of {names} alone"
    yield [], f"its requirements do not allow the versions of {names} that are installed here"


def _run(uv: str, say: Callable[[str], None], folder: Path, *words: str) -> str:
    """Runs uv in `folder` and says what it does; what went wrong in one line, "" where nothing did."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_UV}
    lines = []
    with subprocess.Popen(
        [uv, *words],
        cwd=folder,
        env={"UV_LINK_MODE": "hardlink", **kept, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith(_STEPS):
                say(line.strip())
            elif not line.startswith(_ASIDE):
                lines.append(line.strip(_FRAME).removeprefix("error: ").removeprefix("cause: "))
    if process.returncode == 0:
        return ""
    text = " ".join(" ".join(lines).split()) or f"uv ended with exit code {process.returncode}"
    if len(text) <= _SHOWN:
        return text
    # The beginning and the end say what conflicts and what follows.
    return f"{text[: _SHOWN // 2]} ... {text[-_SHOWN // 2 :]}"


def _uv() -> str:
    """The uv command: of the path, or that of its Python package, which lies beside the interpreter."""
    folders = [os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)]
    command = shutil.which("uv", path=os.pathsep.join(folders))
    if command is None:
        raise UsageError("--isolate and NAME@VERSION need uv: pip install uv")
    return command


def _is_done(folder: Path) -> bool:
    """Whether its last file is there and whole: a full disk may have left it empty."""
    try:
        _read(folder)
        return _python(folder).exists()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _read(folder: Path) -> list[str]:
    """Its packages, as NAME==VERSION; any of several errors where they are not written, or damaged."""
    packages: list[str] = json.loads((folder / _DONE).read_text())["packages"]
    return packages


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _packages_folder(folder: Path) -> Path:
    places = {"base": str(folder), "platbase": str(folder)}
    return Path(sysconfig.get_path("purelib", scheme="venv", vars=places))
