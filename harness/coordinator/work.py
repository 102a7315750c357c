"""What a command that measures does, from its configuration to the report: networks, and layers."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from harness.catalogue.plugins import LAYER_GROUP, Plugin, discover, select
from harness.catalogue.source import names
from harness.catalogue.tasks import find_task, short_name
from harness.config.options import LayersConfig, RunConfig
from harness.coordinator import environment
from harness.coordinator.checkpoints import prune
from harness.coordinator.command import Command
from harness.coordinator.data import prepare
from harness.coordinator.environments import in_environments
from harness.coordinator.executors.job import Executor
from harness.coordinator.layers import LayersBench
from harness.coordinator.listener import Listener
from harness.coordinator.metrics import OwnMetric, choose
from harness.coordinator.networks import measure_networks
from harness.coordinator.plan import Planned, TaskPlan, check_names, plan_tasks, without_effect
from harness.coordinator.presets import describe
from harness.coordinator.processes.devices import choose_device
from harness.coordinator.processes.pool import Workers
from harness.coordinator.scratch import scratch_folder
from harness.coordinator.training import run_trials
from harness.errors import UsageError, concerning, unknown
from harness.protocol.events import Prepared
from harness.report.classes import without_samples
from harness.results.comparison import PROCESSES
from harness.results.record import TrialRecord
from harness.results.store import COMMANDS, RunFolder
from harness.runs.run import Run, load


def networks(config: RunConfig, command: Command) -> Run:
    """Trains and measures what `config` asks for, as far as the run of `command` has not yet."""
    asked, config = config, command.here(config)
    selected, device = contenders(config, command.listener)
    jobs = config.parallel(device)
    files = environment.parameter_files(config.params)
    session = environment.session(asked, selected, command=command.text, jobs=jobs, files=files)
    session = command.places(session)
    command.check("networks", session)  # what needs no import to be known is refused before any
    with prepared(config, selected, device, command.listener) as (plans, chosen, logs, workers):
        metrics = tuple(metric.declared for metric in chosen)
        data = {one.task: one.data.facts for one in plans}
        facts = data if len(plans) > 1 else plans[0].data.facts
        planned = sum(len(one.planned) for one in plans)
        rows = tuple(key for one in plans for key in one.rows)
        known = {"data": facts, "metrics": metrics, "planned": planned, "rows": rows}
        session = session.model_copy(update=known)
        with command.at_work("networks", session) as (folder, number):
            prune(folder, number, [plan.trial for one in plans for plan in one.planned])
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


def contenders(config: RunConfig, listener: Listener) -> tuple[list[Plugin], str]:
    """The plugins of a run, each with the interpreter that it needs, and the device."""
    with concerning("task"):
        _check_tasks(config)
    with concerning("plugins"):
        selected = select(config.plugins, discover(), versions=True)
    check_names(config, selected)
    with concerning("device"):
        device = choose_device(config.device, listener.message)
    return in_environments(selected, config.isolate, listener), device


def _check_tasks(config: RunConfig) -> None:
    """UsageError where a task does not exist, or where two names are those of one."""
    tasks: dict[str, str] = {}
    for task in config.tasks:
        place = find_task(task).location.model_dump_json()
        if place in tasks:
            raise UsageError(f"--task: {tasks[place]} and {task} are the same task: give it once")
        tasks[place] = task


@contextmanager
def prepared(
    config: RunConfig, selected: Sequence[Plugin], device: str, listener: Listener
) -> Iterator[tuple[list[TaskPlan], list[OwnMetric], Path, Workers]]:
    """The plan of each task, the chosen metrics, the logs of what was imported, and the workers."""
    with Workers(memory=config.memory) as workers, scratch_folder() as logs:
        ready = [plugin for plugin in selected if plugin.status == "ready"]
        frameworks = [plugin.framework for plugin in ready]
        interpreters = list(dict.fromkeys(plugin.interpreter for plugin in ready))
        for python in interpreters or [""]:
            wanted = [plugin.framework for plugin in ready if plugin.interpreter == python]
            workers.warm(wanted, config.threads, PROCESSES if config.timing else 1, python)
        # While the workers import theirs: at the end a single core would be waiting for it.
        importing = threading.Thread(target=_import_report, daemon=True)
        importing.start()
        # Without torch beside this process, an environment has what data are prepared with.
        python = "" if find_spec("torch") else next(iter(interpreters), "")
        data: list[tuple[RunConfig, Prepared]] = []
        for task in config.tasks:
            listener.doing(f"preparing {task}")
            task_data = prepare(task, config.data_folders(), workers, listener.message, python)
            for remark in without_samples(task_data.facts):
                listener.message(f"{short_name(task)}: {remark}")
            data.append((config.on(task), task_data))
        chosen = choose(config.metrics, workers, listener.message)  # mistakes before long imports
        listener.doing(f"importing {', '.join(dict.fromkeys(frameworks)) or 'nothing'}")
        jobs = config.parallel(device)
        described = describe(selected, workers, jobs, config.threads, logs)
        if config.timing:
            importing.join()  # it would take time from the first trials
        plans = plan_tasks(config, selected, described, device, data)
        idle = (line for one in plans for line in without_effect(one.config, one.planned))
        for line in dict.fromkeys(idle):
            listener.message(line)
        yield plans, chosen, logs, workers


def _import_report() -> None:
    """Imports what a report needs, which takes a second: for a thread, while others work."""
    modules = ["harness.report.build", "harness.report.terminal", "scipy.stats"]
    if "MPLBACKEND" not in os.environ:
        modules.append("harness.report.figures")
    with suppress(Exception):  # whoever needs it next says what is wrong
        for name in modules:
            import_module(name)


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
            open_, config, data, folder, session, logs, workers, listener,
            folder.own_labels(one.own), chosen, executor,
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


def check_layer_files(selected: Sequence[Plugin]) -> None:
    """UsageError for a file without the hook: nothing of it could be proved. Installed ones announce it."""
    for plugin in selected:
        file = plugin.location.file
        if file and plugin.status == "ready":
            text = Path(file).read_text(encoding="utf-8-sig", errors="replace")
            if not names(text, "harness_layer"):
                raise UsageError(f"{Path(file).name} does not implement harness_layer")


def layers(config: LayersConfig, command: Command) -> Run:
    """Proves and measures layers, as far as the run of `command` has not yet."""
    asked, config = config, command.here(config)
    selected = select(config.plugins, discover(LAYER_GROUP))
    check_layer_files(selected)
    device = choose_device(config.device, command.listener.message)
    known = {name for plugin in selected for name in (plugin.name, plugin.framework)}
    if config.baseline and config.baseline not in known:
        raise unknown("row", config.baseline, known, "for --baseline")
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
