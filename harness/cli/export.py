"""`harness export`: a trained network for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.waiting import waiting


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("row")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["nir"]),
    default="nir",
    show_default=True,
    help="What is written: a graph of NIR, as HDF5.",
)
@click.option("--seed", type=int, help="Whose network [default: the row's first that succeeded].")
@click.option(
    "--dt", type=float, metavar="SECONDS", help="The time step [default: the task's, or 1 ms]."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="[default: PLUGIN-seedN.nir]"
)
def export(
    run: Path, row: str, format_: str, seed: int | None, dt: float | None, out: Path | None
) -> None:
    """Write a trained network of RUN, a folder, for other programs: ROW names it, as in the table.

    The graph is run by NIR's equations on test samples before it is kept, and has to spike as the network
    does. A network that NIR cannot say is refused, with the reason. No file is overwritten.
    """
    with waiting(f"exporting {row} of {run}"):
        from harness.cli.messages import messages
        from harness.coordinator.export import export as write
        from harness.report.numbers import counted

        made = write(run, row, format=format_, seed=seed, dt=dt, out=out, listener=messages())
    size = f"{counted(made.layers, 'layer')}, {counted(made.neurons, 'neuron')}"
    same = "spikes as the network does"
    checked = same if not made.differ else f"{same}, but for {made.differ:.2%} by rounding"
    about = f"{made.label} seed {made.seed}, {size}, dt {made.dt:g} s"
    click.echo(f"wrote {made.path}: {about}, {checked}")
