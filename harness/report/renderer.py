"""A renderer of matplotlib that writes SVG and PNG from one and the same drawing.

Most of the time that a figure takes is spent in its artists: ticks, places, texts. Here they run once.
No canvas, no backend and no pyplot is involved: what MPLBACKEND says does not matter.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.image import imsave
from matplotlib.transforms import Affine2D, Bbox, TransformedPath

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Dots an inch of the PNG; SVG has 72.
DPI, POINTS = 160, 72


def svg_and_png(figure: Figure) -> tuple[str, bytes]:
    """The figure in both formats; the same figure gives the same bytes."""
    figure.set_dpi(POINTS)
    renderer = _Both(*figure.get_size_inches())
    figure.draw(renderer)
    return renderer.finish()


class _Both(RendererBase):
    """Draws in points, as SVG does, and each time the same in dots, which are smaller."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__()
        self._text = io.StringIO()
        size = (width * POINTS, height * POINTS)
        metadata = {"Date": None, "Creator": None}
        svg: Any = RendererSVG
        agg: Any = RendererAgg
        self._svg = svg(*size, self._text, image_dpi=POINTS, metadata=metadata)
        self._agg = agg(width * DPI, height * DPI, DPI)
        self._factor = DPI / POINTS
        self._enlarge = Affine2D().scale(self._factor)

    def finish(self) -> tuple[str, bytes]:
        """Both files."""
        self._svg.finalize()
        png = io.BytesIO()
        # A lower compression takes a third of the time, and 10 % more bytes.
        options: Any = {"format": "png", "dpi": DPI, "metadata": {"Software": None}}
        imsave(png, self._agg.buffer_rgba(), **options, pil_kwargs={"compress_level": 3})
        return self._text.getvalue(), png.getvalue()

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:  # noqa: N803
        """A line or a shape."""
        self._svg.draw_path(gc, path, transform, rgbFace)
        self._agg.draw_path(self._enlarged(gc), path, transform + self._enlarge, rgbFace)

    def draw_markers(
        self,
        gc: Any,
        marker_path: Any,
        marker_trans: Any,
        path: Any,
        trans: Any,
        rgbFace: Any = None,  # noqa: N803
    ) -> None:
        """A marker at each point of a path."""
        self._svg.draw_markers(gc, marker_path, marker_trans, path, trans, rgbFace)
        marker_trans, trans = marker_trans + self._enlarge, trans + self._enlarge
        self._agg.draw_markers(self._enlarged(gc), marker_path, marker_trans, path, trans, rgbFace)

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """A line of text."""
        self._svg.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        place = (x * self._factor, y * self._factor)
        self._agg.draw_text(self._enlarged(gc), *place, s, prop, angle, ismath)

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Names what is drawn next."""
        self._svg.open_group(s, gid)

    def close_group(self, s: str) -> None:
        """Ends what `open_group` began."""
        self._svg.close_group(s)

    def flipy(self) -> bool:
        """Both formats have their origin at the upper left."""
        return True

    def get_canvas_width_height(self) -> tuple[float, float]:
        """The size in points."""
        width, height = self._svg.get_canvas_width_height()
        return float(width), float(height)

    def get_text_width_height_descent(
        self, s: str, prop: Any, ismath: Any
    ) -> tuple[float, float, float]:
        """The size of a text in points."""
        width, height, descent = self._svg.get_text_width_height_descent(s, prop, ismath)
        return float(width), float(height), float(descent)

    def _enlarged(self, gc: Any) -> Any:
        """What says how to draw, with clipping in dots; of widths and dashes, Agg takes points."""
        own: Any = GraphicsContextBase()
        own.copy_properties(gc)
        if (box := gc.get_clip_rectangle()) is not None:
            own.set_clip_rectangle(Bbox(box.get_points() * self._factor))
        path, transform = gc.get_clip_path()
        if path is not None:
            own.set_clip_path(TransformedPath(path, transform + self._enlarge))
        return own
