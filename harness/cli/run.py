"""`harness run`: trains, evaluates and measures plugins on one task, and writes the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from harness.cli.measuring import list_option, measuring_options, plugins_option, work

if TYPE_CHECKING:
    from harness.coordinator.run import Run


@click.command()
@plugins_option("What to compare [default: all].")
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
@list_option("--seeds", int, "0,1,2", "Comma-separated.")
@click.option(
    "--jobs", type=int, help="Trials trained at once [default: cores / threads; 1 on cuda]."
)
@click.option("--timeout", type=float, metavar="SECONDS", help="End a trial that takes longer.")
@click.option("--timing/--no-timing", default=True, help="Measure the trained networks, or not.")
@click.option(
    "--data",
    multiple=True,
    type=click.Path(exists=True, file_okay=False),
    help="Folder to look for data in.",
)
@measuring_options(min_time=0.02, row="ROW", first="the first row")
def run(plugins: list[str], sets: tuple[str, ...], **options: Any) -> NoReturn:
    """Compare plugins on a task: accuracy, latency, sparsity, operations, throughput, memory."""
    task, preset = options["task"], options["preset"]

    def start(**given: Any) -> Run:
        from harness.coordinator import api
        from harness.coordinator.config import parse_params

        return api.run(plugins, params=parse_params(sets), **given)

    work("networks", start, f"{', '.join(plugins)} on {task}", f"{task}-{preset}", **options)
