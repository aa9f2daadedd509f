"""Pictures of a network and charts of numbers, as SVG, PDF, PNG and LaTeX.

:func:`draw` makes a :class:`Drawing`: ``figure`` is the paper's figure, ``graph`` has one box per
layer, ``labels`` their words; ``chart`` draws lines over epochs or steps. ``scene`` is what all are
made of, and ``formats`` writes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lenet.drawing.figure import draw_figure
from lenet.drawing.formats import to_pdf, to_png, to_svg, to_tikz
from lenet.drawing.graph import draw_graph
from lenet.drawing.labels import description, title
from lenet.drawing.scene import THEMES, Scene
from lenet.errors import UsageError
from lenet.files import write_bytes
from lenet.net import Network, Source, name_of, read_network
from lenet.net.words import did_you_mean, shown

__all__ = ["FORMATS", "STYLES", "THEMES", "Drawing", "draw", "format_of"]

_LAYOUTS: Final = {"figure": draw_figure, "graph": draw_graph}
STYLES: Final = tuple(_LAYOUTS)
FORMATS: Final = ("svg", "pdf", "png", "tex")
#: PDF ends at 200 inches, TeX at 226: the longest side of a page, in pixels of 1/96 inch.
MAX_PAGE: Final = 19_000


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
        """Return what there is to say about it, for JSON; sizes in pixels of 1/96 inch."""
        return {
            "theme": self.theme,
            "width": round(self.scene.width, 2),
            "height": round(self.scene.height, 2),
            "title": self.title,
            "description": self.description,
        }

    def __repr__(self) -> str:
        name, size = self.title.partition(":")[0], (self.scene.width, self.scene.height)
        return f"<Drawing {name} {size[0]:.0f}x{size[1]:.0f}>"

    def _repr_svg_(self) -> str:
        return self.svg


def draw(
    network: Source,
    *,
    style: str = "figure",
    theme: str = "auto",
    name: str = "",
) -> Drawing:
    """Draw a network.

    Args:
        network: a network in any form: a name, a notation, a ``.json`` file, a saved model, a
            ``Model`` or a ``Network``.
        style: "figure", the stacks of feature maps of LeCun et al. 1998, or "graph", one box per
            layer.
        theme: "auto", "light" or "dark".
        name: what to call it; by default its zoo name or file; a ``Network`` has neither.

    Raises:
        UsageError: ``network``, ``style`` or ``theme`` names none.
        ShapeError: the network does not fit together.
    """
    _check_choice("style", style, STYLES)
    _check_choice("theme", theme, THEMES)
    if not isinstance(network, Network):
        name = name or name_of(network)
        network = read_network(network)
    return Drawing(_LAYOUTS[style](network), theme, title(network, name), description(network))


def format_of(path: str | os.PathLike[str], format: str | None = None) -> str:
    """Return the format to write ``path`` in: the one that is named, else that of the ending."""
    if format is not None:
        _check_choice("format", format, FORMATS)
        return format
    ending = os.path.splitext(os.fspath(path))[1].lower().removeprefix(".")
    if ending not in FORMATS:
        raise UsageError(
            f"{shown(os.path.basename(path))} does not say its format; end it in .svg, .pdf, "
            ".png or .tex, or name the format.",
            parameter="format",
        )
    return ending


def _check_choice(what: str, given: object, choices: Iterable[str]) -> None:
    names = list(choices)
    if given not in names:
        near = did_you_mean(str(given), names)
        problem = f"no {what} is called {shown(given)}{near}"
        raise UsageError(f"{problem}; choose {', '.join(names)}.", parameter=what)
