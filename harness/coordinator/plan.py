"""From what is asked to the list of trials; every mistake in it is found here, before any work."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from harness.catalogue.functions import function_file
from harness.catalogue.plugins import Plugin
from harness.config.options import RunConfig
from harness.errors import UsageError, WrongParameter, concerning, unknown
from harness.plugin.contract import Unsupported, Value
from harness.plugin.parameters import Presets
from harness.protocol.events import Failed, Prepared
from harness.results.labels import labels
from harness.results.naming import baselines_named
from harness.results.record import Cited
from harness.subjects import Row, Trial


@dataclass(frozen=True)
class Planned:
    """One trial that is to run, or what it will be recorded as instead (`refused`).

    `source` is where its setting is written, `family` what its plugin's presets say, `unused` the
    parameters that have no effect beside the row's others, `name` the row's name for people.
    """

    trial: Trial
    plugin: Plugin
    refused: Failed | None = None
    source: Cited | None = None
    family: str = ""
    unused: tuple[str, ...] = ()
    name: str = ""

    @property
    def label(self) -> str:
        """The trial's name for people."""
        return f"{self.name} seed={self.trial.seed}"


@dataclass(frozen=True)
class TaskPlan:
    """What a run does on one of its tasks: its trials, its measurement group, and the data of both.

    `config` asks for this task alone; the run has `several`, or no other. `rows` are the keys of all rows,
    those of other parts too.
    """

    config: RunConfig
    planned: Sequence[Planned]
    data: Prepared
    several: bool = False
    rows: Sequence[str] = ()

    @property
    def task(self) -> str:
        """The name of the task, by which rows and presets go, also where a file was asked for."""
        return named(self.config, self.data).task

    @property
    def own(self) -> str:
        """What the task's files in the run's folder are called after; "" in a run of one task."""
        return self.task if self.several else ""


def named(config: RunConfig, data: Prepared) -> RunConfig:
    """`config` with the name of its task, where it was asked for by a file."""
    return config.on(data.task.name) if data.task else config


def plan(
    config: RunConfig,
    plugins: Sequence[Plugin],
    described: Mapping[str, Presets | Failed],
    device: str,
    data: str | None = None,
) -> list[Planned]:
    """The trials on one task, seed by seed, so that an interrupted run has every plugin at its first seeds.

    `described` holds the presets of every plugin that could be imported, and of the others why not;
    `data` is the digest of the task's arrays. The rows have no names yet: see `plan_tasks`.
    """
    _check_presets(config, described)
    rows: dict[str, Planned] = {}
    for plugin in plugins:
        for planned in _rows(config, plugin, described[plugin.label], device, data):
            # A value given twice, as 32 and 32.0, is one row: two would write the same files.
            rows.setdefault(planned.trial.row.key, planned)
    return [
        replace(planned, trial=Trial(row=planned.trial.row, seed=seed))
        for seed in config.seeds
        for planned in rows.values()
    ]


