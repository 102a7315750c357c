"""`harness run`: trains, evaluates and measures plugins on one task, and writes the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from harness.cli.measuring import (
    announce,
    comma_separated,
    names,
    out_option,
    resume_options,
    work,
)
from harness.coordinator.folders import default_folder

if TYPE_CHECKING:
    from harness.coordinator.listener import Listener
    from harness.coordinator.run import Run


@click.command()
@click.option(
    "--plugins",
    multiple=True,
    metavar="all|NAME,GLOB*,FILE.py",
    help="What to compare [default: all].",
)
@click.option("--task", default="digits", show_default=True, help="What to solve (harness tasks).")
@click.option(
    "--preset",
    default="quick",
    show_default=True,
    help="quick, source, best; each of a list or a pattern makes a row: source*,best.",
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="NAME.param=VALUE[,VALUE]",
    help="Change a parameter; every value of a list becomes a row of its own.",
)
@click.option(
    "--seeds",
    default="0,1,2",
    show_default=True,
    callback=comma_separated(int, "integers, as in --seeds 0,1,2"),
    help="Comma-separated.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--threads", default=1, show_default=True, help="Threads of each worker.")
@click.option(
    "--jobs", type=int, help="Trials trained at once [default: cores / threads; 1 on cuda]."
)
@click.option("--timeout", type=float, metavar="SECONDS", help="End a trial that takes longer.")
@click.option("--timing/--no-timing", default=True, help="Measure the trained networks, or not.")
@click.option("--rounds", default=12, show_default=True, help="Rounds of the measurement group.")
@click.option("--min-time", default=0.02, show_default=True, help="Seconds a round, at the least.")
@click.option(
    "--baseline",
    default="",
    metavar="ROW",
    help="What timings are compared with [default: the first row].",
)
@click.option("--data", multiple=True, type=click.Path(), help="Folder to look for data in.")
@out_option
@resume_options
def run(
    plugins: tuple[str, ...],
    sets: tuple[str, ...],
    out: Path | None,
    resume: Path | None,
    rerun_changed: bool,
    **options: Any,
) -> NoReturn:
    """Compare plugins on a task: accuracy, latency, sparsity, operations, throughput, memory."""
    path = resume or out or default_folder(f"{options['task']}-{options['preset']}")
    announce(f"{', '.join(names(plugins))} on {options['task']}", path, resume)

    def start(listener: Listener, command: str) -> Run:
        from harness.coordinator import api
        from harness.coordinator.config import parse_params

        return api.run(
            names(plugins),
            params=parse_params(sets),
            out=path,
            listener=listener,
            command=command,
            **options,
        )

    work("networks", start, path, resume, rerun_changed)
