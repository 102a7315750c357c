"""A trained network of a run in a format of other programs: `harness.export`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from harness.catalogue.plugins import Plugin, discover, select
from harness.config.options import RunConfig, make_config
from harness.coordinator.command import Command
from harness.coordinator.data import prepare
from harness.coordinator.environments import in_environments
from harness.coordinator.listener import Listener
from harness.coordinator.processes.failures import failed
from harness.coordinator.processes.pool import Workers, asking
from harness.coordinator.scratch import scratch_folder
from harness.errors import UsageError, unknown
from harness.protocol.events import Measured, Prepared
from harness.protocol.requests import ExportNetwork
from harness.results.naming import rows_named
from harness.results.record import TrialRecord
from harness.results.store import RunFolder
from harness.results.summary import Summary
from harness.runs.run import Run, load
from harness.subjects import Row, Trial

FORMATS = ("nir",)
#: Building a network and a few batches take seconds.
_SECONDS = 600.0


@dataclass(frozen=True)
class Exported:
    """A network that was written to `path`.

    `neurons` and `layers` are those of the graph, its time step is `dt` seconds; `differ` is the fraction
    of spikes in which NIR's equations differ from the network on some test samples, by rounding.
    """

    path: Path
    label: str
    seed: int
    neurons: int
    layers: int
    dt: float
    differ: float


def export(
    run: str | Path | Run,
    row: str,
    *,
    format: str = "nir",  # noqa: A002 (what users call it)
    seed: int | None = None,
    dt: float | None = None,
    out: str | Path | None = None,
    listener: Listener | None = None,
) -> Exported:
    """Writes a trained network of `run` as a graph of NIR: as `harness export`.

    `row` is a plugin's name, with swept values where it has several rows, as `native-bptt hidden=64`, or
    a label of the table. It is the network of `seed`, the row's first if None. `dt` is the time step in
    seconds, that of the task if None (1 ms, unless the task says otherwise). UsageError where the run has
    no such network or no longer its state, where `out` exists, or where the format cannot say it.
    """
    listener = listener or Listener()
    if format not in FORMATS:
        raise unknown("format", str(format), FORMATS)
    if dt is not None and not 0 < dt < math.inf:
        raise UsageError(f"--dt is a time step in seconds above 0, not {dt}")
    run = run if isinstance(run, Run) else load(run, "networks")
    summary = _row(run, row)
    record = _trial(summary, seed)
    folder = RunFolder(run.path)
    state = folder.file("state", record.key, ".safetensors")
    if not state.is_file():
        raise UsageError(
            f"{run.path} no longer has the trained state of {summary.label} seed {record.seed} "
            f"({state.name} in its folder state): run it again, and keep that folder"
        )
    path = Path(out) if out else Path(f"{record.row.plugin}-seed{record.seed}.{format}")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
    if path.exists():
        raise UsageError(f"{path} exists already, and is not overwritten: give another --out")
    made = _ask(run, folder, record, state, path, dt, listener)
    return Exported(
        path,
        summary.label,
        record.seed,
        int(made["neurons"]),
        int(made["layers"]),
        made["dt"],
        made["differ"],
    )


def _row(run: Run, text: str) -> Summary:
    """The row that `text` names."""
    rows = {summary.row.key: summary for summary in run.rows}
    named = rows_named(text, [s.row for s in rows.values() if isinstance(s.row, Row)])
    matching = [rows[row.key] for row in named]
    if not matching:
        raise unknown("row", text, [summary.label for summary in rows.values()])
    if len(matching) > 1:
        several = ", ".join(repr(summary.label) for summary in matching)
        raise UsageError(f"{text!r} names {len(matching)} rows, give one: {several}")
    return matching[0]


def _trial(summary: Summary, seed: int | None) -> TrialRecord:
    if seed is None and summary.ok:
        return summary.ok[0]
    record = next((trial for trial in summary.trials if trial.seed == seed), None)
    if record is None and seed is not None:
        seeds = ", ".join(str(trial.seed) for trial in summary.trials)
        raise UsageError(f"{summary.label} has no seed {seed}: it has {seeds}")
    record = record or summary.trials[0]
    if record.status != "ok":
        raise UsageError(
            f"{summary.label} seed {record.seed} has no trained network, it is {record.status}: "
            f"{record.reason}"
        )
    return record


def _ask(
    run: Run,
    folder: RunFolder,
    record: TrialRecord,
    state: Path,
    path: Path,
    dt: float | None,
    listener: Listener,
) -> dict[str, float]:
    """Has a worker write the graph; what it says of it."""
    if record.session >= len(run.sessions):
        raise UsageError(
            f"{run.path} does not say by which command {record.row.plugin} was trained"
        )
    session = run.sessions[record.session]
    config = make_config(RunConfig, session.config)
    config = Command(run.path, listener, "", folder, start=session.folder).here(config)
    plugin = _plugin(config, record, listener)
    if plugin.digest != record.row.digest:
        listener.message(f"the code of {plugin.label} has changed since it was trained")
    with Workers() as workers, scratch_folder() as scratch:
        data = _data(config, record.row.task, plugin, workers, listener)
        if record.row.data and data.facts.get("digest") != record.row.data:
            raise UsageError(
                f"the data of {record.row.task} have changed since {run.path} was made"
            )
        # Relative names would be looked for in the worker's folder.
        request = ExportNetwork(
            plugin=plugin.location,
            trial=Trial(row=record.row, seed=record.seed),
            data=data.path,
            state=str(state.resolve()),
            path=str((scratch / "graph").resolve()),
            dt=dt,
        )
        listener.doing(f"building {plugin.label}")
        with asking(workers, plugin, scratch / "log", record.row.threads) as ask:
            event = ask(request, _SECONDS)
        if not isinstance(event, Measured):
            raise UsageError(f"{plugin.label} is not exported: {failed(event)['reason']}")
        try:
            path.write_bytes((scratch / "graph").read_bytes())
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    return {name: float(value) for name, value in event.facts.items()}


def _data(
    config: RunConfig, task: str, plugin: Plugin, workers: Workers, listener: Listener
) -> Prepared:
    """The data of the run's `task`; which of several that is, its file or name alone may not say."""
    for each in sorted(config.tasks, key=lambda text: text != task):
        folders = config.data_folders()
        data = prepare(each, folders, workers, listener.doing, plugin.interpreter)
        if data.task is None or data.task.name == task:
            break
    return data


def _plugin(config: RunConfig, record: TrialRecord, listener: Listener) -> Plugin:
    """The plugin that trained the network, as it is installed now; others of the run may be gone."""
    row = record.row
    pinned = f"@{row.pinned}" if row.pinned else ""
    files = [text for text in config.plugins if text.endswith((".py", f".py{pinned}"))]
    own = [text for text in files if Path(text.removesuffix(pinned)).stem == row.plugin]
    selected = select([*own, row.contender][:1], discover(), versions=True)
    (plugin,) = in_environments(selected, config.isolate, listener)
    return plugin
