"""The Python side of the command line: `harness.run`, `harness.layers`, `harness.load`."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.catalogue.plugins import LAYER_GROUP, Plugin, discover, select
from harness.catalogue.tasks import find_task, short_name
from harness.coordinator import environment
from harness.coordinator.command import RESUMABLE, RETRIED, Command
from harness.coordinator.config import LayersConfig, RunConfig, make_config, option
from harness.coordinator.devices import choose_device
from harness.coordinator.environments import in_environments
from harness.coordinator.executors.job import Executor
from harness.coordinator.folders import check_links, new_folder
from harness.coordinator.forecast import Forecast, probe
from harness.coordinator.layers import LayersBench
from harness.coordinator.listener import Listener
from harness.coordinator.metrics import OwnMetric, choose
from harness.coordinator.networks import measure_networks
from harness.coordinator.notebook import default_listener
from harness.coordinator.plan import Planned, TaskPlan, check_names, plan_tasks
from harness.coordinator.pool import Workers
from harness.coordinator.run import Run, import_report, load
from harness.coordinator.training import describe, prepare, run_trials, scratch_folder
from harness.errors import UsageError, unknown
from harness.protocol import Prepared
from harness.results.comparison import PROCESSES
from harness.results.record import TrialRecord
from harness.results.store import COMMANDS, Kind, RunFolder

__all__ = ["Forecast", "Run", "forecast", "layers", "load", "resume", "run"]


def run(
    plugins: str | Sequence[str] = "all",
    *,
    task: str | Path | Sequence[str | Path] = "digits",
    preset: str = "quick",
    params: Mapping[str, Mapping[str, Any]] | None = None,
    seeds: Sequence[int] = (0, 1, 2),
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
    variants: Sequence[str] = ("eager",),
    rounds: int = 12,
    min_time: float = 0.02,
    baseline: str = "",
    data: Sequence[str | Path] = (),
    metrics: str | Sequence[str] = (),
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
    options = {
        "plugins": _patterns(plugins),
        "task": str(task) if isinstance(task, (str, Path)) else tuple(map(str, task)),
        "preset": preset,
        "params": params or {},
        "seeds": tuple(seeds),
        "device": device,
        "threads": threads,
        "jobs": jobs,
        "timeout": timeout,
        "memory": memory,
        "limit": limit,
        "checkpoint": checkpoint,
        "fail_fast": fail_fast,
        "isolate": isolate,
        "timing": timing,
        "sweep": sweep,
        "variants": tuple(variants),
        "rounds": rounds,
        "min_time": min_time,
        "baseline": baseline,
        "data": tuple(str(folder) for folder in data),
        "metrics": _patterns(metrics) if metrics else (),
        "shard": shard,
        "executor": executor,
        "scheduler": scheduler,
    }
    config = make_config(RunConfig, options)
    with new_folder(out, f"{short_name(config.task)}-{config.preset}") as path:
        return _networks(config, Command(path, listener or default_listener(), command))


def forecast(
    plugins: str | Sequence[str] = "all", *, listener: Listener | None = None, **options: Any
) -> Forecast:
    """What `run` with the same options would do, and about how long it would take: nothing is kept.

    A few batches of each row are timed, and thrown away. UsageError as by `run`.
    """
    config = make_config(RunConfig, {"plugins": _patterns(plugins), **options})
    _check_tasks(config)
    selected = select(config.plugins, discover(), versions=True)
    check_names(config, selected)
    device, listener = choose_device(config.device), listener or default_listener()
    selected = in_environments(selected, config.isolate, listener)
    with _prepared(config, selected, device, listener) as (plans, _logs, workers):
        return Forecast.of(
            [probe(one.planned, one.config, one.data, workers, listener) for one in plans]
        )


def layers(
    plugins: str | Sequence[str] = "all",
    *,
    neurons: Sequence[int] = (512, 2048),
    steps: int = 500,
    batch: int = 16,
    density: Sequence[float] = (1.0, 0.1),
    proved: Sequence[float] = (0.5, 0.9, 0.95, 1.0),
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
    options = {
        "plugins": _patterns(plugins),
        "neurons": tuple(neurons),
        "steps": steps,
        "batch": batch,
        "density": tuple(density),
        "proved": tuple(proved),
        "beta": beta,
        "device": device,
        "threads": threads,
        "rounds": rounds,
        "min_time": min_time,
        "timeout": timeout,
        "memory": memory,
        "baseline": baseline,
    }
    config = make_config(LayersConfig, options)
    with new_folder(out, "layers") as path:
        return _layers(config, Command(path, listener or default_listener(), command))


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
    (`RETRIED`). `changed` are options that decide no result, in place of the run's own: `RESUMABLE`.
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
    options = {**last.config, **changed}
    resumed = Command(
        folder.path, listener or default_listener(), command, folder, rerun_changed, last.folder
    )
    if described.kind == "networks":
        return _networks(make_config(RunConfig, options), resumed)
    return _layers(make_config(LayersConfig, options), resumed)


def _networks(config: RunConfig, command: Command) -> Run:
    asked, config = config, command.here(config)
    _check_tasks(config)
    selected = select(config.plugins, discover(), versions=True)
    check_names(config, selected)
    device = choose_device(config.device, command.listener.message)
    selected = in_environments(selected, config.isolate, command.listener)
    jobs = config.parallel(device)
    files = environment.parameter_files(config.params)
    session = environment.session(asked, selected, command=command.text, jobs=jobs, files=files)
    session = command.places(session)
    command.check("networks", session)  # what needs no import to be known is refused before any
    with _prepared(config, selected, device, command.listener) as (plans, logs, workers):
        chosen = choose(config.metrics, workers, command.listener.message)
        told = tuple(metric.told for metric in chosen)
        data = {one.task: one.data.facts for one in plans}
        facts = data if len(plans) > 1 else plans[0].data.facts
        planned = sum(len(one.planned) for one in plans)
        known = {"data": facts, "metrics": told, "planned": planned}
        session = session.model_copy(update=known)
        with command.at_work("networks", session) as (folder, number):
            for one in plans:
                if not _train_and_measure(
                    one, folder, number, logs, workers, command.listener, chosen
                ):
                    break
            if config.timing and config.part[1] > 1:
                command.listener.message(
                    "a part of a run is not measured: put the parts together with harness merge, "
                    "and resume that"
                )
    return load(command.path)


def _check_tasks(config: RunConfig) -> None:
    """UsageError where a task does not exist, or where two names are those of one."""
    found: dict[str, str] = {}
    for task in config.tasks:
        place = find_task(task).location.model_dump_json()
        if place in found:
            raise UsageError(f"--task: {found[place]} and {task} are the same task: give it once")
        found[place] = task


@contextmanager
def _prepared(
    config: RunConfig, selected: Sequence[Plugin], device: str, listener: Listener
) -> Iterator[tuple[list[TaskPlan], Path, Workers]]:
    """The plan of each task, the logs of what was imported, and the workers."""
    with Workers(memory=config.memory) as workers, scratch_folder() as logs:
        ready = [plugin for plugin in selected if plugin.status == "ready"]
        frameworks = [plugin.framework for plugin in ready]
        interpreters = list(dict.fromkeys(plugin.interpreter for plugin in ready))
        for python in interpreters or [""]:
            wanted = [plugin.framework for plugin in ready if plugin.interpreter == python]
            workers.warm(wanted, config.threads, PROCESSES if config.timing else 1, python)
        if not config.timing:  # nothing is timed that it could disturb: the loop is shorter by it
            threading.Thread(target=import_report, daemon=True).start()
        # Without torch beside this process, an environment has what data are prepared with.
        python = "" if find_spec("torch") else next(iter(interpreters), "")
        data: list[tuple[RunConfig, Prepared]] = []
        for task in config.tasks:
            listener.doing(f"preparing {task}")
            found = prepare(task, config.data_folders(), workers, listener.message, python)
            data.append((config.on(task), found))
        listener.doing(f"importing {', '.join(dict.fromkeys(frameworks)) or 'nothing'}")
        jobs = config.parallel(device)
        described = describe(selected, workers, jobs, config.threads, logs)
        yield plan_tasks(config, selected, described, device, data), logs, workers


def _train_and_measure(
    one: TaskPlan,
    folder: RunFolder,
    session: int,
    logs: Path,
    workers: Workers,
    listener: Listener,
    chosen: Sequence[OwnMetric],
) -> bool:
    """Whether the run goes on: not where a failed trial ends it."""
    config, planned, data = one.config, one.planned, one.data
    if not planned:  # this part of the run has nothing to do on this task
        return True
    trained = _trained(folder, session)
    open_ = [p for p in planned if p.trial.key not in trained]
    presets = ", ".join(dict.fromkeys(p.trial.row.preset for p in planned))
    finished = len(planned) - len(open_)
    listener.planned([p.label for p in planned], finished, f"{config.task} ({presets})")
    with folder.clocked("trials"), _executor(open_, config, data, folder, listener) as executor:
        finished_all = run_trials(
            open_, config, data, folder, session, logs, workers, listener, chosen, executor,
            folder.own_labels(one.own),
        )  # fmt: skip
    if not config.timing or config.part[1] > 1 or not finished_all:
        return finished_all
    trained = _trained(folder, session)
    group: dict[str, tuple[Planned, TrialRecord]] = {}
    for plan_ in planned:  # the first seed of each row that was trained stands for the row
        record = trained[plan_.trial.key]
        if record.status == "ok":
            group.setdefault(record.row.key, (plan_, record))
    timed = {r.row.key for r in folder.kept(session) if r.kind == "network-timing"}
    if group.keys() - timed:
        # A group is measured side by side or not at all: rows of two sittings do not compare.
        names = {p.trial.row.key: p.name for p in planned}
        members = list(group.values())
        with folder.clocked("group"):
            measure_networks(members, names, config, data, folder, session, workers, listener)
    return True


@contextmanager
def _executor(
    planned: Sequence[Planned],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    listener: Listener,
) -> Iterator[Executor | None]:
    """Where the trials run, if not by this machine's workers; it is left before anything is timed."""
    work = [plan for plan in planned if not plan.refused]
    if config.executor == "local" or not work:
        yield None
        return
    from harness.coordinator.executors.dask import dask_executor

    device = work[0].trial.row.device
    slots = config.parallel(device)
    resume = f"carry on with: {COMMANDS['networks']} --resume {shlex.quote(str(folder.path))}"
    with dask_executor(config, data, device, slots, listener, resume) as executor:
        executor.check(list({plan.plugin.label: plan.plugin for plan in work}.values()))
        yield executor


def _trained(folder: RunFolder, session: int) -> dict[str, TrialRecord]:
    """The trials that need no repeating, by their keys."""
    return {r.key: r for r in folder.kept(session) if isinstance(r, TrialRecord)}


def _layers(config: LayersConfig, command: Command) -> Run:
    asked, config = config, command.here(config)
    selected = select(config.plugins, discover(LAYER_GROUP))
    device = choose_device(config.device, command.listener.message)
    known = {name for plugin in selected for name in (plugin.name, plugin.framework)}
    if config.baseline and config.baseline not in known:
        raise unknown("row for --baseline", config.baseline, known)
    session = command.places(environment.session(asked, selected, command=command.text))
    command.check("layers", session)
    with Workers(memory=config.memory) as workers:
        command.listener.doing("importing frameworks")
        frameworks = [plugin.framework for plugin in selected if plugin.status == "ready"]
        workers.warm(frameworks, config.threads, PROCESSES)
        with command.at_work("layers", session) as (folder, number), folder.clocked("layers"):
            bench = LayersBench(config, folder, number, workers, command.listener)
            bench.carry_out(selected, device)
    return load(command.path)


def _patterns(plugins: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(plugins.split(",")) if isinstance(plugins, str) else tuple(plugins)
