"""A renderer of matplotlib that writes SVG and PNG from one and the same drawing.

Most of the time that a figure takes is spent in its artists: ticks, places, texts. Here they run once.
No canvas, no backend and no pyplot is involved: what MPLBACKEND says does not matter.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D, Bbox, TransformedPath
from PIL import Image

#: Dots an inch of the PNG; SVG has 72.
DPI, POINTS = 160, 72

# matplotlib's renderers have no types.
Svg: Any = RendererSVG
Agg: Any = RendererAgg


def svg_and_png(figure: Figure) -> tuple[str, bytes]:
    """The figure in both formats; the same figure gives the same bytes."""
    figure.set_dpi(POINTS)
    text, png = io.StringIO(), io.BytesIO()
    renderer: Any = _Both(text, *figure.get_size_inches())
    figure.draw(renderer)
    renderer.finalize()
    image = Image.fromarray(np.asarray(renderer.agg.buffer_rgba())).convert("RGB")
    # A lower compression takes a third of the time, and 10 % more bytes.
    image.save(png, "png", dpi=(DPI, DPI), compress_level=3)
    return text.getvalue(), png.getvalue()


class _Both(Svg):  # type: ignore[misc] # it is a class
    """Draws in points, as SVG does, and each time the same in dots, which are smaller."""

    # SVG's own does not come by here.
    draw_path_collection = RendererBase.draw_path_collection

    def __init__(self, text: io.StringIO, width: float, height: float) -> None:
        metadata = {"Date": None, "Creator": None}
        super().__init__(width * POINTS, height * POINTS, text, image_dpi=POINTS, metadata=metadata)
        self.agg = Agg(width * DPI, height * DPI, DPI)
        self._enlarge = Affine2D().scale(DPI / POINTS)

    def draw_path(self, gc: Any, path: Any, transform: Any, fill: Any = None) -> None:
        """A line or a shape."""
        super().draw_path(gc, path, transform, fill)
        self.agg.draw_path(self._enlarged(gc), path, transform + self._enlarge, fill)

    def draw_markers(self, gc: Any, marker: Any, shape: Any, *path_place_fill: Any) -> None:
        """A marker at each point of a path."""
        path, place, *fill = path_place_fill
        super().draw_markers(gc, marker, shape, path, place, *fill)
        shape, place = shape + self._enlarge, place + self._enlarge
        self.agg.draw_markers(self._enlarged(gc), marker, shape, path, place, *fill)

    def draw_text(self, gc: Any, x: float, y: float, *text: Any, **options: Any) -> None:
        """A line of text."""
        super().draw_text(gc, x, y, *text, **options)
        place = (x * DPI / POINTS, y * DPI / POINTS)
        self.agg.draw_text(self._enlarged(gc), *place, *text, **options)

    def _enlarged(self, gc: Any) -> Any:
        """What says how to draw, with clipping in dots; of widths and dashes, Agg takes points."""
        own: Any = GraphicsContextBase()
        own.copy_properties(gc)
        if (box := gc.get_clip_rectangle()) is not None:
            own.set_clip_rectangle(Bbox(box.get_points() * DPI / POINTS))
        path, transform = gc.get_clip_path()
        if path is not None:
            own.set_clip_path(TransformedPath(path, transform + self._enlarge))
        return own
