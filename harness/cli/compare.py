"""`harness compare`: what became better or worse from one run to another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from harness.cli.codes import FAILED, NOTHING_MEASURED, OK
from harness.cli.waiting import waiting


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="Show ties too, not only what changed.")
@click.option(
    "--only", type=click.Choice(["worse", "better", "tie"]), help="Show one verdict alone."
)
@click.option(
    "--timings",
    type=click.Choice(["same", "anyway", "none"]),
    default="same",
    show_default=True,
    help="Compare timings of one machine in one state, of any two, or none.",
)
@click.option(
    "--fail-on",
    "gates",
    multiple=True,
    metavar="METRIC:worse",
    help="Exit code 1 where it is so, or a row no longer succeeds or is gone. any:worse: all metrics.",
)
@click.option(
    "--margin",
    default="0 %",
    show_default=True,
    metavar="'1 %'",
    help="--fail-on accepts smaller differences: points of an accuracy, else a share of the old value.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every comparison as JSON.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page as well."
)
def compare(
    old: Path,
    new: Path,
    every: bool,
    only: str | None,
    timings: str,
    gates: tuple[str, ...],
    margin: str,
    as_json: bool,
    html: Path | None,
) -> NoReturn:
    """Compare the run NEW with the run OLD, row by row and metric by metric.

    The result is Markdown, fit for a pull request. Every difference has a 95 % interval; better and
    worse are claimed after a correction for the number of comparisons.
    """
    with waiting(f"comparing {new} with {old}"):
        from harness.report.changes import markdown, page
        from harness.results.gate import failures, idle, parse_gate, parse_margin, unjudged
        from harness.results.store import RunFolder
        from harness.runs.compare import compare as compare_folders

        for folder in (old, new):
            RunFolder.open(folder)  # it may declare metrics of its own, which --fail-on may name
        unwanted, least = [parse_gate(text) for text in gates], parse_margin(margin)
        comparison = compare_folders(old, new, timings=timings)  # type: ignore[arg-type] # a choice
    shown = (only,) if only else ()
    if html:
        from harness.cli.files import write

        write(html, page(comparison, shown, every))
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps(asdict(comparison), indent=2))
    else:
        click.echo(markdown(comparison, shown, every), nl=False)
    for line in unjudged(comparison, unwanted):
        click.echo(f"harness: not judged: {line}", err=True)
    lines = failures(comparison, unwanted, least)
    for line in lines:
        click.echo(f"harness: not accepted: {line}", err=True)
    if lines:
        sys.exit(FAILED)
    if not comparison.changes:
        click.echo("harness: nothing that could be judged is in both runs", err=True)
        sys.exit(NOTHING_MEASURED)
    if without := idle(comparison, unwanted):
        click.echo(f"harness: no row could be judged by {', '.join(without)}", err=True)
        sys.exit(NOTHING_MEASURED)
    sys.exit(OK)
