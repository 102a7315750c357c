"""Many rows as many small panels: those of one plugin share one, so that its settings compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.numbers import plain
from harness.report.rows import Row
from harness.report.style import handle, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: More lines than these in one small panel hide each other.
MOST_IN_PANEL = 4
SMALL = 8


@dataclass(frozen=True)
class Panel:
    """Rows of one plugin; `names` holds what tells them apart."""

    title: str
    rows: Sequence[Row]
    names: Sequence[str]


def panels(rows: Sequence[Row]) -> list[Panel]:
    """`rows` by plugin, in the order of each plugin's first row; several panels where they are many."""
    plugins: dict[str, list[Row]] = {}
    for row in rows:
        plugins.setdefault(row.summary["plugin"], []).append(row)
    return [
        _panel(plain(plugin), members[start : start + MOST_IN_PANEL])
        for plugin, members in plugins.items()
        for start in range(0, len(members), MOST_IN_PANEL)
    ]


def heading(axes: Axes, panel: Panel) -> float:
    """Names `panel` and its lines above `axes`; the height that it takes, in inches."""
    if len(panel.rows) == 1:
        title = wrapped(panel.rows[0].name, 36, 2)
        axes.set_title(title, fontsize=SMALL + 1)
        return 0.17 * (title.count("\n") + 1)
    columns = 2 if max(map(len, panel.names)) <= 16 else 1
    names = [wrapped(name, 34 // columns, 1) for name in panel.names]
    axes.legend(
        [handle(row, 3.5) for row in panel.rows],
        names,
        title=wrapped(panel.title, 36, 1),
        title_fontsize=SMALL + 1,
        fontsize=SMALL,
        ncols=columns,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        alignment="left",
        borderpad=0.2,
        borderaxespad=0.2,
        labelspacing=0.2,
        columnspacing=1.2,
        handlelength=2.4,
    )
    return 0.17 + 0.15 * -(-len(names) // columns)


def _panel(plugin: str, rows: Sequence[Row]) -> Panel:
    names = [row.name.removeprefix(plugin).strip().removeprefix("preset=") for row in rows]
    return Panel(plugin, rows, [name or row.name for name, row in zip(names, rows, strict=True)])
