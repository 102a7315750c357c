"""`harness.run` and `harness.load`: the Python side of the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness import tasks
from harness.errors import UsageError
from harness.catalogue.plugins import Plugin, discover, select
from harness.protocol import Trial
from harness.results.frame import latest
from harness.results.record import Record
from harness.results.store import RunFolder, by_key
from harness.coordinator import environment
from harness.coordinator.config import RunConfig
from harness.coordinator.listener import Listener
from harness.coordinator.plan import needs_presets, plan
from harness.coordinator.pool import Workers
from harness.coordinator.training import ask_presets, prepare, run_trials
from harness.coordinator.group import time_group

if TYPE_CHECKING:
    import pandas as pd

RESULTS = Path("results")


@dataclass(frozen=True)
class Run:
    """A run on disk: the latest record of each trial and timing.

    `problems` tells which lines of the records could not be read.
    """

    path: Path
    records: list[Record]
    problems: list[str]

    @property
    def frame(self) -> pd.DataFrame:
        """One row a trial, with the timing group's metrics beside its own."""
        from harness.results.frame import trials_frame

        return trials_frame(self.records)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a label, over its seeds, with intervals."""
        from harness.results.frame import summary_frame

        return summary_frame(self.records)

    def report(self, beside: Sequence[Run] = ()) -> list[Path]:
        """Rebuilds the tables, the figures and the page from the records; returns what it wrote.

        The trials of the runs `beside` are rows too. Their timings are not: only what was timed side
        by side compares.
        """
        from harness.report.build import build_report

        description = RunFolder.open(self.path).description()
        records, problems = [*self.records], [*self.problems]
        for other in beside:
            records += [record for record in other.records if record.stage == "trial"]
            problems += other.problems
        if beside:
            names = ", ".join(other.path.name for other in beside)
            description["rows taken over"] = f"the trials of {names}; timed were only this run's"
        return build_report(self.path, description, records, problems)


def load(path: str | Path) -> Run:
    """The run at `path`; UsageError where there is none that this version can read."""
    folder = RunFolder.open(Path(path))
    records, problems = folder.records()
    return Run(folder.path, latest(records), problems)


def run(
    plugins: str | Sequence[str] = "all",
    *,
    out: str | Path | None = None,
    listener: Listener | None = None,
    command: str = "",
    **options: Any,
) -> Run:
    """Runs `plugins` and writes the report; `options` are the fields of `RunConfig`.

    The same as `harness run`: `harness.run(["native-*"], task="mnist", preset="best", seeds=[0])`.
    UsageError where something is asked for that does not exist.
    """
    patterns = plugins.split(",") if isinstance(plugins, str) else plugins
    config = make_config(plugins=tuple(patterns), **options)
    path = Path(out) if out is not None else default_folder(config)
    return _execute(config, path, None, listener or Listener(), command)


def resume(path: str | Path, *, listener: Listener | None = None) -> Run:
    """Carries an interrupted run on: its finished trials are kept, the others run."""
    folder = RunFolder.open(Path(path))
    config = folder.description().get("config")
    if not isinstance(config, dict):
        raise UsageError(f"{folder.path} cannot be resumed: its run.json holds no configuration")
    config = make_config(**config)
    return _execute(config, folder.path, folder, listener or Listener(), "")


def make_config(**options: Any) -> RunConfig:
    """A RunConfig; UsageError in one line where an option is wrong."""
    try:
        return RunConfig(**options)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{where}: {first['msg']}, not {first['input']!r}") from None


def default_folder(config: RunConfig) -> Path:
    """results/<time>-<task>-<preset>, the time in UTC."""
    preset = re.sub(r"[^\w.-]+", "-", config.preset).strip("-")
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return RESULTS / f"{stamp}-{config.task}-{preset}"


def _execute(
    config: RunConfig, path: Path, folder: RunFolder | None, listener: Listener, command: str
) -> Run:
    tasks.find(config.task)
    selected = select(config.plugins, discover())
    device = choose_device(config.device)
    if folder is None:
        RunFolder.check_free(path)
    workers = Workers()
    jobs = config.parallel(device)
    presets = ask_presets(needs_presets(config, selected), workers, jobs)
    trials = plan(config, selected, presets, device)
    data = prepare(config, workers, listener)
    if folder is None:
        folder = RunFolder.create(path, _description(config, selected, data.facts, command, jobs))
    with folder.locked():
        _carry_out(config, trials, selected, data, folder, workers, listener)
    finished = load(path)
    finished.report()
    return finished


def _carry_out(
    config: RunConfig,
    trials: list[Trial],
    selected: list[Plugin],
    data: Any,
    folder: RunFolder,
    workers: Workers,
    listener: Listener,
) -> None:
    plugins = {plugin.name: plugin for plugin in selected}
    done = by_key(folder.records()[0], "trial")
    open_trials = [trial for trial in trials if trial.key not in done]
    listener.planned(trials, len(trials) - len(open_trials))
    with folder.clocked("trials"):
        run_trials(open_trials, plugins, config, data, folder, workers, listener)
    records = folder.records()[0]
    trained, timed = by_key(records, "trial"), by_key(records, "timing")
    group: dict[str, Trial] = {}
    for trial in trials:  # the first seed of each row that was trained stands for the row
        if trained[trial.key].status == "ok":
            group.setdefault(trial.label, trial)
    if any(trial.key not in timed for trial in group.values()):
        # A group is measured side by side or not at all: rows of two sittings do not compare.
        pairs = [(trial, trained[trial.key]) for trial in group.values()]
        with folder.clocked("timing_group"):
            time_group(pairs, plugins, config, data, folder, workers, listener)


def choose_device(asked: str) -> str:
    """`auto` as cuda where the driver reports a GPU; the worker finds out whether torch agrees."""
    if asked != "auto":
        if asked.split(":")[0] not in ("cpu", "cuda"):
            raise UsageError(f"unknown device {asked!r}: known: auto, cpu, cuda")
        return asked
    return "cuda" if environment.gpus() else "cpu"


def _description(
    config: RunConfig, plugins: list[Plugin], facts: dict[str, Any], command: str, jobs: int
) -> dict[str, Any]:
    return {
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": config.model_dump(mode="json"),
        "jobs": jobs,
        "data": facts,
        "environment": environment.describe(plugins),
    }
