"""What the commands that measure have in common: options, interruption, the closing words."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from harness.cli.codes import FAILED, INTERRUPTED, NOTHING_MEASURED, OK
from harness.runs.folders import new_folder

if TYPE_CHECKING:
    from harness.results.record import Record
    from harness.results.store import Kind
    from harness.runs.run import Run

F = TypeVar("F", bound=Callable[..., Any])


def measuring_options(min_time: float, row: str, first: str) -> Callable[[F], F]:
    """Adds what every command that measures takes; a baseline is a `row`, `first` where none is named."""
    path, shown = click.Path(path_type=Path), partial(click.option, show_default=True)
    baseline = f"What the others are compared with [default: {first}]."
    changed = "With --resume: run anew what has changed since, instead of refusing."
    memory = "End a worker that takes more memory, its children included."
    retried = "With --resume: run again what timed out, crashed or ran out of memory."
    options = [
        shown("--device", default="auto", help="auto, cpu or cuda."),
        shown("--threads", default=1, help="Threads of each worker."),
        click.option("--memory", type=float, metavar="GIB", help=memory),
        shown("--rounds", default=12, help="Rounds of the measurement group."),
        shown("--min-time", default=min_time, help="Seconds a round, at the least."),
        click.option("--baseline", default="", metavar=row, help=baseline),
        click.option("--out", type=path, help="Folder to write to [default: results/<time>]."),
        click.option("--resume", type=path, metavar="DIR", help="Carry on an interrupted run."),
        click.option("--rerun-changed", is_flag=True, help=changed),
        click.option("--retry", type=click.Choice(["failed"]), help=retried),
        click.option("-q", "--quiet", is_flag=True, help="Print the results alone."),
        click.option("-v", "--verbose", is_flag=True, help="Print every stage of every trial."),
    ]

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def plugins_option(metavar: str, help_text: str) -> Callable[[F], F]:
    """--plugins, its parts taken apart; `help_text` is its help."""
    return click.option(
        "--plugins",
        multiple=True,
        metavar=metavar,
        callback=lambda _context, _option, given: names(given),
        help=help_text,
    )


def list_option(
    name: str, kind: type[int | float], default: str, help_text: str
) -> Callable[[F], F]:
    """An option that takes several values, separated by commas or given again; `help_text` is its help."""
    words = "integers" if kind is int else "fractions"
    parse = comma_separated(kind, f"{words}, as in {name} {default}")
    return click.option(
        name, multiple=True, default=(default,), show_default=True, callback=parse, help=help_text
    )


def comma_separated(
    kind: Callable[[str], Any], wanted: str
) -> Callable[[click.Context, click.Parameter, Sequence[str]], tuple[Any, ...]]:
    """The callback of an option that takes several values, as `1,2,3`."""

    def parse(_context: click.Context, _option: object, given: Sequence[str]) -> tuple[Any, ...]:
        text = ",".join(given)
        try:
            return tuple(kind(part) for part in text.split(","))
        except ValueError:
            raise click.BadParameter(f"{text!r}: wanted {wanted}") from None

    return parse


def names(plugins: tuple[str, ...]) -> list[str]:
    """The names, globs and files of all --plugins; `all` where none is given."""
    return [name for text in plugins or ("all",) for name in text.split(",") if name]


def work(
    kind: Kind,
    start: Callable[..., Run],
    about: str,
    name: str,
    *,
    out: Path | None,
    resume: Path | None,
    rerun_changed: bool,
    retry: str | None,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> NoReturn:
    """Starts or resumes a run, prints its tables and exits with its code.

    `start` is given the `options`, where to write, who listens, and the command's words. First
    `about` is told, before anything is imported that takes time; that it begins, and where, is told when
    nothing is left that could refuse it. `name` begins that of a new folder.
    """
    check_words(quiet, verbose)
    changed = _check_resume(resume)
    with new_folder(resume or out, name) as path:
        if not quiet:
            asked = f"has changed: {resume}" if resume else f"is asked: {about}"
            click.echo(f"checking what {asked}", err=True)
        from harness.cli.progress import watching
        from harness.coordinator import api
        from harness.results.store import COMMANDS

        command = shlex.join(["harness", *sys.argv[1:]])
        try:
            with watching(quiet=quiet, verbose=verbose) as listener:
                if resume:
                    finished = api.resume(
                        resume, kind, rerun_changed=rerun_changed, retry=retry is not None,
                        changed={key: options[key] for key in changed},
                        listener=listener, command=command,
                    )  # fmt: skip
                else:
                    finished = start(out=path, listener=listener, command=command, **options)
            code = _conclude(finished)
        except KeyboardInterrupt:
            if (path / "run.json").exists():
                click.echo(
                    "harness: interrupted; what was finished is kept, carry on with: "
                    f"{COMMANDS[kind]} --resume {shlex.quote(str(path))}",
                    err=True,
                )
            else:
                click.echo("harness: interrupted before anything was measured", err=True)
            code = INTERRUPTED
    sys.exit(code)


def check_words(quiet: bool, verbose: bool) -> None:
    """UsageError for two options that contradict each other."""
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose contradict each other: give one")


def by_hand() -> set[str]:
    """The options that the command line itself gives."""
    context = click.get_current_context()
    return {
        name
        for name in context.params
        if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE
    }


#: What may stand beside --resume, with what decides no result: how it is carried on.
_HOW = {"resume", "rerun_changed", "retry", "quiet", "verbose"}


def _check_resume(resume: Path | None) -> set[str]:
    """The options that differ in a run that is carried on; UsageError for one that cannot."""
    given = by_hand()
    for name in ("rerun_changed", "retry"):
        if name in given and not resume:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --resume DIR")
    if not resume:
        return set()
    from harness.config.options import option
    from harness.coordinator.command import RESUMABLE

    if given - _HOW - set(RESUMABLE):
        raise click.UsageError(
            f"--resume takes its options from {resume / 'run.json'}, give no other "
            f"(but {', '.join(map(option, RESUMABLE))})"
        )
    return given & set(RESUMABLE)


def _conclude(finished: Run) -> int:
    """Prints the tables and what they say, and tells as the exit code how the run went."""
    from rich.console import Console

    from harness.report.closing import closing_lines
    from harness.report.terminal import terminal_tables

    for problem in finished.problems:
        click.echo(f"harness: left out {problem}", err=True)
    console = Console()
    answers = finished.answers
    for table in terminal_tables(finished.description, finished.records, answers=answers):
        console.print(table)
    for line in closing_lines(finished.records, finished.sessions, answers):
        console.print(line, markup=False, highlight=False)
    click.echo(f"report: {finished.path / 'report.html'}")
    judged = [record for record in finished.records if record.kind != "peaks"]
    if missing := [record for record in judged if record.status not in ("ok", "skipped")]:
        click.echo(_missing(finished, missing, len(judged)), err=True)
    if {record.status for record in judged} - {"ok", "skipped"} or any(
        row.refuted for row in finished.rows
    ):
        return FAILED
    wanted = "trial" if finished.kind == "networks" else "layer-timing"
    measured = any(record.status == "ok" for record in judged if record.kind == wanted)
    return OK if measured else NOTHING_MEASURED


def _missing(finished: Run, missing: Sequence[Record], of: int) -> str:
    """How many results there are not, why not the first, and how to go on or repeat what can be."""
    from harness.coordinator.command import RETRIED
    from harness.report.numbers import counted, plain
    from harness.results.asked import asked_trials
    from harness.results.store import COMMANDS

    first = next((record for record in missing if record.status in RETRIED), missing[0])
    trials = sum(record.kind == "trial" for record in finished.records)
    left = asked_trials(finished.records, finished.sessions) - trials
    what = f"{len(missing)} of {of + left} trials and measurements did not succeed"
    if of + left == 1:
        what = f"the only {'trial' if first.kind == 'trial' else 'measurement'} did not succeed"
    one = ", one of them" if len(missing) > 1 else ""
    sentence = f"harness: {what}{one}: {first.status}: {plain(first.reason)}"
    command = f"{COMMANDS[finished.kind]} --resume {shlex.quote(str(finished.path))}"
    if left:
        verb = "were" if left > 1 else "was"
        sentence = f"{sentence}; {counted(left, 'trial')} {verb} not run, carry on with: {command}"
    if first.status not in RETRIED:
        return sentence
    return f"{sentence}; an outside cause may be gone: {command} --retry failed"
