"""`harness run`: trains, evaluates and measures plugins on one task, and writes the report."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from harness.cli.codes import FAILED, INTERRUPTED, NOTHING_MEASURED, OK

if TYPE_CHECKING:
    from harness.coordinator.api import Run


def _seeds(_context: click.Context, _option: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r}: wanted integers, as in --seeds 0,1,2") from None


@click.command()
@click.option(
    "--plugins",
    "plugins_",
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
    "--seeds", default="0,1,2", show_default=True, callback=_seeds, help="Comma-separated."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--threads", default=1, show_default=True, help="Threads of each worker.")
@click.option(
    "--jobs", type=int, help="Trials trained at once [default: cores / threads; 1 on cuda]."
)
@click.option("--timeout", type=float, metavar="SECONDS", help="End a trial that takes longer.")
@click.option("--rounds", default=12, show_default=True, help="Rounds of the timing group.")
@click.option("--min-time", default=0.02, show_default=True, help="Seconds a round, at the least.")
@click.option(
    "--baseline",
    default="",
    metavar="ROW",
    help="What timings are compared with [default: the first row].",
)
@click.option("--data", multiple=True, type=click.Path(), help="Folder to look for data in.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the run [default: results/<time>]."
)
@click.option("--resume", type=click.Path(path_type=Path), help="Carry on an interrupted run.")
def run(
    plugins_: tuple[str, ...], out: Path | None, resume: Path | None, **options: Any
) -> NoReturn:
    """Compare plugins on a task: accuracy, latency, sparsity, operations, throughput, memory."""
    from harness.cli.progress import watching
    from harness.coordinator import api

    context = click.get_current_context()
    if resume and _given(context) - {"resume"}:
        raise click.UsageError(
            f"--resume takes its options from {resume / 'run.json'}, give no other"
        )
    signal.signal(signal.SIGTERM, _interrupt)
    names = tuple(name for text in plugins_ or ("all",) for name in text.split(",") if name)
    path = resume or out or api.default_folder(api.make_config(plugins=names, **options))
    try:
        with watching() as listener:
            if resume:
                finished = api.resume(resume, listener=listener)
            else:
                command = shlex.join(["harness", *sys.argv[1:]])
                finished = api.run(names, out=path, listener=listener, command=command, **options)
    except KeyboardInterrupt:
        if (path / "run.json").exists():
            click.echo(
                f"harness: interrupted; finished trials are kept, carry on with: "
                f"harness run --resume {path}",
                err=True,
            )
        else:
            click.echo("harness: interrupted before the first trial", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(_conclude(finished))


def _conclude(finished: Run) -> int:
    """Prints the closing table and says, as the exit code, how the run went."""
    from rich.console import Console

    from harness.report.terminal import terminal_table

    for problem in finished.problems:
        click.echo(f"harness: left out {problem}", err=True)
    Console().print(terminal_table(finished.records))
    click.echo(f"report: {finished.path / 'report.html'}")
    statuses = {record.status for record in finished.records}
    if statuses - {"ok", "skipped"}:
        return FAILED
    return OK if "ok" in statuses else NOTHING_MEASURED


def _given(context: click.Context) -> set[str]:
    return {
        name
        for name in context.params
        if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE
    }


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
