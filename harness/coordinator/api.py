"""The Python side of the command line: `harness.run`, `harness.layers`, `harness.load`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import tasks
from harness.catalogue.plugins import LAYER_GROUP, discover, select
from harness.coordinator import environment
from harness.coordinator.config import LayersConfig, RunConfig, make_config
from harness.coordinator.environment import choose_device
from harness.coordinator.folders import default_folder
from harness.coordinator.layers import LayersBench
from harness.coordinator.listener import Listener
from harness.coordinator.networks import measure_networks
from harness.coordinator.notebook import default_listener
from harness.coordinator.plan import Planned, check_names, plan
from harness.coordinator.pool import Workers
from harness.coordinator.run import Run, load
from harness.coordinator.training import describe, prepare, run_trials, scratch_folder
from harness.errors import UsageError, unknown
from harness.protocol import Prepared
from harness.results.comparison import PROCESSES
from harness.results.record import TrialRecord
from harness.results.session import Session, changes
from harness.results.store import COMMANDS, Kind, RunFolder

__all__ = ["Run", "layers", "load", "resume", "run"]


def run(
    plugins: str | Sequence[str] = "all",
    *,
    task: str = "digits",
    preset: str = "quick",
    params: Mapping[str, Mapping[str, Any]] | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    device: str = "auto",
    threads: int = 1,
    jobs: int | None = None,
    timeout: float | None = None,
    timing: bool = True,
    rounds: int = 12,
    min_time: float = 0.02,
    baseline: str = "",
    data: Sequence[str | Path] = (),
    out: str | Path | None = None,
    listener: Listener | None = None,
    command: str = "",
) -> Run:
    """Trains, evaluates and measures `plugins` on `task`, and writes the report: as `harness run`.

    `plugins` are names, globs, `all`, and paths of .py files. `params` changes parameters by plugin
    name or glob; each value of a list is a row: `{"native-dfa": {"hidden": [32, 64]}}`. Without
    `timing`, nothing is measured beside the trials. UsageError where something is asked for that does
    not exist.
    """
    options = {
        "plugins": _patterns(plugins),
        "task": task,
        "preset": preset,
        "params": params or {},
        "seeds": tuple(seeds),
        "device": device,
        "threads": threads,
        "jobs": jobs,
        "timeout": timeout,
        "timing": timing,
        "rounds": rounds,
        "min_time": min_time,
        "baseline": baseline,
        "data": tuple(str(folder) for folder in data),
    }
    config = make_config(RunConfig, options)
    path = Path(out) if out is not None else default_folder(f"{config.task}-{config.preset}")
    return _networks(config, _Command(path, listener or default_listener(), command))


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
        "baseline": baseline,
    }
    config = make_config(LayersConfig, options)
    path = Path(out) if out is not None else default_folder("layers")
    return _layers(config, _Command(path, listener or default_listener(), command))


def resume(
    path: str | Path,
    kind: Kind | None = None,
    *,
    rerun_changed: bool = False,
    listener: Listener | None = None,
    command: str = "",
) -> Run:
    """Carries an interrupted run on: finished trials and measurements are kept, the others are made.

    UsageError where a plugin, a version, the data or the host has changed since; with `rerun_changed`,
    what has changed is made anew.
    """
    folder = RunFolder.open(Path(path), kind)
    described = folder.description()
    if not described.sessions:
        raise UsageError(f"{folder.path} cannot be resumed: its run.json holds no session")
    options = described.sessions[-1].config
    resumed = _Command(folder.path, listener or default_listener(), command, folder, rerun_changed)
    if described.kind == "networks":
        return _networks(make_config(RunConfig, options), resumed)
    return _layers(make_config(LayersConfig, options), resumed)


@dataclass(frozen=True)
class _Command:
    """Where a command writes and who follows it; `folder` is the run that it carries on, if any."""

    path: Path
    listener: Listener
    text: str
    folder: RunFolder | None = None
    rerun_changed: bool = False

    def check(self, kind: Kind, session: Session) -> None:
        """UsageError where `path` is not free, or where the run has changed since."""
        if self.folder is None:
            RunFolder.check_free(self.path)
            return
        changed = changes(self.folder.description().sessions[-1], session)
        if changed and not self.rerun_changed:
            raise UsageError(
                f"{self.path} cannot be carried on as it is, these have changed: "
                f"{'; '.join(changed)}. Run what has changed anew with: {COMMANDS[kind]} "
                f"--resume {self.path} --rerun-changed"
            )

    @contextmanager
    def at_work(self, kind: Kind, session: Session) -> Iterator[tuple[RunFolder, int]]:
        """The folder, locked, and the session's place in it; the report is written at the end.

        A report of what there is, without figures, is written also where the work is interrupted.
        """
        self.check(kind, session)
        folder = self.folder or RunFolder.create(self.path, kind)
        with folder.locked():
            number = folder.begin(session)
            try:
                yield folder, number
            except KeyboardInterrupt:
                with suppress(Exception):
                    load(self.path).report(figures=False)
                raise
            with folder.clocked("report"):
                self.listener.doing("writing the report")
                load(self.path).report(say=self.listener.doing)


def _networks(config: RunConfig, command: _Command) -> Run:
    tasks.find(config.task)
    selected = select(config.plugins, discover())
    check_names(config, selected)
    device = choose_device(config.device)
    jobs = config.parallel(device)
    session = environment.session(config, selected, command=command.text, jobs=jobs)
    command.check("networks", session)  # what needs no import to be known is refused before any
    listener = command.listener
    with Workers() as workers, scratch_folder() as logs:
        frameworks = [plugin.framework for plugin in selected if plugin.status == "ready"]
        workers.warm(frameworks, config.threads, PROCESSES if config.timing else 1)
        listener.doing(f"preparing {config.task}")
        data = prepare(config.task, config.data_folders(), workers, listener.message)
        listener.doing(f"importing {', '.join(dict.fromkeys(frameworks)) or 'nothing'}")
        described = describe(selected, workers, jobs, config.threads, logs)
        planned = plan(config, selected, described, device)
        session = session.model_copy(update={"data": data.facts})
        with command.at_work("networks", session) as (folder, number):
            _train_and_measure(config, planned, data, folder, number, logs, workers, listener)
    return load(command.path)


def _train_and_measure(
    config: RunConfig,
    planned: Sequence[Planned],
    data: Prepared,
    folder: RunFolder,
    session: int,
    logs: Path,
    workers: Workers,
    listener: Listener,
) -> None:
    trained = _trained(folder, session)
    open_ = [p for p in planned if p.trial.key not in trained]
    presets = ", ".join(dict.fromkeys(p.trial.row.preset for p in planned))
    finished = len(planned) - len(open_)
    listener.planned([p.label for p in planned], finished, f"{config.task} ({presets})")
    with folder.clocked("trials"):
        run_trials(open_, config, data, folder, session, logs, workers, listener)
    if not config.timing:
        return
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


def _trained(folder: RunFolder, session: int) -> dict[str, TrialRecord]:
    """The trials that need no repeating, by their keys."""
    return {r.key: r for r in folder.kept(session) if isinstance(r, TrialRecord)}


def _layers(config: LayersConfig, command: _Command) -> Run:
    selected = select(config.plugins, discover(LAYER_GROUP))
    device = choose_device(config.device)
    known = {name for plugin in selected for name in (plugin.name, plugin.framework)}
    if config.baseline and config.baseline not in known:
        raise unknown("row for --baseline", config.baseline, known)
    session = environment.session(config, selected, command=command.text)
    command.check("layers", session)
    with Workers() as workers:
        command.listener.doing("importing frameworks")
        frameworks = [plugin.framework for plugin in selected if plugin.status == "ready"]
        workers.warm(frameworks, config.threads, PROCESSES)
        with command.at_work("layers", session) as (folder, number), folder.clocked("layers"):
            bench = LayersBench(config, folder, number, workers, command.listener)
            bench.carry_out(selected, device)
    return load(command.path)


def _patterns(plugins: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(plugins.split(",")) if isinstance(plugins, str) else tuple(plugins)
