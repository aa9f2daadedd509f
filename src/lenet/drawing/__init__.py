"""Pictures of a network and charts of numbers, as SVG, PDF, PNG and LaTeX.

:func:`draw` makes a :class:`Drawing`: ``figure`` is the paper's figure, ``graph`` has one box per
layer, ``connections`` draws connection tables, ``labels`` has their words; ``chart`` draws lines
over epochs or steps. ``scene`` is what all are made of, and ``formats`` writes it.
"""

from __future__ import annotations

import math
import numbers
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lenet.drawing.connections import draw_connections
from lenet.drawing.figure import draw_figure
from lenet.drawing.formats import to_html, to_pdf, to_png, to_svg, to_tikz
from lenet.drawing.graph import draw_graph
from lenet.drawing.labels import description, read_names, title
from lenet.drawing.scene import THEMES, Scene
from lenet.errors import UsageError, visible
from lenet.files import write_bytes
from lenet.net import Source, read_named
from lenet.net.words import check_choice, listed, shown

__all__ = ["FORMATS", "STYLES", "THEMES", "Drawing", "draw", "format_of"]

_LAYOUTS: Final[dict[str, Callable[..., Scene]]] = {
    "figure": draw_figure,
    "graph": draw_graph,
    "table": draw_connections,
}
STYLES: Final = tuple(_LAYOUTS)
FORMATS: Final = ("svg", "pdf", "png", "tex")
#: PDF ends at 200 inches, TeX at 226: the longest side of a page, in pixels of 1/96 inch.
MAX_PAGE: Final = 19_000
#: The least width that may be asked for, in pixels, and how long a unit of lengths is.
_MIN_WIDTH: Final = 100
_UNITS: Final = {"px": 1.0, "pt": 96 / 72, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}


@dataclass(frozen=True)
class Drawing:
    """A finished picture; a notebook shows it.

    Attributes:
        scene: the marks, in pixels.
        theme: "auto" (follows the reader's screen where the format can, else light), "light" or
            "dark".
        title: what it shows, in a line.
        description: what it shows, in words, for those who cannot see it.
    """

    scene: Scene
    theme: str
    title: str
    description: str

    @property
    def svg(self) -> str:
        """The picture as an SVG document."""
        return to_svg(self.scene, self.theme, self.title, self.description)

    @property
    def tex(self) -> str:
        """The picture as a LaTeX document of the class standalone, drawn with TikZ."""
        return to_tikz(self.scene, self.theme, self.title)

    @property
    def pdf(self) -> bytes:
        """The picture as a PDF of one page, with text as text."""
        return to_pdf(self.scene, self.theme, self.title)

    @property
    def png(self) -> bytes:
        """The picture as a PNG, two dots per pixel."""
        return to_png(self.scene, self.theme, self.title)

    @property
    def letters(self) -> float:
        """The size of the smallest letters, in points (1/72 inch); 0 if there are none."""
        return min((text.size for text in self.scene.texts), default=0.0) / _UNITS["pt"]

    def save(self, path: str | os.PathLike[str], *, format: str | None = None) -> Path:
        """Write the picture, all or nothing, and return its path.

        Args:
            path: its ending chooses the format: .svg, .pdf, .png or .tex.
            format: one of :data:`FORMATS`, whatever the ending.

        Raises:
            UsageError: no format is called so, or the picture is too large for it.
            OutputError: the file cannot be written.
        """
        chosen = format_of(path, format)
        width, height = self.scene.width, self.scene.height
        if chosen != "svg" and max(width, height) > MAX_PAGE:
            raise UsageError(
                f"the picture is {width:,.0f} x {height:,.0f} pixels, more than a {chosen} holds "
                f"({MAX_PAGE:,} a side); save it as .svg, or draw a part of the network."
            )
        content: str | bytes = getattr(self, chosen)
        return write_bytes(path, content.encode() if isinstance(content, str) else content)

    def to_dict(self) -> dict[str, Any]:
        """Return what there is to say about it, for JSON.

        ``width`` and ``height`` are in pixels of 1/96 inch, ``letters`` in points.
        """
        return {
            "theme": self.theme,
            "width": round(self.scene.width, 2),
            "height": round(self.scene.height, 2),
            "letters": round(self.letters, 1),
            "title": self.title,
            "description": self.description,
        }

    def __repr__(self) -> str:
        name, size = self.title.partition(":")[0], (self.scene.width, self.scene.height)
        return f"<Drawing {visible(name)} {size[0]:.0f}x{size[1]:.0f}>"

    def _repr_html_(self) -> str:
        return to_html(self.scene, self.theme, self.title, self.description)

    def _repr_svg_(self) -> str:
        return self.svg


