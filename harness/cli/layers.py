"""`harness layers`: the same layer of neurons in every framework, proved equal and then timed."""

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
    help="Whose layers to compare [default: all] (harness plugins lists them).",
)
@click.option(
    "--neurons",
    default="512,2048",
    show_default=True,
    callback=comma_separated(int, "integers, as in --neurons 512,2048"),
    help="Inputs and outputs of the layer.",
)
@click.option("--steps", default=500, show_default=True, help="Time steps.")
@click.option("--batch", default=16, show_default=True, help="Samples in a call.")
@click.option(
    "--density",
    default="1,0.1",
    show_default=True,
    callback=comma_separated(float, "fractions, as in --density 1,0.1"),
    help="Share of the inputs that are not 0; below 1 they are spikes.",
)
@click.option("--beta", default=0.9, show_default=True, help="Decay of the timed neuron.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--threads", default=1, show_default=True, help="Threads of each worker.")
@click.option("--rounds", default=12, show_default=True, help="Rounds of the measurement group.")
@click.option("--min-time", default=0.1, show_default=True, help="Seconds a round, at the least.")
@click.option(
    "--timeout",
    default=240.0,
    show_default=True,
    metavar="SECONDS",
    help="Leave out a size that would take a framework longer.",
)
@click.option(
    "--baseline",
    default="",
    metavar="FRAMEWORK",
    help="What timings are compared with [default: the first].",
)
@out_option
@resume_options
def layers(
    plugins: tuple[str, ...],
    out: Path | None,
    resume: Path | None,
    rerun_changed: bool,
    **options: Any,
) -> NoReturn:
    """Prove that each framework computes the same layer, then compare speed and memory.

    One linear map into one layer of LIF neurons, forward and backward. A framework that cannot do
    the neuron exactly is left out, with its reason.
    """
    path = resume or out or default_folder("layers")
    announce(f"layers of {', '.join(names(plugins))}", path, resume)

    def start(listener: Listener, command: str) -> Run:
        from harness.coordinator import api

        return api.layers(names(plugins), out=path, listener=listener, command=command, **options)

    work("layers", start, path, resume, rerun_changed)
