"""`harness report`: the report again, from the records alone."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.waiting import waiting


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--with",
    "others",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Another run, whose trials (not its timings) become rows too.",
)
@click.option("--baseline", default="", help="The row that the others are compared with.")
def report(folder: Path, others: tuple[Path, ...], baseline: str) -> None:
    """Rebuild the tables, the figures and the page of FOLDER (of run or layers) from its records.

    Where FOLDER holds several runs, write an index of these instead: index.html, the newest first.
    """
    with waiting(f"reading {folder}") as say:
        from harness.errors import UsageError
        from harness.report.numbers import counted
        from harness.runs.index import index_runs, runs_in
        from harness.runs.run import load

        if runs_in(folder):
            if others or baseline:
                raise UsageError(
                    f"{folder} holds several runs: --with and --baseline are for one of them"
                )
            page, count = index_runs(folder)
            done = counted(count, "run")
        else:
            run = load(folder)
            if others and run.kind != "networks":
                raise UsageError(
                    f"--with adds trials, and {folder} is a run of harness layers: it has none"
                )
            beside = [load(other, "networks") for other in others]
            for problem in (problem for each in (run, *beside) for problem in each.problems):
                click.echo(f"harness: left out {problem}", err=True)
            run.report(beside=beside, baseline=baseline, say=say)
            page, done = run.path / "report.html", counted(len(run.records), "record")
    click.echo(f"{done}; open {page}")
