"""The Python side of the commands that measure: `harness.run`, `layers`, `resume`, `forecast`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from harness.catalogue.tasks import short_name
from harness.config.options import (
    Config,
    LayersConfig,
    RunConfig,
    make_config,
    option,
    patterns,
    several,
    texts,
)
from harness.coordinator import work
from harness.coordinator.command import RESUMABLE, RETRIED, Command
from harness.coordinator.forecast import Forecast, probe
from harness.coordinator.listener import Listener
from harness.coordinator.notebook import default_listener
from harness.errors import NoSuchFile, UsageError, WrongParameter
from harness.results.store import COMMANDS, Kind, RunFolder
from harness.runs.folders import check_links, new_folder
from harness.runs.run import Run

C = TypeVar("C", bound=Config)


def run(
    plugins: str | Path | Sequence[str | Path] = "all",
    *,
    task: str | Path | Sequence[str | Path] = "digits",
    preset: str | Sequence[str] = "quick",
    params: Mapping[str, Mapping[str, Any]] | None = None,
    seeds: int | Sequence[int] = (0, 1, 2),
    device: str = "auto",
    threads: int = 1,
    jobs: int | None = None,
    timeout: float | None = None,
    memory: float | None = None,
    limit: int | None = None,
    checkpoint: float | None = 10.0,
    fail_fast: bool = False,
    isolate: bool = False,
    timing: bool = True,
    sweep: bool = False,
    variants: str | Sequence[str] = ("eager",),
    rounds: int = 12,
    min_time: float = 0.02,
    baseline: str = "",
    data: str | Path | Sequence[str | Path] = (),
    metrics: str | Path | Sequence[str | Path] = (),
    shard: str = "",
    executor: str = "local",
    scheduler: str = "",
    out: str | Path | None = None,
    listener: Listener | None = None,
    command: str = "",
) -> Run:
    """Trains, evaluates and measures `plugins` on `task`, and writes the report: as `harness run`.

    Of several tasks, a list or separated by commas, each is compared on its own. `plugins` are names,
    globs, `all`, and paths of .py files. `params` changes parameters by plugin name or glob; each value
    of a list is a row: `{"native-dfa": {"hidden": [32, 64]}}`. A trial may take `timeout` seconds and
    `memory` GiB. With `limit`, so many samples of each split are used, drawn alike; with `fail_fast`, the
    first failure ends the run. With `isolate`, every plugin has packages of its own, as NAME@VERSION
    always has. After every `checkpoint` minutes, at the end of an epoch, a trial is kept, to go on from
    there if it is killed; None never does. Without `timing`, nothing is measured beside the trials, nor
    in a part of a run, as `shard` "3/10" asks for. With `sweep`, rates by batch size are measured too;
    `variants` are ways of evaluating each network: eager, compile, graphs. `metrics` are names, globs and
    .py files of metrics by hook beside those that cost nothing; "none" is none at all. With the
    `executor` "dask", trials run on the cluster of `scheduler`, or on one that is started here.
    UsageError where something is asked for that does not exist.
    """
    config = _config(RunConfig, locals() | {"params": params or {}})
    with new_folder(out, f"{short_name(config.task)}-{config.preset}") as path, _as_params(command):
        return work.networks(config, Command(path, listener or default_listener(), command))


def forecast(
    plugins: str | Path | Sequence[str | Path] = "all",
    *,
    listener: Listener | None = None,
    command: str = "",
    **options: Any,
) -> Forecast:
    """What `run` with the same options would do, and about how long it would take: nothing is kept.

    A few batches of each row are timed, and thrown away. UsageError as by `run`.
    """
    config = make_config(RunConfig, _plain({"plugins": plugins, **options}), _named(command))
    listener = listener or default_listener()
    with _as_params(command):
        selected, device = work.contenders(config, listener)
    with work.prepared(config, selected, device, listener) as (plans, _metrics, _logs, workers):
        return Forecast.of(
            [probe(one.planned, one.config, one.data, workers, listener) for one in plans]
        )


def layers(
    plugins: str | Path | Sequence[str | Path] = "all",
    *,
    neurons: int | Sequence[int] = (512, 2048),
    steps: int = 500,
    batch: int = 16,
    density: float | Sequence[float] = (1.0, 0.1),
    proved: float | Sequence[float] = (0.5, 0.9, 0.95, 1.0),
    beta: float = 0.9,
    device: str = "auto",
    threads: int = 1,
    rounds: int = 12,
    min_time: float = 0.1,
    timeout: float = 240.0,
    memory: float | None = None,
    baseline: str = "",
    out: str | Path | None = None,
    listener: Listener | None = None,
    command: str = "",
) -> Run:
    """Proves that frameworks compute the same layer, then compares them: as `harness layers`.

    `neurons` and `density` are lists of sizes, `proved` the decays for which equality is proved.
    UsageError where something is asked for that does not exist.
    """
    config = _config(LayersConfig, locals())
    with new_folder(out, "layers") as path:
        return work.layers(config, Command(path, listener or default_listener(), command))


def resume(
    path: str | Path,
    kind: Kind | None = None,
    *,
    rerun_changed: bool = False,
    retry: bool = False,
    changed: Mapping[str, Any] | None = None,
    listener: Listener | None = None,
    command: str = "",
) -> Run:
    """Carries an interrupted run on: finished trials and measurements are kept, the others are made.

    UsageError where a plugin, a version, the data or the host has changed since; with `rerun_changed`,
    what has changed is made anew. With `retry`, so is what failed from causes outside of the plugin
    (`RETRIED`). `changed` are options that decide no result, in place of the run's own: `RESUMABLE`. It
    no longer ends at the first failure, unless these say so.
    """
    folder = RunFolder.open(Path(path), kind)
    described = folder.description()
    if not described.sessions:
        raise UsageError(
            f"{folder.path} cannot be resumed: its run.json holds no session: repeat its command"
        )
    check_links(folder.path)
    if retry:
        folder.again = RETRIED
    last, changed = described.sessions[-1], changed or {}
    if odd := changed.keys() - RESUMABLE:
        raise UsageError(f"{option(min(odd))} cannot change in a run that is carried on")
    going_on = {"fail_fast": False} if "fail_fast" in last.config else {}
    options = {**last.config, **going_on, **changed}
    resumed = Command(
        folder.path, listener or default_listener(), command, folder, rerun_changed, last.folder
    )
    try:
        if described.kind == "networks":
            return work.networks(make_config(RunConfig, options), resumed)
        return work.layers(make_config(LayersConfig, options), resumed)
    except NoSuchFile as error:
        carry_on = f"{COMMANDS[described.kind]} --resume {shlex.quote(str(folder.path.resolve()))}"
        raise UsageError(
            f"{error}, neither in {(folder.path / last.folder).resolve()} nor here: go to the folder that "
            f"holds it, and carry on with: {carry_on}"
        ) from None


#: Arguments that say where a run is written and who follows it: no part of its configuration.
_NO_OPTIONS = {"out", "listener", "command"}


def _named(command: str) -> Callable[[str], str]:
    """What an option is called by whoever gave it: a command, or Python."""
    return option if command else str


@contextmanager
def _as_params(command: str) -> Iterator[None]:
    """A wrong parameter is told as Python gave it, where no command did."""
    try:
        yield
    except WrongParameter as error:
        if command:
            raise
        raise UsageError(f"params {error.pattern}.{error.name}: {error.what}") from None


def _parts(given: Any) -> tuple[Any, ...]:
    """One value or several; a text has its commas, as on the command line."""
    return tuple(given.split(",")) if isinstance(given, str) else several(given)


#: Options of which there may be one or several, and what makes a tuple of them.
_SEVERAL = {
    **dict.fromkeys(("seeds", "variants", "neurons", "density", "proved"), _parts),
    **dict.fromkeys(("plugins", "metrics"), patterns),
    "data": texts,
}


def _config(kind: type[C], given: Mapping[str, Any]) -> C:
    """The configuration that the arguments of `run` or `layers` make."""
    options = _plain({name: value for name, value in given.items() if name not in _NO_OPTIONS})
    return make_config(kind, options, _named(given["command"]))


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """`options` as a configuration holds them: one value or several, paths and numpy's scalars too."""
    plain = dict(options)
    for name, made in _SEVERAL.items():
        if plain.get(name) is not None:
            plain[name] = made(plain[name])
    if isinstance(task := plain.get("task"), Path):
        plain["task"] = str(task)
    elif isinstance(task, (list, tuple)):
        plain["task"] = texts(task)
    return plain
