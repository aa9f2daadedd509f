"""A scene as PDF, through reportlab, or as PNG: our own SVG, through resvg.

Both are set in the font that :mod:`lenet.drawing.typeface` measures and that lies beside reportlab:
the pages look the same on every machine. Only a PNG with characters which that font lacks looks for
a font of the reader's; in a PDF they are boxes.
"""

from __future__ import annotations

import io
import struct
from functools import cache
from math import sqrt
from typing import TYPE_CHECKING, Final

from lenet.drawing.palette import THEMES
from lenet.drawing.raster import chunk, png_file
from lenet.drawing.scene import Box, Mark, Paint, Path, Pixels, Scene, Text
from lenet.drawing.svg import to_svg
from lenet.drawing.typeface import FAMILY, covers, font_file, printable

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

_PIXELS_PER_INCH: Final = 96
_POINTS: Final = 72 / _PIXELS_PER_INCH
_INCHES_PER_METRE: Final = 1 / 0.0254
#: A PNG is twice as fine as a screen of 96 pixels an inch, but holds no more pixels than this.
_FINENESS: Final = 2.0
_MOST_PIXELS: Final = 24e6
#: The bytes of a PNG before its second chunk: the signature, then the header with its frame.
_PNG_HEAD: Final = 8 + 25


def to_png(scene: Scene, theme: str, title: str) -> bytes:
    """Two dots a pixel of the scene, fewer where that would get enormous."""
    import resvg_py

    fineness = min(_FINENESS, sqrt(_MOST_PIXELS / (scene.width * scene.height)))
    picture = resvg_py.svg_to_bytes(
        # A picture of dots cannot follow the reader's screen: "auto" is light here.
        svg_string=to_svg(scene, "light" if theme == "auto" else theme, title, ""),
        zoom=fineness,
        font_files=[str(font_file()), str(font_file(bold=True))],
        sans_serif_family=FAMILY,
        # To look through the fonts of a machine takes long, and what they are is anyone's guess.
        skip_system_fonts=all(covers(text.text) for text in scene.texts),
    )
    return picture[:_PNG_HEAD] + _about(title, fineness) + picture[_PNG_HEAD:]


def _about(title: str, fineness: float) -> bytes:
    """The chunks of a PNG that hold its title and its dots a metre."""
    dots = round(fineness * _PIXELS_PER_INCH * _INCHES_PER_METRE)
    # After the keyword: not compressed, of no language.
    words = b"Title" + bytes(5) + printable(title).encode()
    return chunk(b"pHYs", struct.pack(">IIB", dots, dots, 1)) + chunk(b"iTXt", words)


def to_pdf(scene: Scene, theme: str, title: str) -> bytes:
    """One page as large as the picture; text stays text, set in an embedded font."""
    from reportlab.pdfgen.canvas import Canvas

    with io.BytesIO() as buffer:
        canvas = Canvas(
            buffer,
            pagesize=(scene.width * _POINTS, scene.height * _POINTS),
            pageCompression=1,
            invariant=1,  # without dates the same picture is the same file
            initialFontName=_font(bold=False),
        )
        canvas.setTitle(printable(title))
        for unknown in (canvas.setAuthor, canvas.setCreator, canvas.setProducer, canvas.setSubject):
            unknown("")
        canvas.scale(_POINTS, _POINTS)
        canvas.setLineJoin(1)
        printer = _Printer(canvas, scene.height, THEMES[theme])
        printer.mark(Box(0, 0, scene.width, scene.height, Paint("page")))
        for mark in scene.marks:
            printer.mark(mark)
        canvas.save()
        return buffer.getvalue()


@cache
def _font(bold: bool) -> str:
    """The name of the font, which reportlab knows from now on."""
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    name = f"{FAMILY} Bold" if bold else FAMILY
    registerFont(TTFont(name, str(font_file(bold))))
    return name


class _Printer:
    """Draws marks on a page, whose y runs up from its lower edge."""

    def __init__(self, canvas: Canvas, height: float, colors: dict[str, str]) -> None:
        self.canvas = canvas
        self.height = height
        self.colors = colors

    def mark(self, mark: Mark) -> None:
        match mark:
            case Text():
                self._text(mark)
            case Box():
                self._box(mark)
            case Path():
                self._path(mark)
            case Pixels():
                self._pixels(mark)

    def _text(self, text: Text) -> None:
        canvas = self.canvas
        write = {
            "start": canvas.drawString,
            "middle": canvas.drawCentredString,
            "end": canvas.drawRightString,
        }[text.anchor]
        canvas.setFont(_font(text.bold), text.size)
        self._paint(Paint(text.role))
        write(text.x, self.height - text.y, printable(text.text))

    def _box(self, box: Box) -> None:
        place = (box.x, self.height - box.bottom, box.width, box.height)
        uses = self._paint(box.paint)
        radius = min(box.radius, box.width / 2, box.height / 2)
        if radius:
            self.canvas.roundRect(*place, radius, **uses)
        else:
            self.canvas.rect(*place, **uses)

    def _path(self, path: Path) -> None:
        (x, y), *others = path.points
        way = self.canvas.beginPath()
        way.moveTo(x, self.height - y)
        for x, y in others:
            way.lineTo(x, self.height - y)
        if path.closed:
            way.close()
        self.canvas.drawPath(way, **self._paint(path.paint))

    def _pixels(self, image: Pixels) -> None:
        from reportlab.lib.utils import ImageReader

        place = (image.x, self.height - image.y - image.height, image.width, image.height)
        self.canvas.drawImage(ImageReader(io.BytesIO(png_file(image))), *place)

    def _paint(self, paint: Paint) -> dict[str, int]:
        """Choose the colours; what is to be done with them: fill, stroke."""
        if paint.fill:
            self.canvas.setFillColor(self.colors[paint.fill])
            self.canvas.setFillAlpha(paint.opacity)
        if paint.stroke:
            self.canvas.setStrokeColor(self.colors[paint.stroke])
            self.canvas.setLineWidth(paint.width)
        return {"fill": int(bool(paint.fill)), "stroke": int(bool(paint.stroke))}
