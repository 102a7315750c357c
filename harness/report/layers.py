"""The report of `harness layers`: in the terminal, as Markdown and as one page."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from harness.report.figures import themed
from harness.report.layers_view import (
    TIMES,
    Table,
    comparable,
    notes,
    reasons,
    speeds,
    tables,
    total,
)
from harness.report.markdown import escape
from harness.report.numbers import plain, tick
from harness.report.rows import MARKERS, PALETTE
from harness.report.style import MUTED, SETTINGS, new_figure
from harness.results.layers import LayerRecord

if TYPE_CHECKING:
    import rich.table
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
TITLE = "One layer, in every framework"


def build_layers_report(
    folder: Path, run: Mapping[str, Any], records: Sequence[LayerRecord]
) -> list[Path]:
    """Writes layers.md, layers.html and figures/layers.*; returns their paths."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in _files(run, records):
        path = folder / name
        partial = path.with_name(f".{path.name}.partial")
        data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        partial.write_bytes(data)
        partial.replace(path)
        written.append(path)
    return written


def _files(
    run: Mapping[str, Any], records: Sequence[LayerRecord]
) -> Iterator[tuple[str, str | bytes]]:
    svg = ""
    if any(comparable(record) for record in records):
        svg, png = _render(records)
        yield "figures/layers.svg", svg
        yield "figures/layers.png", png
    yield "layers.md", "\n".join(_markdown(run, records, bool(svg))) + "\n"
    yield "layers.html", _html(run, records, svg)


def terminal_tables(records: Sequence[LayerRecord]) -> Iterator[rich.table.Table]:
    """The tables for a terminal."""
    import rich.table
    from rich.text import Text

    for table in tables(records):
        made = rich.table.Table(
            title=table.title, title_justify="left", show_edge=False, header_style="bold"
        )
        for place, column in enumerate(table.columns):
            made.add_column(column, justify="left" if place < table.texts else "right")
        for row in table.rows:
            made.add_row(*map(Text, _short(table, row)))
        yield made


def _short(table: Table, row: Sequence[str]) -> Iterator[str]:
    """The cells without the intervals of all but the last time: the rest is in the report."""
    for column, cell in zip(table.columns, row, strict=True):
        yield cell.partition(" [")[0] if column in TIMES[:-1] else cell


# --- figure ---------------------------------------------------------------------------------------


def draw(records: Sequence[LayerRecord]) -> Figure:
    """Total time against the number of neurons, both logarithmic; a panel for each density."""
    found = [record for record in records if comparable(record)]
    densities = list(dict.fromkeys(record.density for record in found))
    figure, panels = new_figure(3.4, len(densities))
    names = sorted({record.plugin for record in records if record.stage == "speed"})
    titles = [table.title for table in speeds(found)]
    for axes, density, title in zip(panels, densities, titles, strict=True):
        _panel(axes, [r for r in found if r.density == density], names, title)
    lines = {  # a framework may have figures in one panel only
        str(line.get_label()): line
        for axes in panels
        for line in axes.get_lines()
        if not str(line.get_label()).startswith("_")
    }
    figure.set_figheight(figure.get_figheight() + 0.25 * (len(lines) + 2) / 3)
    figure.legend(list(lines.values()), list(lines), loc="outside lower left", ncols=3)
    return figure


def _panel(axes: Axes, records: Sequence[LayerRecord], names: Sequence[str], title: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    sizes = sorted({record.neurons for record in records})
    for place, name in enumerate(names):
        mine = sorted((r for r in records if r.plugin == name), key=lambda r: r.neurons)
        if not mine:
            continue
        ends = [(r.metrics["total_ms"].get("low"), r.metrics["total_ms"].get("high")) for r in mine]
        medians = [total(record) for record in mine]
        colour, at = PALETTE[place % len(PALETTE)], [record.neurons for record in mine]
        marker = MARKERS[place % len(MARKERS)]
        axes.plot(at, medians, color=colour, marker=marker, ms=5, label=plain(name))
        for x, (low, high) in zip(at, ends, strict=True):
            if low is not None and high is not None:
                axes.plot([x, x], [low, high], color=colour, label="_interval")
    bounds = {r.neurons: r.metrics.get("total_bound_ms") for r in records}
    drawn = [(n, bounds[n]) for n in sizes if bounds[n] is not None]
    if drawn:
        axes.plot(*zip(*drawn), color=MUTED, ls="--", marker="_", label="roofline")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=2, subs=(1.0,)))
    axes.set_xticks(sizes, [str(n) for n in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("neurons")
    axes.set_ylabel("forward and backward, ms")
    axes.set_title(title)


def _render(records: Sequence[LayerRecord]) -> tuple[str, bytes]:
    from matplotlib import rc_context

    svg, png = io.StringIO(), io.BytesIO()
    with rc_context(cast(Any, SETTINGS)):
        figure = draw(records)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    return svg.getvalue(), png.getvalue()


# --- files ----------------------------------------------------------------------------------------

_CAPTION = (
    "Medians of a forward and a backward pass together, with their 95 % intervals; lower is better. "
    "Dashed: the roofline."
)


def _markdown(run: Mapping[str, Any], records: Sequence[LayerRecord], drawn: bool) -> Iterator[str]:
    yield from (f"# {TITLE}", "")
    if command := run.get("command"):
        yield from ("```", plain(command), "```", "")
    for table in tables(records):
        yield from (f"## {escape(table.title)}", "")
        yield f"| {' | '.join(map(escape, table.columns))} |"
        yield f"|{' --- |' * table.texts}{' ---: |' * (len(table.columns) - table.texts)}"
        for row in table.rows:
            yield f"| {' | '.join(map(escape, row))} |"
        yield ""
    if drawn:
        yield from (f"![{escape(_alt(records))}](figures/layers.png)", "", _CAPTION, "")
    if told := reasons(records):
        yield from ("## Refused, unequal or without a figure", "")
        yield from (f"- {escape(reason)}" for reason in told)
        yield ""
    yield from ("## How to read the numbers", "")
    yield from (f"- **{escape(subject)}.** {escape(text)}" for subject, text in notes(records, run))
    yield from ("", "## Environment", "")
    yield from (f"- {escape(name)}: {escape(value)}" for name, value in _facts(run))


def _html(run: Mapping[str, Any], records: Sequence[LayerRecord], svg: str) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (HERE / "page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    source = base64.b64encode(themed(svg).encode()).decode()
    return environment.get_template("layers.html.j2").render(
        title=TITLE,
        style=Markup(style),
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'",
        command=plain(run.get("command", "")),
        tables=tables(records),
        figure=f"data:image/svg+xml;base64,{source}" if svg else "",
        alt=_alt(records),
        caption=_CAPTION,
        reasons=reasons(records),
        notes=notes(records, run),
        facts=_facts(run),
    )


def _alt(records: Sequence[LayerRecord]) -> str:
    """The figure in words: the medians of the largest layers."""
    found = [record for record in records if comparable(record)]
    largest = max((record.neurons for record in found), default=0)
    told = [
        f"{plain(r.plugin)} {total(r):.3g} ms at density {r.density:g}"
        for r in found
        if r.neurons == largest
    ]
    return f"Time of a layer of {largest} neurons: {'; '.join(told)}"


def _facts(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    described = run.get("environment", {})
    packages = described.get("packages", {})
    made = [(name, plain(value)) for name, value in described.items() if name != "packages"]
    return [*made, *((name, plain(version)) for name, version in packages.items())]
