"""`harness report`: the report again, from the records alone."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Rebuild the tables, the figures and the page of the run in FOLDER from its records."""
    from harness.runs.api import load

    run = load(folder)
    for problem in run.problems:
        click.echo(f"harness: left out {problem}", err=True)
    run.report()
    click.echo(f"{len(run.records)} records; open {run.path / 'report.html'}")
