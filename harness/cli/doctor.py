"""`harness doctor`: is this machine fit to measure on?"""

from __future__ import annotations

import sys

import click

from harness.cli.codes import FAILED, OK


@click.command()
@click.option("--device", default="cpu", show_default=True, help="auto, cpu or cuda.")
@click.option("--threads", default=1, show_default=True, help="Threads of each worker.")
@click.option(
    "--rounds",
    type=click.IntRange(min=6),
    default=20,
    show_default=True,
    help="Rounds of the null group.",
)
@click.option("--min-time", default=0.1, show_default=True, help="Seconds a round, at the least.")
def doctor(device: str, threads: int, rounds: int, min_time: float) -> None:
    """Look at load, clock and memory, and time a piece of work against itself.

    The same work is measured in several processes, in rounds side by side. Their difference is the
    machine's noise floor: no smaller difference between two plugins means anything here. Exit code 0
    where the machine is fit, 1 where something speaks against it.
    """
    from rich.console import Console

    from harness.cli.progress import watching
    from harness.coordinator.doctor import examine, examine_card, judge, null_group
    from harness.coordinator.processes.devices import choose_device, gpu_state
    from harness.coordinator.processes.pool import Workers

    findings = examine(threads)
    with watching() as listener, Workers() as workers:
        device = choose_device(device, listener.message)
        findings += examine_card(gpu_state(device)) if device != "cpu" else []
        group = null_group(device, threads, rounds, min_time, workers, listener)
    findings += judge(group)
    console = Console(highlight=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.fit else "[yellow]! [/]"
        advice = f": {finding.advice}" if finding.advice else ""
        console.print(f"{mark}  {finding.name:19}  {finding.value}{advice}", soft_wrap=True)
    fit = all(finding.fit for finding in findings)
    console.print("fit to measure on" if fit else "not fit: see the lines marked !")
    sys.exit(OK if fit else FAILED)
