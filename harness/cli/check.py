"""`harness check`: does a plugin do what the contract asks?"""

from __future__ import annotations

import dataclasses
import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from harness.cli.codes import FAILED, OK
from harness.cli.waiting import waiting

if TYPE_CHECKING:
    from harness.coordinator.conformance import Result

_COLOURS = {"ok": "green", "failed": "red", "skipped": "yellow"}


@click.command()
@click.argument("plugins", nargs=-1, required=True, metavar="PLUGIN...")
@click.option("--device", default="cpu", show_default=True, help="auto, cpu or cuda.")
@click.option("--quick", is_flag=True, help="Train on fewer samples, and time nothing.")
@click.option("--isolate", is_flag=True, help="Give every plugin packages of its own, by uv.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def check(plugins: tuple[str, ...], device: str, quick: bool, isolate: bool, as_json: bool) -> None:
    """Check PLUGIN against the contract: a NAME[@VERSION], a FILE.py, a package or its folder.

    One line a check: ok, FAILED or skipped, what was found, and what to change. Exit code 1 where a
    check fails.
    """
    shown: list[str] = []
    until_first = ExitStack()

    def show(result: Result) -> None:
        until_first.close()
        if result.plugin not in shown:
            click.echo(("\n" if shown else "") + result.plugin)
            shown.append(result.plugin)
        word = click.style(result.line[:8], fg=_COLOURS[result.status])
        click.echo(f"  {word}{result.line[8:]}")

    with until_first:
        until_first.enter_context(waiting(f"checking {', '.join(plugins)}"))
        from harness.cli.messages import messages
        from harness.coordinator.conformance import check as run_checks

        results = run_checks(
            plugins,
            device=device,
            quick=quick,
            isolate=isolate,
            each=(lambda _: None) if as_json else show,
            listener=messages(),
        )
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(result) for result in results], indent=2))
    else:
        counts = {status: sum(result.status == status for result in results) for status in _COLOURS}
        click.echo("\n" + ", ".join(f"{count} {status}" for status, count in counts.items()))
    sys.exit(FAILED if any(result.status == "failed" for result in results) else OK)
