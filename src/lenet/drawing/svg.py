"""A scene as SVG: text stays text, nothing is loaded from elsewhere.

Every colour stands as an attribute, in the light version for theme "auto", so that the simplest
viewer shows it right; one style sheet changes them all where the reader prefers dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from zlib import crc32

from lenet.drawing.palette import DARK, THEMES
from lenet.drawing.raster import png_address
from lenet.drawing.scene import Box, Group, Mark, Paint, Path, Pixels, Scene, Text
from lenet.drawing.typeface import printable

FONTS: Final = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"


def to_svg(scene: Scene, theme: str, title: str, description: str) -> str:
    """The whole document as text, the same for the same arguments."""
    writer = _Writer(THEMES[theme], with_classes=theme == "auto")
    # Several pictures may stand in one page: an id must belong to this one alone.
    key = f"{crc32((title + description + theme + _size(scene)).encode('utf-8', 'replace')):08x}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="lenet-drawing" {_size(scene)} '
            f'font-family="{FONTS}" role="img" aria-labelledby="title-{key} desc-{key}" '
            'style="max-width:100%;height:auto">',
            f'<title id="title-{key}">{_text(title)}</title>',
            f'<desc id="desc-{key}">{_text(description)}</desc>',
            *([_style_sheet(scene)] if theme == "auto" else []),
            writer.mark(_page(scene)),
            *(line for group in scene.groups for line in writer.group(group)),
            "</svg>",
            "",
        ]
    )


def _size(scene: Scene) -> str:
    width, height = _number(scene.width), _number(scene.height)
    return f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'


def _page(scene: Scene) -> Box:
    # A background of its own: a viewer that paints white under a dark theme stays readable.
    return Box(0, 0, scene.width, scene.height, Paint("page"), radius=6)


def _style_sheet(scene: Scene) -> str:
    used = scene.roles | {"page"}
    rules = "".join(
        f".lenet-drawing .f-{role}{{fill:{color}}}.lenet-drawing .s-{role}{{stroke:{color}}}"
        for role, color in DARK.items()
        if role in used
    )
    return f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"


class _Writer:
    """Writes marks as elements in one theme's colours."""

    def __init__(self, colors: dict[str, str], with_classes: bool) -> None:
        self.colors = colors
        self.with_classes = with_classes

    def group(self, group: Group) -> Iterator[str]:
        if group.marks:
            yield f"<g><title>{_text(group.title)}</title>"
            yield from map(self.mark, group.marks)
            yield "</g>"

    def mark(self, mark: Mark) -> str:
        match mark:
            case Text():
                place = f'x="{_number(mark.x)}" y="{_number(mark.y)}" font-size="{mark.size:g}"'
                anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
                weight = ' font-weight="600"' * mark.bold
                paint = self.paint(Paint(mark.role))
                return f"<text {place}{anchor}{weight}{paint}>{_text(mark.text)}</text>"
            case Box():
                radius = f' rx="{_number(mark.radius)}"' if mark.radius else ""
                return f"<rect {_place(mark)}{radius}{self.paint(mark.paint)}/>"
            case Pixels():
                how = 'preserveAspectRatio="none" style="image-rendering:pixelated"'
                return f'<image {_place(mark)} {how} href="{png_address(mark)}"/>'
            case Path():
                return f'<path d="{_path(mark)}"{self.paint(mark.paint)}/>'

    def paint(self, paint: Paint) -> str:
        color = self.colors.get
        words = [f'fill="{color(paint.fill, "none")}"']
        if paint.fill and paint.opacity != 1:
            words.append(f'fill-opacity="{paint.opacity:g}"')
        if paint.stroke:
            words.append(f'stroke="{color(paint.stroke)}" stroke-width="{paint.width:g}"')
            words.append('stroke-linejoin="round"')
        if self.with_classes:
            named = (("f", paint.fill), ("s", paint.stroke))
            classes = " ".join(f"{use}-{role}" for use, role in named if role)
            words.append(f'class="{classes}"')
        return "".join(f" {word}" for word in words)


def _place(mark: Box | Pixels) -> str:
    numbers = {"x": mark.x, "y": mark.y, "width": mark.width, "height": mark.height}
    return " ".join(f'{name}="{_number(value)}"' for name, value in numbers.items())


def _path(path: Path) -> str:
    return "M" + "L".join(map(_point, path.points)) + "Z" * path.closed


def _point(point: Iterable[float]) -> str:
    return " ".join(map(_number, point))


def _number(value: float) -> str:
    """At most two decimals: a hundredth of a pixel, and the same text on every machine."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _text(text: str) -> str:
    # Written out: the library's escape() would first import what reads web pages.
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
