"""`harness tasks`: what can be solved, and where its data are."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.waiting import waiting
from harness.cli.wrapping import wrapped

if TYPE_CHECKING:
    from harness.catalogue.tasks import TaskEntry
    from harness.coordinator.processes.pool import Workers


@click.command()
@click.argument("name", required=False)
@click.option(
    "--data",
    multiple=True,
    type=click.Path(exists=True, file_okay=False),
    help="Folder to look for data in.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def tasks(name: str | None, data: tuple[str, ...], as_json: bool) -> None:
    """List every task and its kind; with NAME or FILE.py, its sizes, source and where its data are."""
    from harness.catalogue.tasks import discover_tasks, find_task
    from harness.coordinator.processes.pool import Workers

    chosen = [find_task(name)] if name else discover_tasks()
    with waiting("looking at the data of tasks"), Workers(fork=False) as workers:
        rows = [row for task in chosen for row in _described(task, data, workers, name is not None)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        if name:
            _show(row)
        else:
            _list(row, width)


def _described(
    task: TaskEntry, data: tuple[str, ...], workers: Workers, named: bool
) -> list[dict[str, Any]]:
    """What is known of a task; one that a worker has to import is told of by its error otherwise."""
    from harness.catalogue.tasks import BUILT_IN
    from harness.config.options import RunConfig
    from harness.config.paths import cache_folder
    from harness.coordinator.data import describe_tasks
    from harness.errors import UsageError
    from harness.tasks import find
    from harness.tasks.describe import facts_of

    state = {"distribution": task.distribution, "status": task.status, "reason": task.reason}
    folders = RunConfig(plugins=(), data=data).data_folders()
    if task.status != "ready":
        return [{"name": task.name, **state, "install": task.install}]
    if task.location.place.module == BUILT_IN.get(task.name):
        if task.location.options:
            raise UsageError(f"task {task.name} has no parameters")
        spec, places = find(task.name), [Path(folder) for folder in folders]
        return [{**facts_of(spec, places if named else [], cache_folder()), **state}]
    try:
        described = describe_tasks(task.location, folders, workers, prepared=named)
        return [{**row, **state} for row in described]
    except UsageError as error:
        if named:
            raise
        return [{"name": task.name, **state, "status": "broken", "reason": str(error)}]


def _list(row: dict[str, Any], width: int) -> None:
    indent, name = width + 2, row["name"].ljust(width)
    if row["status"] != "ready":
        wrapped(f"{name}  {row['status']}: {row['reason']}", 0, indent)
        if row.get("install"):
            click.echo(f"{' ' * indent}install it with: {row['install']}")
        return
    wrapped(f"{name}  {row['kind']}: {row['description']}", 0, indent)
    if row["sizes"]:
        sizes = " / ".join(str(size) for size in row["sizes"].values())
        wrapped(f"{' / '.join(row['sizes'])}: {sizes}", indent)
    wrapped(f"data: {row['origin']}", indent)
    for published in row["published"]:
        wrapped(f"published: {_published(published)}", indent)


def _show(row: dict[str, Any]) -> None:
    wrapped(f"{row['name']}  {row['kind']}: {row['description']}", 0)
    shape, steps = row["input_shape"], row["steps"]
    sample = "known once a run has read them"
    if shape:
        sample = f"{' x '.join(map(str, shape))} ({math.prod(shape)} values)"
    if steps:
        sample = f"{steps} steps of {row['step_ms']:g} ms, each of {sample}"
    spike_train = row["kind"] == "spike-train"
    lines = [
        ("samples", sample),
        ("output neurons" if spike_train else "classes", str(row["classes"])),
        ("class names", ", ".join(row["class_names"])),
        *((split, str(size)) for split, size in (row["sizes"] or {}).items()),
        ("data", row["origin"]),
        ("source", row["source"]),
        ("licence", row["licence"]),
        ("citation", row["citation"]),
        *(("published", _published(published)) for published in row["published"]),
        *(("found", place) for place in row["places"]),
        ("digests", _digests(row["files"])),
        ("in two splits", row["shared_samples"]),
    ]
    for title, text in lines:
        if text:
            wrapped(f"{title}: {text}", 2)
    for name, parameter in row["parameters"].items():
        wrapped(f"parameter {name} = {parameter['default']}: {parameter['help']}", 2)


def _digests(files: dict[str, str]) -> str:
    unknown = [name for name, digest in files.items() if not digest]
    if unknown:
        return (
            f"none is given for {', '.join(unknown)}: not verified, but part of the run's identity"
        )
    return "given for every file" if files else ""


def _published(published: dict[str, Any]) -> str:
    return f"{100 * published['accuracy']:.1f} % {published['method']} ({published['source']})"
