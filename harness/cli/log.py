"""`harness log`: a run in a tracker of experiments."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.waiting import waiting


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--to", "tracker", type=click.Choice(["mlflow"]), default="mlflow", show_default=True,
    help="Where to.",
)  # fmt: skip
@click.option(
    "--tracking-uri",
    metavar="URI",
    help="A database or a server [default: MLflow's own, MLFLOW_TRACKING_URI].",
)
@click.option("--experiment", default="snn-harness", show_default=True, help="Under which name.")
def log(run: Path, tracker: str, tracking_uri: str | None, experiment: str) -> None:
    """Log RUN, a folder, to MLflow: one run there for each row, under one for the whole.

    Parameters, metrics with their intervals, the machine and the commit, and the page as an artifact.
    """
    with waiting(f"logging {run}"):
        from harness.report.numbers import counted
        from harness.runs.mlflow import log_mlflow
        from harness.runs.run import load

        loaded = load(run)
        for problem in loaded.problems:
            click.echo(f"harness: left out {problem}", err=True)
        parent = log_mlflow(loaded, tracking_uri=tracking_uri, experiment=experiment)
        rows = counted(len(loaded.rows), "row")
    click.echo(f"logged {rows} of {run} to {tracker}, experiment {experiment}: run {parent}")
