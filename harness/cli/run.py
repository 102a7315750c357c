"""`harness run`: trains, evaluates and measures plugins on tasks, and writes the report."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from harness.cli.measuring import (
    by_hand,
    check_words,
    list_option,
    measuring_options,
    plugins_option,
    work,
)

if TYPE_CHECKING:
    from harness.runs.run import Run


@click.command()
@plugins_option("all|NAME[@VERSION],GLOB*,FILE.py", "What to compare [default: all].")
@click.option(
    "--task",
    multiple=True,
    default=("digits",),
    show_default=True,
    metavar="NAME|FILE.py,...",
    callback=lambda _context, _option, given: ",".join(given),
    help="What to solve (harness tasks); each of a list on its own.",
)
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
    "--metrics",
    default="",
    metavar="NAME|FILE.py,...",
    callback=lambda _context, _option, text: tuple(filter(None, text.split(","))),
    help="Metrics by hook beside those that cost nothing; none for none (harness metrics).",
)
@click.option(
    "--jobs", type=int, help="Trials trained at once [default: cores / threads; 1 on cuda]."
)
@click.option("--timeout", type=float, metavar="SECONDS", help="End a trial that takes longer.")
@click.option(
    "--checkpoint",
    default="10",
    show_default=True,
    metavar="MINUTES",
    help="Keep a trial's training after an epoch, at most so often; 0: after each; none: never.",
)
@click.option("--timing/--no-timing", default=True, help="Measure the trained networks, or not.")
@click.option("--sweep", is_flag=True, help="Measure rates by batch size, too.")
@click.option(
    "--variants",
    default="eager",
    show_default=True,
    callback=lambda _context, _option, given: tuple(given.split(",")),
    metavar="eager,compile,graphs",
    help="Ways of evaluating each network: as it is, by torch.compile, by CUDA graphs.",
)
@click.option(
    "--limit", type=int, metavar="N", help="Use N samples of each split, the same for all."
)
@click.option("--fail-fast", is_flag=True, help="Stop at the first trial that fails.")
@click.option("--isolate", is_flag=True, help="Give every plugin packages of its own, by uv.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and how long it takes.")
@click.option(
    "--shard", default="", metavar="K/N", help="Every Nth trial, from the Kth on (harness merge)."
)
@click.option(
    "--executor",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="Train on this machine, or on a cluster of dask.distributed.",
)
@click.option(
    "--scheduler",
    default="",
    metavar="ADDRESS",
    help="The cluster's, as tcp://HOST:8786 [default: a cluster on this machine].",
)
@click.option(
    "--data",
    multiple=True,
    type=click.Path(exists=True, file_okay=False),
    help="Folder to look for data in.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take options from bench.toml, or from the run.json of a run; those given here win.",
)
@measuring_options(min_time=0.02, row="ROW", first="the first row")
def run(
    plugins: list[str], sets: tuple[str, ...], config: Path | None, dry_run: bool, **options: Any
) -> NoReturn:
    """Compare plugins on a task: accuracy, latency, sparsity, and more.

    \b
    Examples:
      harness run --plugins all
      harness run --plugins my_plugin.py --limit 200 --no-timing --seeds 0
      harness run --plugins 'native-*' --task mnist --preset best --dry-run
      harness run --plugins native-dfa --set native-dfa.hidden=32,64,128
      harness run --plugins 'native-*' --task digits,yin-yang
      harness run --plugins snntorch-bptt@0.9.4,snntorch-bptt@1.0.0
      harness run --config bench.toml --seeds 0,1,2,3,4
      harness run --resume results/mine --retry failed --timeout 600
    """  # noqa: D301 (\b is the character that tells click to leave the lines as they are)
    params: dict[str, dict[str, Any]] = {}
    in_file: set[str | tuple[str, str]] = set()
    if config and not options["resume"]:
        from harness.config.file import read_config

        given = by_hand()
        file = {name: value for name, value in read_config(config).items() if name not in given}
        in_file |= set(file)
        plugins, params = file.pop("plugins", plugins), file.pop("params", params)
        options |= file
    from harness.catalogue.tasks import short_name, split_tasks

    task, preset = options["task"], options["preset"]

    def chosen() -> dict[str, dict[str, Any]]:
        from harness.config.options import parse_params

        for pattern, values in parse_params(sets).items():
            params[pattern] = {**params.get(pattern, {}), **values}
        return params

    in_file |= {(pattern, name) for pattern, values in params.items() for name in values}

    def start(**given: Any) -> Run:
        from harness.coordinator import api

        with _placed(config, in_file, sets):
            return api.run(plugins, params=chosen(), **given)

    if dry_run:
        with _placed(config, in_file, sets):
            _forecast(plugins, chosen(), options)
    name = f"{short_name(task)}-{preset}"
    about = f"{', '.join(plugins)} on {', '.join(split_tasks(task))}"
    work("networks", start, about, name, **options)


@contextmanager
def _placed(
    config: Path | None, in_file: set[str | tuple[str, str]], sets: Sequence[str]
) -> Iterator[None]:
    """What is wrong in the file `config` is told with file and line; a parameter not as a --set."""
    from harness.errors import UsageError, WrongParameter

    try:
        yield
    except UsageError as error:
        place: str | tuple[str, str] = error.option
        if isinstance(error, WrongParameter):
            by_hand = {text.partition("=")[0] for text in sets}
            place = error.pattern, error.name
            if f"{error.pattern}.{error.name}" in by_hand:
                raise
        if place not in in_file:
            raise
        from harness.config.file import in_file as placed

        assert config is not None
        raise placed(config, error) from None


#: How a command is carried out and where it writes: no part of what a forecast is asked for.
_NO_MATTER = ("out", "resume", "rerun_changed", "retry", "quiet", "verbose")


def _forecast(plugins: list[str], params: dict[str, Any], options: dict[str, Any]) -> NoReturn:
    """Prints what would be done."""
    check_words(options["quiet"], options["verbose"])
    if options["resume"]:
        raise click.UsageError("--dry-run tells of a new run, not of one that is carried on")
    from harness.cli.forecast import forecast_lines
    from harness.cli.progress import watching
    from harness.coordinator import api
    from harness.results.store import RunFolder

    if options["out"]:
        RunFolder.check_free(options["out"])

    asked = {name: value for name, value in options.items() if name not in _NO_MATTER}
    with watching(quiet=options["quiet"], verbose=options["verbose"]) as listener:
        forecast = api.forecast(
            plugins, listener=listener, params=params, command="harness run", **asked
        )
    for line in forecast_lines(forecast):
        click.echo(line)
    sys.exit(0)
