"""A scene as PDF, through reportlab, or as PNG: our own SVG, through resvg.

Both are set in the font whose widths :mod:`lenet.drawing.scene` knows and whose files reportlab
brings: the pages look the same on every machine. Only a PNG with characters which that font lacks
looks for a font of the reader's; in a PDF they are boxes.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import sqrt
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final

from lenet.drawing.markup import png_chunk, png_file, to_svg
from lenet.drawing.scene import THEMES, Box, Mark, Paint, Path, Pixels, Scene, Text, printable

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

FAMILY: Final = "Bitstream Vera Sans"
#: What the font has beyond Latin-1.
_MORE: Final = "ĆćČčđĞğİıŁłŒœŞşŠšŸŽžƒˆˇ˘˙˚˛˜˝Ωπ–—‘’‚“”„†‡•…‰‹›€™∂∆∏∑−∕∙√∞∫≈≠≤≥◊ﬁﬂ"
_COVERED: Final = frozenset((*map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x100))), *_MORE))
_PIXELS_PER_INCH: Final = 96
_POINTS: Final = 72 / _PIXELS_PER_INCH
_INCHES_PER_METRE: Final = 1 / 0.0254
#: A PNG is twice as fine as a screen of 96 pixels an inch, but holds no more pixels than this.
_FINENESS: Final = 2.0
_MOST_PIXELS: Final = 24e6
#: The bytes of a PNG before its second chunk: the signature, then the header with its frame.
_PNG_HEAD: Final = 8 + 25


def to_png(scene: Scene, theme: str, title: str) -> bytes:
    """Return two dots per pixel of the scene, fewer where that would get enormous."""
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
    dots = round(fineness * _PIXELS_PER_INCH * _INCHES_PER_METRE)
    # After the keyword: not compressed, of no language.
    words = b"Title" + bytes(5) + printable(title).encode()
    about = (png_chunk(b"pHYs", struct.pack(">IIB", dots, dots, 1)), png_chunk(b"iTXt", words))
    return b"".join((picture[:_PNG_HEAD], *about, picture[_PNG_HEAD:]))


def to_pdf(scene: Scene, theme: str, title: str) -> bytes:
    """Return one page as large as the picture; text stays text, set in an embedded font."""
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
        for mark in (Box(0, 0, scene.width, scene.height, Paint("page")), *scene.marks):
            printer.mark(mark)
        canvas.save()
        return buffer.getvalue()


def covers(text: str) -> bool:
    """Has the font of PNG and PDF every character of ``text``?"""
    return _COVERED.issuperset(text)


def font_file(bold: bool = False) -> FilePath:
    """Return where the font lies, without importing reportlab, which takes a tenth of a second."""
    package = find_spec("reportlab")
    assert package is not None, "reportlab is not installed, though lenet depends on it"
    assert package.origin is not None
    return FilePath(package.origin).parent / "fonts" / ("VeraBd.ttf" if bold else "Vera.ttf")


@cache
def _font(bold: bool) -> str:
    """Return the name of the font, which reportlab knows from now on."""
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    name = f"{FAMILY} Bold" if bold else FAMILY
    registerFont(TTFont(name, str(font_file(bold))))
    return name


@dataclass(frozen=True)
class _Printer:
    """Draws marks on a page of a ``height``, whose y runs up from its lower edge."""

    canvas: Canvas
    height: float
    colors: dict[str, str]

    def mark(self, mark: Mark) -> None:
        uses = self._use(mark.paint)
        match mark:
            case Text():
                self._text(mark)
            case Box():
                self._box(mark, uses)
            case Path():
                self._path(mark, uses)
            case Pixels():
                self._pixels(mark)

    def _use(self, paint: Paint) -> dict[str, int]:
        """Choose the colours, and return what is to be done with them: fill, stroke."""
        if paint.fill:
            self.canvas.setFillColor(self.colors[paint.fill])
            self.canvas.setFillAlpha(paint.opacity)
        if paint.stroke:
            self.canvas.setStrokeColor(self.colors[paint.stroke])
            self.canvas.setLineWidth(paint.width)
        return {"fill": int(bool(paint.fill)), "stroke": int(bool(paint.stroke))}

    def _text(self, text: Text) -> None:
        write = {
            "start": self.canvas.drawString,
            "middle": self.canvas.drawCentredString,
            "end": self.canvas.drawRightString,
        }[text.anchor]
        self.canvas.setFont(_font(text.bold), text.size)
        write(text.x, self.height - text.y, printable(text.text))

    def _box(self, box: Box, uses: dict[str, int]) -> None:
        place = (box.x, self.height - box.bottom, box.width, box.height)
        if radius := min(box.radius, box.width / 2, box.height / 2):
            self.canvas.roundRect(*place, radius, **uses)
        else:
            self.canvas.rect(*place, **uses)

    def _path(self, path: Path, uses: dict[str, int]) -> None:
        (x, y), *others = path.points
        line = self.canvas.beginPath()
        line.moveTo(x, self.height - y)
        for x, y in others:
            line.lineTo(x, self.height - y)
        if path.closed:
            line.close()
        self.canvas.drawPath(line, **uses)

    def _pixels(self, image: Pixels) -> None:
        from reportlab.lib.utils import ImageReader

        place = (image.x, self.height - image.y - image.height, image.width, image.height)
        self.canvas.drawImage(ImageReader(io.BytesIO(png_file(image))), *place)
