"""From what is asked to the list of trials; every mistake in it is found here, before any work."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from harness.plugin import QUICK, Presets, Value
from harness.errors import UsageError, unknown
from harness.catalogue.plugins import Plugin
from harness.protocol import Trial
from harness.coordinator.config import RunConfig


def plan(
    config: RunConfig,
    plugins: Sequence[Plugin],
    presets: Mapping[str, Presets],
    device: str,
) -> list[Trial]:
    """The trials, seed by seed, so that an interrupted run has every plugin at its first seeds.

    `presets` holds those of the plugins whose parameters must be checked (see `needs_presets`).
    """
    wanted = config.preset.split(",")
    for pattern in wanted:
        if presets and not any(_matches(found, pattern, config.task) for found in presets.values()):
            offered = {name for found in presets.values() for name in found.values}
            raise unknown(f"preset for task {config.task!r}", pattern, offered)
    several = len(wanted) > 1 or _is_glob(config.preset)
    assignments = [_parse(text, plugins) for text in config.sets]
    rows: dict[str, tuple[Plugin, str, dict[str, Value]]] = {}
    asked = [
        (plugin, preset)
        for plugin in plugins
        for preset in _presets_of(plugin, wanted, presets, config.task)
    ]
    for plugin, preset in asked:
        chosen = {
            parameter: values
            for pattern, parameter, values in assignments
            if fnmatchcase(plugin.name, pattern)
        }
        for combination in itertools.product(*chosen.values()):
            given = dict(zip(chosen, combination))
            overrides = _checked(config.task, plugin, preset, given, presets)
            swept = [f"{name}={overrides[name]}" for name in chosen if len(chosen[name]) > 1]
            if several:
                swept.insert(0, f"preset={preset}")
            # A value given twice, as 32 and 32.0, is one row: two would write the same files.
            rows.setdefault(" ".join([plugin.name, *swept]), (plugin, preset, overrides))
    if config.baseline and not any(
        config.baseline in (label, plugin.name) for label, (plugin, *_) in rows.items()
    ):
        raise unknown("row for --baseline", config.baseline, rows)
    return [
        Trial(
            plugin=plugin.source,
            label=label,
            task=config.task,
            preset=preset,
            overrides=overrides,
            seed=seed,
            device=device,
            threads=config.threads,
        )
        for seed in config.seeds
        for label, (plugin, preset, overrides) in rows.items()
    ]


def needs_presets(config: RunConfig, plugins: Sequence[Plugin]) -> list[Plugin]:
    """The plugins whose presets must be asked for: asking imports the plugin, which takes seconds.

    The default preset needs no check before the trial itself makes it.
    """
    ready = [plugin for plugin in plugins if plugin.status == "ready"]
    if config.preset != QUICK:
        return ready
    patterns = [_parse(text, plugins)[0] for text in config.sets]
    return [p for p in ready if any(fnmatchcase(p.name, pattern) for pattern in patterns)]


def _presets_of(
    plugin: Plugin, wanted: Sequence[str], presets: Mapping[str, Presets], task: str
) -> list[str]:
    """The presets of `plugin` that are asked for by name or pattern.

    Where it has none of them, the first that was asked for: the trial will be skipped, and say so.
    """
    found: dict[str, None] = {}
    if plugin.name in presets:
        for pattern in wanted:
            found |= dict.fromkeys(_matches(presets[plugin.name], pattern, task))
    return list(found) or [wanted[0]]


def _matches(presets: Presets, pattern: str, task: str) -> list[str]:
    names = [name for name in presets.values if presets.offers(name, task)]
    return [name for name in names if fnmatchcase(name, pattern)]


def _is_glob(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def _parse(text: str, plugins: Sequence[Plugin]) -> tuple[str, str, list[str]]:
    """NAME.param=value[,value...] as (name or glob, parameter, values)."""
    target, equals, values = text.partition("=")
    name, dot, parameter = target.rpartition(".")
    if not (equals and dot and name and parameter and values):
        raise UsageError(f"--set {text!r}: wanted NAME.param=value, as in native-dfa.hidden=128")
    if not any(fnmatchcase(plugin.name, name) for plugin in plugins):
        error = unknown("plugin", name, [plugin.name for plugin in plugins])
        raise UsageError(f"--set {text!r}: {error}")
    return name, parameter, [value.strip() for value in values.split(",")]


def _checked(
    task: str,
    plugin: Plugin,
    preset: str,
    overrides: Mapping[str, Value],
    presets: Mapping[str, Presets],
) -> dict[str, Value]:
    if plugin.name not in presets:
        return dict(overrides)
    if not presets[plugin.name].offers(preset, task):
        return dict(overrides)  # the trial will be skipped, and say so
    try:
        resolved = presets[plugin.name].resolve(preset, task, overrides)
    except UsageError as error:
        raise UsageError(f"{plugin.name}: {error}") from None
    return {name: resolved[name] for name in overrides}
