"""`harness report`: the report again, from the records alone."""

from __future__ import annotations

from pathlib import Path

import click

#: The records of `harness layers`; any other folder is a run's.
LAYERS = "layers.jsonl"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--with",
    "others",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Another run, whose trials (not its timings) become rows too.",
)
def report(folder: Path, others: tuple[Path, ...]) -> None:
    """Rebuild the tables, the figures and the page of FOLDER (of run or layers) from its records."""
    if (folder / LAYERS).is_file():
        from harness.coordinator.layers import load_layers

        layers = load_layers(folder)
        written = layers.report()
        click.echo(f"{len(layers.records)} records; open {written[-1]}")
        return
    from harness.coordinator.api import load

    run = load(folder)
    for problem in run.problems:
        click.echo(f"harness: left out {problem}", err=True)
    run.report(beside=[load(other) for other in others])
    click.echo(f"{len(run.records)} records; open {run.path / 'report.html'}")