def draw(
    network: Source,
    *,
    style: str = "figure",
    theme: str = "auto",
    name: str = "",
    names: str | Iterable[str] | None = None,
    width: float | str | None = None,
    rows: int | None = None,
) -> Drawing:
    """Draw a network.

    Args:
        network: a network in any form: a name, a notation, a ``.json`` or ``.onnx`` file, a saved
            model, a ``Model`` or a ``Network``.
        style: "figure", the stacks of feature maps of LeCun et al. 1998; "graph", one box per
            layer; or "table", the connection tables of convolutions.
        theme: "auto", "light" or "dark".
        name: what to call it; by default its zoo name or file, or nothing.
        names: what to call its layers, such as ``"C1,S2,C3,S4,C5,F6"``: one name for each, but the
            last may be left out; by default ``conv0``, ``pool0``, ..., and those of the paper,
            ``C1``, ``S2``, ..., for a network with subsampling.
        width: of the picture, in pixels of 1/96 inch, or as text with a unit: px, pt, mm, cm or
            in. The network is laid out so that letters become 7 to 12 points high, or at least 6
            where the picture would get taller than a page. By default the picture is as wide as it
            needs, with letters of 9 points.
        rows: of a figure, in how many rows it stands at most; by default as few as fit.

    Raises:
        UsageError: ``network``, ``style`` or ``theme`` names none; ``names`` are not as many as
            the layers; ``width`` or ``rows`` is out of range; ``rows`` is given for another style
            than a figure; there is no connection table to draw.
        ShapeError: the network does not fit together.
    """
    check_choice(style, STYLES, "the style", "style")
    check_choice(theme, THEMES, "the theme", "theme")
    options: dict[str, Any] = {"width": None if width is None else read_width(width)}
    if rows is not None:
        options["rows"] = _checked_rows(rows, style)
    network, name = read_named(network, name)
    names = read_names(names, network)
    scene = _LAYOUTS[style](network, names, **options)
    words = description(network, names, scene.note)
    return Drawing(scene, theme, title(network, name), words)


def read_width(width: float | str) -> float:
    """Read a width, a number of pixels or such as ``85mm``, and return it in pixels.

    Raises:
        UsageError: it is neither, or no picture is so narrow or wide.
    """
    pixels: Any = math.nan
    if isinstance(width, str):
        units = "|".join(_UNITS)
        if found := re.fullmatch(
            rf"\s*(\d{{1,9}}(?:\.\d{{1,9}})?)\s*({units})?\s*", width, re.ASCII
        ):
            pixels = float(found[1]) * _UNITS[found[2] or "px"]
    elif not isinstance(width, bool) and isinstance(width, numbers.Real):
        pixels = width
    if not _MIN_WIDTH <= pixels <= MAX_PAGE:
        raise UsageError(
            f"width is {shown(width)}; it must be {_MIN_WIDTH} to {MAX_PAGE:,} px (96 an inch), or "
            f"as much in {listed([*_UNITS][1:], 'or')}, such as 85mm.",
            parameter="width",
        )
    return float(pixels)


def _checked_rows(rows: int, style: str) -> int:
    if style != "figure":
        raise UsageError(f"rows is for the style figure, not for {style}.", parameter="rows")
    if isinstance(rows, bool) or not isinstance(rows, numbers.Integral) or rows < 1:
        raise UsageError(
            f"rows is {shown(rows)}; it must be a whole number from 1.", parameter="rows"
        )
    return int(rows)


def format_of(path: str | os.PathLike[str], format: str | None = None) -> str:
    """Return the format to write ``path`` in: the one that is named, else that of the ending."""
    if format is not None:
        check_choice(format, FORMATS, "the format", "format")
        return format
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"the picture's file is {shown(path)}; give a path that ends in .svg.")
    ending = os.path.splitext(os.fspath(path))[1].lower().removeprefix(".")
    if ending not in FORMATS:
        raise UsageError(
            f"{shown(os.path.basename(path))} does not say its format; end it in .svg, .pdf, "
            ".png or .tex, or name the format.",
            parameter="format",
        )
    return ending
