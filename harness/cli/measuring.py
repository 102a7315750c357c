"""What the commands that measure have in common: options, interruption, the closing words."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from harness.cli.codes import FAILED, INTERRUPTED, NOTHING_MEASURED, OK

if TYPE_CHECKING:
    from harness.coordinator.listener import Listener
    from harness.coordinator.run import Run
    from harness.results.store import Kind

F = TypeVar("F", bound=Callable[..., Any])

out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write to [default: results/<time>]."
)


def resume_options(command: F) -> F:
    """Adds --resume and --rerun-changed to a command."""
    for option in (
        click.option(
            "--rerun-changed",
            is_flag=True,
            help="With --resume: run anew what has changed since, instead of refusing.",
        ),
        click.option(
            "--resume",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Carry on an interrupted run.",
        ),
    ):
        command = option(command)
    return command


def comma_separated(
    kind: Callable[[str], Any], wanted: str
) -> Callable[[click.Context, click.Parameter, str], tuple[Any, ...]]:
    """The callback of an option that takes several values, as `1,2,3`."""

    def parse(_context: click.Context, _option: click.Parameter, text: str) -> tuple[Any, ...]:
        try:
            return tuple(kind(part) for part in text.split(","))
        except ValueError:
            raise click.BadParameter(f"{text!r}: wanted {wanted}") from None

    return parse


def names(plugins: tuple[str, ...]) -> list[str]:
    """The names, globs and files of all --plugins; `all` where none is given."""
    return [name for text in plugins or ("all",) for name in text.split(",") if name]


def announce(what: str, path: Path, resume: Path | None) -> None:
    """The first line of a command, before anything is imported that takes time."""
    check_resume(resume)
    click.echo(f"{'carrying on' if resume else what}, in {path}", err=True)


def work(
    kind: Kind,
    start: Callable[[Listener, str], Run],
    path: Path,
    resume: Path | None,
    rerun_changed: bool,
) -> NoReturn:
    """Starts or resumes a run at `path`, prints its tables and exits with its code."""
    from harness.cli.progress import watching
    from harness.coordinator import api
    from harness.results.store import COMMANDS

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    command = shlex.join(["harness", *sys.argv[1:]])
    try:
        with watching() as listener:
            if resume:
                finished = api.resume(
                    resume, kind, rerun_changed=rerun_changed, listener=listener, command=command
                )
            else:
                finished = start(listener, command)
    except KeyboardInterrupt:
        if (path / "run.json").exists():
            click.echo(
                "harness: interrupted; what was finished is kept, carry on with: "
                f"{COMMANDS[kind]} --resume {path}",
                err=True,
            )
        else:
            click.echo("harness: interrupted before anything was measured", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(_conclude(finished))


def check_resume(resume: Path | None) -> None:
    """A UsageError where --resume stands beside options that it takes from the run."""
    context = click.get_current_context()
    if context.params["rerun_changed"] and not resume:
        raise click.UsageError("--rerun-changed goes with --resume DIR")
    given = {
        name
        for name in context.params
        if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE
    }
    if resume and given - {"resume", "rerun_changed"}:
        raise click.UsageError(
            f"--resume takes its options from {resume / 'run.json'}, give no other"
        )


def _conclude(finished: Run) -> int:
    """Prints the tables and what they say, and tells as the exit code how the run went."""
    from rich.console import Console

    from harness.report.closing import closing_lines
    from harness.report.terminal import terminal_tables

    for problem in finished.problems:
        click.echo(f"harness: left out {problem}", err=True)
    console = Console()
    for table in terminal_tables(finished.description, finished.records):
        console.print(table)
    for line in closing_lines(finished.records, finished.sessions):
        console.print(line, markup=False, highlight=False)
    click.echo(f"report: {finished.path / 'report.html'}")
    judged = [record for record in finished.records if record.kind != "peaks"]
    if {record.status for record in judged} - {"ok", "skipped"}:
        return FAILED
    wanted = "trial" if finished.kind == "networks" else "layer-timing"
    measured = any(record.status == "ok" for record in judged if record.kind == wanted)
    return OK if measured else NOTHING_MEASURED
