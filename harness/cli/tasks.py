"""`harness tasks`: what can be solved."""

from __future__ import annotations

import json

import click

#: Fields that other programs have no use for.
_HIDDEN = ("locate", "origin")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def tasks(as_json: bool) -> None:
    """List every task: its kind, its sizes, and whether its data must be downloaded."""
    from harness.tasks import TASKS

    if as_json:
        rows = [
            {name: value for name, value in vars(spec).items() if name not in _HIDDEN}
            for spec in TASKS.values()
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(map(len, TASKS))
    for spec in TASKS.values():
        sizes = " / ".join(str(size) for size in spec.sizes.values())
        data = "looked for in --data and HARNESS_DATA, else downloaded"
        click.echo(f"{spec.name.ljust(width)}  {spec.kind}: {spec.description}")
        click.echo(f"{' ' * width}  {' / '.join(spec.sizes)}: {sizes}")
        click.echo(f"{' ' * width}  data: {data if spec.needs_download else spec.origin}")
        for method, accuracy, source in spec.published:
            click.echo(f"{' ' * width}  published: {accuracy * 100:.1f} % {method} ({source})")
