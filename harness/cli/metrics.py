"""`harness metrics`: what is measured of a trained network, beside the time that it takes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from harness.cli.codes import OK, USAGE
from harness.cli.waiting import waiting
from harness.cli.wrapping import wrapped


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def metrics(name: str | None, as_json: bool) -> None:
    """List the metrics by hook: what each means, and whether it costs time; with NAME or FILE.py, those.

    The host's own are in the documentation (How things are measured).
    """
    from harness.catalogue.metrics import discover_metrics, metrics_file
    from harness.coordinator.metrics import known_metrics
    from harness.coordinator.processes.pool import Workers
    from harness.errors import unknown

    modules = [metrics_file(Path(name))] if name and name.endswith(".py") else discover_metrics()
    with waiting("importing metrics"), Workers(fork=False) as workers:
        known = known_metrics(modules, workers)
    rows = [
        {**metric.declared.model_dump(mode="json"), "distribution": metric.module.distribution}
        for metric in known.metrics
    ]
    if name and not name.endswith(".py"):
        names = {row["name"] for row in rows} | {row["source"] for row in rows}
        if name not in names | set(known.problems):
            raise unknown("metric", name, names)
        rows = [row for row in rows if name in (row["name"], row["source"])]
    problems = {
        source: list(lines)
        for source, lines in known.problems.items()
        if not name or name.endswith(".py") or name == source
    }
    wrong = USAGE if name and problems else OK
    if as_json:
        click.echo(json.dumps({"metrics": rows, "problems": problems}, indent=2))
        sys.exit(wrong)
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        when = f"with --metrics {row['source']}" if row["changes"] else "in every run"
        good = f"{row['better']} is better"
        what = f"{row['title']} ({row['unit']}, {good}), {when}"
        wrapped(f"{row['name'].ljust(width)}  {what}", 0, width + 2)
        wrapped(row["meaning"], width + 2, 0)
    for source, lines in problems.items():
        for line in lines:
            click.echo(f"{source}: {line}")
    sys.exit(wrong)