def part_of(config: RunConfig, planned: Sequence[Planned]) -> list[Planned]:
    """The trials of this run's part of all: the same wherever the same is planned.

    Every Nth trial. Where this would give a part the same rows of every seed, it begins one later each
    time that the rows repeat: a part of slow rows alone would end last. UsageError where nothing is left.
    """
    place, count = config.part
    cycle = math.lcm(len(planned) // len(config.seeds), count) or 1
    if place > len(planned):
        raise UsageError(
            f"--shard {config.shard} has nothing to do: there are {len(planned)} trials"
        )
    return [p for n, p in enumerate(planned) if (n + n // cycle) % count == place - 1]


def plan_tasks(
    config: RunConfig,
    plugins: Sequence[Plugin],
    described: Mapping[str, Presets | Failed],
    device: str,
    data: Sequence[tuple[RunConfig, Prepared]],
) -> list[TaskPlan]:
    """The run's part of the trials on each task, whose configuration and data are `data`.

    Rows are named among those of all tasks. A task of which nothing is in this part has no trials.
    UsageError where two tasks have one name, or where --baseline names no row, or several of one task.
    """
    every: list[Planned] = []
    tasks: dict[str, tuple[RunConfig, Prepared]] = {}
    for asked, prepared in data:
        own = named(asked, prepared)
        if own.task in tasks:
            raise UsageError(f"--task: two tasks are called {own.task}: rename one of them")
        tasks[own.task] = asked, prepared
        try:
            every += plan(own, plugins, described, device, prepared.facts.get("digest"))
        except WrongParameter:
            raise
        except UsageError as error:
            if len(data) == 1 or own.task in str(error):
                raise
            with concerning(error.option):
                raise UsageError(f"task {own.task}: {error}") from None
    rows = {p.trial.row.key: p.trial.row for p in every}
    if config.baseline:
        with concerning("baseline"):
            baselines_named(config.baseline, rows.values())
    called = dict(zip(rows, labels(list(rows.values())), strict=True))
    every = [replace(p, name=called[p.trial.row.key]) for p in every]
    # Seed by seed over all tasks, as on one: a part then has some of each.
    every.sort(key=lambda p: config.seeds.index(p.trial.seed))
    parts: dict[str, list[Planned]] = {name: [] for name in tasks}
    for planned in part_of(config, every):
        parts[planned.trial.row.task].append(planned)
    keys: dict[str, list[str]] = {name: [] for name in tasks}
    for key, row in rows.items():
        keys[row.task].append(key)
    return [
        TaskPlan(asked, parts[task], prepared, len(data) > 1, keys[task])
        for task, (asked, prepared) in tasks.items()
    ]


def without_effect(config: RunConfig, planned: Sequence[Planned]) -> Iterator[str]:
    """A line for each plugin that is given parameters which have no effect in any of its rows."""
    of: dict[str, list[Planned]] = {}
    for each in planned:
        if not each.refused:
            of.setdefault(each.plugin.name, []).append(each)
    for name, rows in of.items():
        idle = set.intersection(*(set(each.unused) for each in rows)) & _given(config, name).keys()
        if idle:
            names, verb = ", ".join(sorted(idle)), "have" if len(idle) > 1 else "has"
            yield (
                f"--set {name}: {names} {verb} no effect beside its other parameters "
                f"(harness plugins {name})"
            )


def check_names(config: RunConfig, plugins: Sequence[Plugin]) -> None:
    """UsageError where --set or --baseline is of a plugin that does not take part."""
    known = {name for plugin in plugins for name in (plugin.label, plugin.name)}
    if config.baseline and (config.baseline.split() or [""])[0] not in known:
        with concerning("baseline"):
            raise unknown("row", config.baseline, known, "for --baseline")
    for pattern, chosen in config.params.items():
        if not any(fnmatchcase(plugin.name, pattern) for plugin in plugins):
            error = unknown("plugin", pattern, [plugin.name for plugin in plugins])
            raise WrongParameter(error, pattern, next(iter(chosen), ""))


def _check_presets(config: RunConfig, described: Mapping[str, Presets | Failed]) -> None:
    known = [presets for presets in described.values() if isinstance(presets, Presets)]
    for pattern in config.preset.split(","):
        if known and not any(_matches(presets, pattern, config.task) for presets in known):
            offered = {name for presets in known for name in _matches(presets, "*", config.task)}
            with concerning("preset"):
                raise unknown("preset", pattern, offered, f"for task {config.task!r}")


def _rows(
    config: RunConfig,
    plugin: Plugin,
    described: Presets | Failed,
    device: str,
    data: str | None,
) -> Iterator[Planned]:
    """The rows of one plugin, their trials all of the first seed."""
    chosen = _given(config, plugin.name)
    for preset in _presets_of(described, config):
        for combination in itertools.product(*chosen.values()):
            given = dict(zip(chosen, combination, strict=True))
            refused = described if isinstance(described, Failed) else None
            family = described.family if isinstance(described, Presets) else ""
            source, params, row_plugin = None, given, plugin
            unused: tuple[str, ...] = ()
            if isinstance(described, Presets):
                try:
                    params = described.resolve(preset, config.task, given)
                    unused = described.unused(params)
                    source = _cited(described, preset, config.task, params)
                    params, row_plugin = _with_files(described, params, plugin)
                except Unsupported as reason:
                    refused = Failed(status="skipped", reason=str(reason))
                except UsageError as error:
                    raise _wrong(config, plugin.name, described, given, error) from None
            row = Row(
                **plugin.contender(device, config.threads).model_dump(),
                task=config.task,
                preset=preset,
                params=params,
                swept={name: params[name] for name, values in chosen.items() if len(values) > 1},
                limit=config.limit,
                data=data,
            )
            trial = Trial(row=row, seed=config.seeds[0])
            yield Planned(trial, row_plugin, refused, source, family, unused)


def _wrong(
    config: RunConfig,
    plugin: str,
    presets: Presets,
    given: Mapping[str, Value],
    error: UsageError,
) -> UsageError:
    """`error` of a plugin's parameters, with the place where the parameter was given."""
    for name, value in given.items():
        try:
            presets.parameters[name].check(name, value)
        except (KeyError, UsageError):
            patterns = [
                pattern
                for pattern, values in config.params.items()
                if name in values and fnmatchcase(plugin, pattern)
            ]
            return WrongParameter(f"{plugin}: {error}", patterns[-1], name)
    return UsageError(f"{plugin}: {error}")


def _given(config: RunConfig, plugin: str) -> dict[str, tuple[Value, ...]]:
    """What `config` sets of a plugin's parameters, by their names."""
    chosen: dict[str, tuple[Value, ...]] = {}
    for pattern, values in config.params.items():
        if fnmatchcase(plugin, pattern):
            chosen |= values
    return chosen


def _with_files(
    presets: Presets, params: Mapping[str, Value], plugin: Plugin
) -> tuple[dict[str, Value], Plugin]:
    """`params` as the row has them, files named by their content; and the plugin, told where they lie."""
    named, files = dict(params), []
    for name, value in params.items():
        if presets.parameters[name].file and value:
            named[name], place = function_file(name, str(value))
            files.append((str(named[name]), place))
    if not files:
        return named, plugin
    return named, replace(plugin, location=replace(plugin.location, files=tuple(files)))


def _cited(presets: Presets, preset: str, task: str, params: Mapping[str, Value]) -> Cited | None:
    """Where the setting of a row is written, if it is: what the command set is one more departure."""
    source = presets.sources.get(preset)
    if source is None:
        return None
    reported = presets.reported_for(preset, task, params)
    own = presets.resolve(preset, task, {})
    otherwise = [f"{name} is {value}" for name, value in params.items() if value != own[name]]
    return Cited(
        title=source.title,
        authors=source.authors,
        year=source.year,
        url=source.url,
        where=reported.where if reported else "",
        accuracy=reported.accuracy if reported else None,
        departures=(*source.departures, *([] if reported else otherwise)),
        mended=tuple(source.mended),
    )


def _presets_of(described: Presets | Failed, config: RunConfig) -> list[str]:
    """The presets that are asked for by name or pattern.

    Where the plugin has none of them, the first that was asked for: the trial will be skipped, and
    say so.
    """
    wanted = config.preset.split(",")
    if isinstance(described, Failed):
        return wanted[:1]
    names = [name for pattern in wanted for name in _matches(described, pattern, config.task)]
    return list(dict.fromkeys(names)) or wanted[:1]


def _matches(presets: Presets, pattern: str, task: str) -> list[str]:
    names = [name for name in presets.values if presets.offers(name, task)]
    return [name for name in names if fnmatchcase(name, pattern)]
