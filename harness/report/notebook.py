"""A run in a notebook: its table, and its figures as matplotlib axes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from harness.errors import unknown
from harness.report.numbers import grouped, show
from harness.report.rows import network_rows, shown_metrics, shown_name
from harness.results.ranking import rank
from harness.results.summary import Summary

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def short_table(summaries: Sequence[Summary]) -> pd.DataFrame:
    """One line a row, texts as the report has them: its place on its task, and the terminal's metrics."""
    import pandas as pd

    of_tasks = grouped((getattr(summary.row, "task", ""), summary) for summary in summaries)
    rows: list[Summary] = []
    places: dict[str, int] = {}
    for own in of_tasks.values():
        rows += network_rows(own) or own
        places |= rank(own).places
    metrics = [metric for metric in shown_metrics(rows) if metric.place == "brief"]
    lines = []
    for row in rows:
        line = {"Row": shown_name(row)}
        if len(places) > 1:
            line["Place"] = str(places.get(row.row.key, ""))
        line |= {m.title: str(show(row.cells.get(m.name), m.name)) for m in metrics}
        lines.append(line)
    return pd.DataFrame(lines)


def axes_of(summaries: Sequence[Summary], name: str) -> list[Axes]:
    """The axes of the report's figure `name`, drawn anew; UsageError where it has nothing to show."""
    from harness.errors import UsageError
    from harness.report.figures import NETWORKS, settings

    drawings = {drawing.name: drawing for drawing in NETWORKS}
    if name not in drawings:
        raise unknown("figure", name, drawings)
    drawing = drawings[name]
    having = [row for row in network_rows(summaries) if drawing.has(row)]
    if not (shown := drawing.best(having) if having else ()):
        raise UsageError(f"no figure {name!r}: {drawing.words['otherwise']}")
    _show_figures()
    with settings():
        return list(drawing.draw(shown).figure.axes)


def _show_figures() -> None:
    """A notebook shows figures as pictures only if it is told to, once; pyplot would do it."""
    if "ipykernel" in sys.modules:
        shell = import_module("IPython").get_ipython()
        import_module("IPython.core.pylabtools").select_figure_formats(shell, {"png"})
