"""`harness plugins`: what is installed, what is ready, and what is missing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli.waiting import waiting
from harness.cli.wrapping import wrapped

if TYPE_CHECKING:
    from harness.catalogue.plugins import Plugin


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def plugins(name: str | None, as_json: bool) -> None:
    """List every plugin found, without importing any; with NAME, its presets and parameters."""
    from harness.catalogue.plugins import HOW_TO_INSTALL, LAYER_GROUP, discover

    if name:
        _show(name, as_json)
        return
    discovered, layers = discover(), discover(LAYER_GROUP)
    if as_json:
        rows = [_row(plugin, "plugin") for plugin in discovered]
        rows += [_row(layer, "layer") for layer in layers]
        click.echo(json.dumps(rows, indent=2))
        return
    if not discovered:
        click.echo(f"No plugins found: {HOW_TO_INSTALL}")
    _list(discovered)
    if layers:
        click.echo("\nlayers of neurons, for harness layers:")
        _list(layers)


#: What a plugin has only within a command, and its place, which is the host's own matter.
_OF_COMMANDS = {"location", "pinned", "interpreter"}


def _row(plugin: Plugin, kind: str) -> dict[str, str]:
    fields = {k: v for k, v in dataclasses.asdict(plugin).items() if k not in _OF_COMMANDS}
    return {"kind": kind, **fields}


def _list(entries: list[Plugin]) -> None:
    marks = {"ready": "green", "missing": "yellow", "broken": "red"}
    wide = [max(len(str(p)) for p in column) for column in zip(*(_cells(p) for p in entries))]
    for plugin in entries:
        cells = [cell.ljust(width) for cell, width in zip(_cells(plugin), wide)]
        cells[2] = click.style(cells[2], fg=marks[plugin.status])
        click.echo("  ".join(cells).rstrip())
        if plugin.reason:
            click.echo(f"    {plugin.reason}")
        if plugin.install:
            click.echo(f"    install it with: {plugin.install}")


def _cells(plugin: Plugin) -> tuple[str, str, str]:
    return plugin.name, _framework(plugin), plugin.status


def _framework(plugin: Plugin) -> str:
    """With its version, which may be that of a distribution of another name: `native (torch 2.15.0)`."""
    package, version = plugin.framework_package, plugin.framework_version
    if version and package not in ("", plugin.framework):
        return f"{plugin.framework} ({package} {version})"
    return f"{plugin.framework} {version}".strip()


def _show(name: str, as_json: bool) -> None:
    from harness.catalogue.plugins import discover, select
    from harness.coordinator.presets import describe
    from harness.coordinator.processes.pool import Workers
    from harness.coordinator.scratch import scratch_folder
    from harness.errors import UsageError
    from harness.plugin.parameters import Presets

    (plugin,) = select([name], discover())[:1]
    with (
        waiting(f"importing {plugin.name}"),
        Workers(fork=False) as workers,
        scratch_folder() as logs,
    ):
        presets = describe([plugin], workers, jobs=1, threads=1, logs=logs)[plugin.name]
    if not isinstance(presets, Presets):
        raise UsageError(
            f"{plugin.name} is {plugin.status}, and {presets.status}: {presets.reason}"
        )
    if as_json:
        parameters = {key: vars(value) for key, value in presets.parameters.items()}
        sources = {key: dataclasses.asdict(source) for key, source in presets.sources.items()}
        every = {"parameters": parameters, "presets": presets.values, "sources": sources}
        click.echo(json.dumps(every, indent=2))
        return
    click.echo(f"{plugin.name}  {_framework(plugin)}\n\nparameters")
    for key, parameter in presets.parameters.items():
        bounds = f"{_bound(parameter.low)}..{_bound(parameter.high)}"
        if parameter.choices:
            bounds = "|".join(map(str, parameter.choices))
        limits = "" if bounds == ".." else f" ({bounds})"
        where = " and ".join(_condition(*each) for each in parameter.where.items())
        where = f"; only {where}" if where else ""
        click.echo(f"  {key} = {parameter.default}{limits}")
        wrapped(f"{parameter.help}{where}", 6)
    click.echo("\npresets")
    for preset, by_task in presets.values.items():
        for task, values in by_task.items():
            text = ", ".join(f"{key}={value}" for key, value in values.items()) or "the defaults"
            wrapped(f"{preset}, {'every task' if task == '*' else task}: {text}", 2)
    if presets.sources:
        click.echo("\nsources")
    for preset, source in presets.sources.items():
        wrapped(f"{preset}: {source.citation}", 2)
        for words, sentences in (("otherwise", source.departures), ("mended", source.mended)):
            for sentence in sentences:
                wrapped(f"{words}: {sentence}", 6)
        for task, figures in source.reported.items():
            for figure in figures:
                setting = "".join(f" {key}={value}" for key, value in figure.params.items())
                wrapped(
                    f"reported: {100 * figure.accuracy:.2f} % on {task}{setting} ({figure.where})",
                    6,
                )


def _condition(name: str, values: Sequence[object]) -> str:
    text = "|".join(map(str, values))
    return f"with {name}={text}" if text else f"without {name}"


def _bound(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
