"""A scene as PDF or PNG, through matplotlib.

Matplotlib is here already, installs everywhere from a wheel, and brings its own font, the one
that :mod:`lenet.drawing.typeface` measures: the pages look the same on every machine.
"""

from __future__ import annotations

import io
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

from lenet.drawing.palette import THEMES
from lenet.drawing.scene import Box, Mark, Paint, Path, Scene, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PIXELS_PER_INCH: Final = 96
_POINTS: Final = 72 / _PIXELS_PER_INCH
#: A PNG is twice as fine as a screen of 96 pixels an inch, but holds no more pixels than this.
_FINENESS: Final = 2.0
_MOST_PIXELS: Final = 24e6


def to_pdf(scene: Scene, theme: str, title: str) -> bytes:
    """One page as large as the picture; text stays text, set in an embedded font."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    # Without dates and versions the same picture is the same file.
    about = {"Title": title, "CreationDate": None, "Creator": None, "Producer": None}
    return _printed(scene, theme, FigureCanvasPdf, format="pdf", metadata=about)


def to_png(scene: Scene, theme: str, title: str) -> bytes:
    """Two dots a pixel of the scene, fewer where that would get enormous."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    fineness = min(_FINENESS, sqrt(_MOST_PIXELS / (scene.width * scene.height)))
    about = {"Title": title.encode("ascii", "replace").decode(), "Software": None}
    dots = fineness * _PIXELS_PER_INCH
    return _printed(scene, theme, FigureCanvasAgg, format="png", dpi=dots, metadata=about)


def _printed(scene: Scene, theme: str, canvas: Any, **options: Any) -> bytes:
    from matplotlib import rc_context, rcParamsDefault

    # A user's own settings (text.usetex, savefig.bbox) are meant for plots, not for this.
    with rc_context(dict(rcParamsDefault) | {"pdf.fonttype": 42}), io.BytesIO() as buffer:
        figure = _figure(scene, theme)
        canvas(figure)
        figure.savefig(buffer, **options)
        return buffer.getvalue()


def _figure(scene: Scene, theme: str) -> Figure:
    from matplotlib.figure import Figure

    colors = THEMES[theme]
    size = (scene.width / _PIXELS_PER_INCH, scene.height / _PIXELS_PER_INCH)
    figure = Figure(figsize=size, facecolor=colors["page"])
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set(xlim=(0, scene.width), ylim=(scene.height, 0))
    for order, mark in enumerate(scene.marks):
        artist = _artist(mark, colors)
        artist.set(zorder=order, clip_on=False)
        axes.add_artist(artist)
    return figure


def _artist(mark: Mark, colors: dict[str, str]) -> Any:
    from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
    from matplotlib.text import Text as Words

    match mark:
        case Text():
            return Words(
                mark.x,
                mark.y,
                mark.text,
                color=colors[mark.role],
                fontsize=mark.size * _POINTS,
                fontfamily="DejaVu Sans",
                fontweight="bold" if mark.bold else "normal",
                ha={"start": "left", "middle": "center", "end": "right"}[mark.anchor],
                va="baseline",
                parse_math=False,
            )
        case Box():
            place, paint = (mark.x, mark.y), _paint(mark.paint, colors)
            if not mark.radius:
                return Rectangle(place, mark.width, mark.height, **paint)
            shape = f"round,pad=0,rounding_size={min(mark.radius, mark.height / 2)}"
            return FancyBboxPatch(place, mark.width, mark.height, boxstyle=shape, **paint)
        case Path():
            return Polygon(mark.points, closed=mark.closed, **_paint(mark.paint, colors))


def _paint(paint: Paint, colors: dict[str, str]) -> dict[str, Any]:
    return {
        "facecolor": (colors[paint.fill], paint.opacity) if paint.fill else "none",
        "edgecolor": colors[paint.stroke] if paint.stroke else "none",
        "linewidth": paint.width * _POINTS if paint.stroke else 0,
        "joinstyle": "round",
        "capstyle": "butt",
    }
