"""`harness history`: a metric over the runs of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.waiting import waiting
from harness.runs.folders import RESULTS

_FILE = click.Path(path_type=Path, dir_okay=False)
#: What the steps and the lines between five columns take at the least.
_LEFT = 28


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=RESULTS)
@click.option("--metric", default="test_accuracy", show_default=True, help="The metric to follow.")
@click.option(
    "--timings",
    type=click.Choice(["same", "anyway"]),
    default="same",
    show_default=True,
    help="Compare timings of one machine in one state, or of any.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every point as JSON.")
@click.option("--svg", type=_FILE, help="Write a drawing.")
@click.option("--html", type=_FILE, help="Write a page with the drawing and the table.")
def history(
    folder: Path, metric: str, timings: Any, as_json: bool, svg: Path | None, html: Path | None
) -> None:
    """Follow a metric over the runs in FOLDER [default: results], with its steps.

    Every run is compared with the one before that has the same row, as harness compare does it. The
    last line names the other metrics that the runs have.
    """
    with waiting(f"reading the runs in {folder}"):
        from harness.cli.files import write
        from harness.report.history import drawing, lines, page
        from harness.results.metrics import METRICS
        from harness.runs.history import folder_history

        folder_tracks = folder_history(
            folder, metric, timings=timings, say=lambda t: click.echo(f"harness: {t}", err=True)
        )
    tracks = folder_tracks.tracks
    if svg:
        write(svg, drawing(tracks, metric))
    if html:
        write(html, page(tracks, metric))
    if as_json:
        import json
        from dataclasses import asdict

        document = {
            "metric": metric,
            "others": folder_tracks.others,
            "rows": [asdict(t) for t in tracks],
        }
        click.echo(json.dumps(document, indent=2))
        return
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    title = f"{METRICS[metric].title} ({metric})"
    console, rows = Console(), lines(tracks, metric)
    whole = zip(*(line[:-1] for line in rows), strict=True)
    if sum(max(map(cell_len, cells)) for cells in whole) + _LEFT <= console.width:
        table = Table(title=_literal(title), title_justify="left")
        for name in ("Row", "Runs", "First", "Last", "Steps"):
            table.add_column(name, no_wrap=name != "Steps", overflow="fold")
        for line in rows:
            table.add_row(*map(_literal, line))
        console.print(table)
    else:  # a name or an interval in pieces cannot be read
        click.echo(title)
        for row, runs, first, last, steps in rows:
            click.echo(f"{row}\n    first {first}, last {last}\n    runs: {runs}, steps: {steps}")
    if folder_tracks.others:
        click.echo(f"These runs also have, for --metric: {', '.join(folder_tracks.others)}")


def _literal(text: str) -> Any:
    from rich.text import Text

    return Text(text)
