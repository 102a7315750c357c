"""`harness merge`: runs put together, as the parts of an array job."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from harness.cli.waiting import waiting


@click.command()
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR..."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write to.")
def merge(folders: tuple[Path, ...], out: Path) -> None:
    """Put runs together: the same rows become one with all their seeds, others stay apart.

    Contradictions, other data and other tasks are refused. The result can be reported, and resumed
    to make what is missing: timings too, if the runs are parts (harness run --shard).
    """
    command = shlex.join(["harness", *sys.argv[1:]])
    with waiting(f"putting {len(folders)} runs together"):
        from harness.cli.messages import tell
        from harness.runs.merge import merge as merge_folders

        run = merge_folders(folders, out, command=command, say=tell)
    click.echo(
        f"{len(run.records)} records of {len(folders)} runs; open {run.path / 'report.html'}"
    )
