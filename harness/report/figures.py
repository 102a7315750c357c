"""How figures become files: each drawn once, as SVG and as PNG; one that fails costs only itself."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from harness.report.drawings import ACCURACY, FIT, LAYERS, NETWORKS, Drawing
from harness.report.numbers import plain
from harness.report.rows import NetworkRow, ordered_by
from harness.report.style import GRID, INK, MUTED, PAPER, SETTINGS, Drawn, NoDataError
from harness.report.view import View

R = TypeVar("R")

#: The roles' colours on a dark page.
DARK = {INK: "#e6eaee", MUTED: "#98a3af", GRID: "#353d46", PAPER: "#1b2026"}

#: The names of all figures that a report may have.
NAMES = tuple(drawing.name for drawings in (NETWORKS, LAYERS) for drawing in drawings)


@dataclass(frozen=True)
class Picture:
    """A drawn figure; `alt` tells its content to those who cannot see it."""

    name: str
    title: str
    caption: str
    alt: str
    svg: str
    png: bytes


@dataclass(frozen=True)
class Omitted:
    """A figure that is not there; `missed` where a run of this kind could have it."""

    name: str
    title: str
    reason: str
    missed: bool = True


def draw_figures(view: View) -> Iterator[Picture | Omitted]:
    """Every figure of the kinds of rows that there are, or why it is left out."""
    kinds = {name for name in (ACCURACY, FIT) if any(row.has(name) for row in view.networks)}
    for drawing in NETWORKS if view.networks else ():
        missed = not kinds or drawing.kind in {"", *kinds}
        yield draw_one(drawing, view.networks, missed)
    for of_layers in LAYERS if view.layers else ():
        yield draw_one(of_layers, view.layers)


def draw_one(drawing: Drawing[R], rows: Sequence[R], missed: bool = True) -> Picture | Omitted:
    """One figure, of those of `rows` that it can show; whatever goes wrong is the reason for none."""
    try:
        (figure, remark), shown = drawn(drawing, rows)
        with _settings():
            from harness.report.renderer import svg_and_png

            svg, png = svg_and_png(figure)
    except NoDataError as nothing:
        return Omitted(drawing.name, drawing.title, str(nothing), missed)
    except Exception as error:
        reason = plain(f"it could not be drawn: {type(error).__name__}: {error}")
        return Omitted(drawing.name, drawing.title, reason)
    caption = " ".join(filter(None, (drawing.caption, remark, _left_out(drawing, rows, shown))))
    told = ((getattr(row, "name", ""), plain(drawing.tell(row))) for row in shown)
    alt = "; ".join(f"{name} {text}".strip() for name, text in told if text)
    return Picture(drawing.name, drawing.title, caption, f"{drawing.title}: {alt}", svg, png)


def drawn(drawing: Drawing[R], rows: Sequence[R]) -> tuple[Drawn, Sequence[R]]:
    """The figure of those of `rows` that have something to show, and these; NoDataError without any.

    Of more rows than can be read, the first are shown.
    """
    having = [row for row in rows if drawing.has(row)]
    if not having:
        raise NoDataError(drawing.otherwise)
    shown = drawing.best(having)
    with _settings():
        return drawing.draw(shown), shown


def themed(svg: str) -> str:
    """`svg` for the page: its ink and paper follow the reader's light or dark theme.

    A file for other programs keeps plain colours: most of them know no CSS variables.
    """
    for place, colour in enumerate(DARK):
        svg = svg.replace(colour, f"var(--c{place})")
    light, dark = (
        "".join(f"--c{place}:{colour};" for place, colour in enumerate(theme))
        for theme in (DARK, DARK.values())
    )
    style = f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return svg.replace("<defs>", f"<defs><style>{style}</style>", 1)


def _left_out(drawing: Drawing[R], rows: Sequence[R], shown: Sequence[R]) -> str:
    having = sum(map(drawing.has, rows))
    if having == len(shown):
        return ""
    if ordered_by([row for row in shown if isinstance(row, NetworkRow)]) == ACCURACY:
        return f"The {len(shown)} most accurate of {having} rows."
    return f"The first {len(shown)} of {having} rows, in the order of the table."


def _import_matplotlib() -> None:
    """Imports matplotlib, whatever MPLBACKEND names: a notebook's may not be installed here.

    matplotlib refuses to be imported then, although the report uses no backend. A valid one is set
    as matplotlib itself would set it.
    """
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", "")
    try:
        import matplotlib
    finally:
        if backend:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = backend


@contextmanager
def _settings() -> Iterator[None]:
    _import_matplotlib()
    from matplotlib import rc_context

    with rc_context(cast(Any, SETTINGS)), warnings.catch_warnings():
        # A plugin's name may hold characters that the font lacks: boxes, then, and no crash.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield
