"""The conformance suite from this side: one worker for all checks, a fresh one where a check needs it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from time import monotonic
from typing import Literal

from harness.catalogue.plugins import GROUP, Plugin, discover, select
from harness.config.options import texts
from harness.coordinator.environments import in_environments
from harness.coordinator.listener import Listener
from harness.coordinator.processes.devices import choose_device
from harness.coordinator.processes.failures import failed, unexpected
from harness.coordinator.processes.pool import Workers, asking
from harness.coordinator.scratch import scratch_folder
from harness.errors import UsageError
from harness.plugin.conformance import CHECKS, Check
from harness.protocol.events import Checked, Event, Failed
from harness.protocol.requests import CheckPlugin

#: A check that takes longer hangs: the whole suite takes less for a small plugin.
_SECONDS = 180.0
_DIED = "see what the hook does to the process: exit(), a signal, an endless loop"


@dataclass(frozen=True)
class Result:
    """What one check found of one plugin; `mend` says what to change."""

    plugin: str
    check: str
    status: Literal["ok", "failed", "skipped"]
    detail: str
    mend: str = ""
    seconds: float = 0.0

    @property
    def line(self) -> str:
        """All of it in one line."""
        mend = f"; {self.mend}" if self.mend else ""
        word = "FAILED" if self.status == "failed" else self.status
        return f"{word:8}{self.check:13}{self.detail}{mend}"


class Results(list[Result]):
    """The results of all checks; shown as `harness check` prints them."""

    def __repr__(self) -> str:
        return "\n".join(f"{result.plugin}: {result.line}" for result in self)


def choose(names: Sequence[str]) -> list[Plugin]:
    """The plugins that `names` are: plugins, globs, FILE.py, installed distributions, their folders."""
    installed = discover()
    known = {plugin.name for plugin in installed}
    asked: list[str] = []
    for name in names:
        if name in known:
            asked.append(name)
        elif Path(name).is_dir():
            asked += _plugins_in(Path(name))
        else:
            asked += _plugins_of(name) or [name]
    return select(asked, installed, versions=True)


def check(
    plugins: str | Path | Sequence[str | Path],
    *,
    device: str = "cpu",
    quick: bool = False,
    isolate: bool = False,
    each: Callable[[Result], None] = lambda _: None,
    workers: Workers | None = None,
    listener: Listener | None = None,
) -> Results:
    """Checks `plugins` against the contract, as `harness check`; `each` is told every result at once.

    With `quick`, networks are trained on fewer samples and no call is timed. With `isolate`, every plugin
    has packages of its own, as NAME@VERSION always has. UsageError where there is no such plugin.
    """
    device = choose_device(device)
    chosen = in_environments(choose(texts(plugins)), isolate, listener or Listener())
    results = Results()
    with ExitStack() as stack:
        workers = workers or stack.enter_context(Workers())
        for plugin in chosen:
            folder = stack.enter_context(scratch_folder())
            results += _check(plugin, workers, folder, device, quick, each)
    return results


def _check(
    plugin: Plugin,
    workers: Workers,
    folder: Path,
    device: str,
    quick: bool,
    each: Callable[[Result], None],
) -> list[Result]:
    results: list[Result] = []
    causes: dict[str, str] = {}  # the failed check that stands behind each other one
    with asking(workers, plugin, folder / "log", 1) as ask:
        for check in CHECKS:
            start = monotonic()
            if cause := causes.get(check.needs):
                causes[check.name] = cause
                detail = f"needs {cause}, which failed"
                event: Event = Checked(status="skipped", detail=detail)
            else:
                request = CheckPlugin(
                    plugin=plugin.location,
                    check=check.name,
                    folder=str(folder),
                    device=device,
                    quick=quick,
                )
                if check.fresh:
                    with asking(workers, plugin, folder / "log", 1) as ask_fresh:
                        event = ask_fresh(request, _SECONDS)
                else:
                    event = ask(request, _SECONDS)
            result = _result(plugin, check, event, monotonic() - start)
            if result.status == "failed":
                causes[check.name] = check.name
            results.append(result)
            each(result)
    return results


def _result(plugin: Plugin, check: Check, event: Event, seconds: float) -> Result:
    if not isinstance(event, Checked):
        if plugin.status != "ready":
            reason, mend = plugin.reason, plugin.install or "correct what is named"
            return Result(plugin.label, check.name, "failed", reason, mend)
        event = event if isinstance(event, Failed) else unexpected(event)
        # A worker that ends has no time to name the hook; "start" would be the stage of every check.
        event = event.model_copy(update={"where": f"in check {check.name}"})
        event = Checked(status="failed", detail=failed(event)["reason"], mend=_DIED)
    return Result(
        plugin.label, check.name, event.status, event.detail, event.mend, round(seconds, 3)
    )


def _plugins_in(folder: Path) -> list[str]:
    """The plugins of the distribution whose source is in `folder`; UsageError where it is not installed."""
    try:
        name = str(tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"])
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError):
        raise UsageError(
            f"{folder} is no package: it has no pyproject.toml that names a project"
        ) from None
    if plugins := _plugins_of(name):
        return plugins
    raise UsageError(
        f"no plugin of {name} is installed: install it first with: pip install -e {folder}"
    )


def _plugins_of(name: str) -> list[str]:
    """The plugins of the installed distribution `name`; none where there is no such distribution."""
    try:
        points = distribution(name).entry_points
    except (PackageNotFoundError, ValueError):
        return []
    return [point.name for point in points if point.group == GROUP]
