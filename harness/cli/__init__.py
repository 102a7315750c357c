"""The command line. Each command imports what it needs when it runs: `--help` must answer at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from harness.cli import interrupts
from harness.cli.check import check
from harness.cli.codes import INTERRUPTED, OK, USAGE
from harness.cli.compare import compare
from harness.cli.doctor import doctor
from harness.cli.export import export
from harness.cli.history import history
from harness.cli.layers import layers
from harness.cli.log import log
from harness.cli.merge import merge
from harness.cli.metrics import metrics
from harness.cli.new_plugin import new_plugin
from harness.cli.plugins import plugins
from harness.cli.report import report
from harness.cli.run import run
from harness.cli.tasks import tasks
from harness.errors import UsageError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="snn-harness")
def cli() -> None:
    """Compare ways to train and run spiking networks, alike and with uncertainty.

    \b
    Exit codes: 0 all trials ok or skipped with a reason, 1 a trial failed,
    2 the command line or a folder is wrong, 3 nothing was measured,
    130 interrupted. Try: harness run --plugins all
    """  # noqa: D301 (\b is the character that tells click to leave the lines as they are)


COMMANDS = (
    run, layers, plugins, tasks, metrics, report, compare, history, merge, export, log, doctor, check,
    new_plugin,
)  # fmt: skip
for command in COMMANDS:
    # Whole: click would cut it at 45 letters.
    command.short_help, *_ = (command.help or "").split("\n\n")
    cli.add_command(command)


def main() -> None:
    """The entry point: a UsageError is one line and exit code 2, never a traceback."""
    interrupts.catch()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a Latin-1 terminal has not every character
    try:
        _check_words(sys.argv[1:])
        code = cli.main(prog_name="harness", standalone_mode=False)
    except UsageError as error:
        click.echo(f"harness: {error}", err=True)
        code = USAGE
    except click.ClickException as error:
        message = error.format_message()
        if "\n" in message:  # the help, where no command was given
            error.show()
        else:
            click.echo(f"harness: {message}", err=True)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("harness: interrupted", err=True)
        code = INTERRUPTED
    except BrokenPipeError:  # whoever read the output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OK
    interrupts.ignore()
    sys.exit(code)


def _check_words(words: Sequence[str]) -> None:
    """UsageError for a word that no JSON can hold: a file's name may be any bytes."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            shown = word.encode(errors="backslashreplace").decode()
            raise UsageError(f"{shown!r} is not UTF-8: rename the file or the folder") from None
