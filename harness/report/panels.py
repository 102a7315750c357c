"""Many rows as many small panels: those of one plugin share one, so that its settings compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.numbers import plain
from harness.report.rows import NetworkRow
from harness.report.style import SMALL, handle, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: More lines than these in one small panel hide each other.
MOST_IN_PANEL = 4


@dataclass(frozen=True)
class Panel:
    """Rows of one plugin; `names` holds what tells them apart."""

    title: str
    rows: Sequence[NetworkRow]
    names: Sequence[str]


def panels(rows: Sequence[NetworkRow]) -> list[Panel]:
    """`rows` by plugin, in the order of each plugin's first row; several panels where they are many."""
    plugins: dict[str, list[NetworkRow]] = {}
    for row in rows:
        plugins.setdefault(row.row.plugin, []).append(row)
    return [
        _panel(plain(plugin), members[start : start + MOST_IN_PANEL])
        for plugin, members in plugins.items()
        for start in range(0, len(members), MOST_IN_PANEL)
    ]


def best_in_panels(rows: Sequence[NetworkRow], most: int) -> Sequence[NetworkRow]:
    """The first of `rows` that fit into `most` panels."""
    count = min(len(rows), most * MOST_IN_PANEL)
    while len(panels(rows[:count])) > most:
        count -= 1
    return rows[:count]


def heading_height(panel: Panel) -> float:
    """The height that `heading` takes, in inches."""
    if len(panel.rows) == 1:
        return 0.08 + 0.15 * (_title(panel).count("\n") + 1)
    return 0.27 + 0.15 * -(-len(panel.names) // _columns(panel))


def heading(axes: Axes, panel: Panel) -> None:
    """Names `panel` and its lines above `axes`."""
    if len(panel.rows) == 1:
        axes.set_title(_title(panel), fontsize=SMALL + 1)
        return
    columns = _columns(panel)
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


def _title(panel: Panel) -> str:
    return wrapped(panel.rows[0].name, 36, 2)


def _columns(panel: Panel) -> int:
    return 2 if max(map(len, panel.names)) <= 16 else 1


def _panel(plugin: str, rows: Sequence[NetworkRow]) -> Panel:
    names = [row.name.removeprefix(plugin).strip().removeprefix("preset=") for row in rows]
    return Panel(plugin, rows, [name or row.name for name, row in zip(names, rows, strict=True)])
