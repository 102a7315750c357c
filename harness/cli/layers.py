"""`harness layers`: the same layer of neurons in every framework, proved equal and then timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from harness.cli.measuring import list_option, measuring_options, plugins_option, work

if TYPE_CHECKING:
    from harness.runs.run import Run


@click.command()
@plugins_option(
    "all|NAME,GLOB*,FILE.py", "Whose layers to compare [default: all] (harness plugins lists them)."
)
@list_option("--neurons", int, "512,2048", "Inputs and outputs of the layer.")
@click.option("--steps", default=500, show_default=True, help="Time steps.")
@click.option("--batch", default=16, show_default=True, help="Samples in a call.")
@list_option(
    "--density", float, "1,0.1", "Share of the inputs that are not 0; below 1 they are spikes."
)
@click.option("--beta", default=0.9, show_default=True, help="Decay of the timed neuron.")
@click.option(
    "--timeout",
    default=240.0,
    show_default=True,
    metavar="SECONDS",
    help="Leave out a size that would take a framework longer.",
)
@measuring_options(min_time=0.1, row="FRAMEWORK", first="the first")
def layers(plugins: list[str], **options: Any) -> NoReturn:
    """Prove that each framework computes the same layer, then compare speed and memory.

    One linear map into one layer of LIF neurons, forward and backward. A framework that cannot do
    the neuron exactly is left out, with its reason.

    \b
    Examples:
      harness layers --plugins all
      harness layers --plugins native,snntorch --neurons 512 --density 0.1
      harness layers --resume results/layers
    """  # noqa: D301 (\b is the character that tells click to leave the lines as they are)

    def start(**given: Any) -> Run:
        from harness.coordinator import api

        return api.layers(plugins, **given)

    work("layers", start, f"layers of {', '.join(plugins)}", "layers", **options)
