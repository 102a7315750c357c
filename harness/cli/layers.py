"""`harness layers`: the same layer of neurons in every framework, proved equal and then timed."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from harness.cli.codes import FAILED, INTERRUPTED, NOTHING_MEASURED, OK

if TYPE_CHECKING:
    from harness.coordinator.layers import LayersRun


def _numbers(
    kind: Callable[[str], float], wanted: str
) -> Callable[[click.Context, click.Parameter, str], tuple[float, ...]]:
    def parse(_context: click.Context, _option: click.Parameter, text: str) -> tuple[float, ...]:
        try:
            return tuple(kind(part) for part in text.split(","))
        except ValueError:
            raise click.BadParameter(f"{text!r}: wanted {wanted}") from None

    return parse


@click.command()
@click.option(
    "--plugins",
    "plugins_",
    multiple=True,
    metavar="all|NAME,GLOB*,FILE.py",
    help="Whose layers to compare [default: all] (harness plugins lists them).",
)
@click.option(
    "--neurons",
    default="512,2048",
    show_default=True,
    callback=_numbers(int, "integers, as in --neurons 512,2048"),
    help="Inputs and outputs of the layer.",
)
@click.option("--steps", default=500, show_default=True, help="Time steps.")
@click.option("--batch", default=16, show_default=True, help="Samples in a call.")
@click.option(
    "--density",
    default="1,0.1",
    show_default=True,
    callback=_numbers(float, "fractions, as in --density 1,0.1"),
    help="Share of the inputs that are not 0; below 1 they are spikes.",
)
@click.option("--beta", default=0.9, show_default=True, help="Decay of the timed neuron.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--threads", default=1, show_default=True, help="Threads of each worker.")
@click.option("--rounds", default=6, show_default=True, help="Rounds of measurements.")
@click.option("--min-time", default=0.2, show_default=True, help="Seconds a round, at the least.")
@click.option(
    "--timeout",
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="Leave out a size that would take longer.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write to [default: results/<time>]."
)
def layers(plugins_: tuple[str, ...], out: Path | None, **options: Any) -> NoReturn:
    """Prove that each framework computes the same layer, then compare speed and memory.

    One linear map into one layer of LIF neurons, forward and backward. A framework that cannot do
    the neuron exactly is left out, with its reason.
    """
    from harness.cli.progress import watching
    from harness.coordinator.layers import run_layers

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = tuple(name for text in plugins_ or ("all",) for name in text.split(",") if name)
    command = shlex.join(["harness", *sys.argv[1:]])
    try:
        with watching() as listener:
            finished = run_layers(names, out=out, listener=listener, command=command, **options)
    except KeyboardInterrupt:
        click.echo("harness: interrupted; what was measured is in layers.jsonl", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(_conclude(finished))


def _conclude(finished: LayersRun) -> int:
    """Prints the tables and says, as the exit code, how it went."""
    from rich.console import Console

    from harness.report.layers import terminal_tables

    for table in terminal_tables(finished.records):
        Console().print(table)
    click.echo(f"report: {finished.path / 'layers.html'}")
    if {record.status for record in finished.records} - {"ok", "skipped"}:
        return FAILED
    measured = any(r.status == "ok" for r in finished.records if r.stage == "speed")
    return OK if measured else NOTHING_MEASURED
