"""A scene as SVG, as LaTeX with TikZ, as PDF through reportlab, and as PNG through resvg.

An SVG keeps text as text and loads nothing from elsewhere. Every colour stands as an attribute, in
the light version for theme "auto", so that the simplest viewer shows it right; one style sheet
changes them all where the reader prefers dark. PDF and PNG are set in the font whose widths
:mod:`lenet.drawing.scene` knows and whose files reportlab brings: they look the same on every
machine. Only a PNG with characters which that font lacks looks for a font of the reader's; in a
PDF they are boxes.
"""

from __future__ import annotations

import io
import struct
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from math import sqrt
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final
from zlib import compress, crc32

from lenet.drawing.scene import (
    DARK,
    LIGHT,
    THEMES,
    Box,
    Mark,
    Paint,
    Path,
    Pixels,
    Scene,
    Text,
)
from lenet.errors import visible
from lenet.writing.html import NOTEBOOK_PAPER, NOTEBOOK_THEMES
from lenet.writing.latex import escaped

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

FONTS: Final = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_PIXELS_PER_INCH: Final = 96
_POINTS: Final = 72 / _PIXELS_PER_INCH  # a pixel in points of PDF, big points of TeX
_TEX_ANCHORS: Final = {"start": "base west", "middle": "base", "end": "base east"}
_PDF_WRITERS: Final = {
    "start": "drawString",
    "middle": "drawCentredString",
    "end": "drawRightString",
}
_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_COLOR_TYPES: Final = {1: 0, 3: 2}  # grey, RGB
_PNG_PALETTE: Final = 3  # the colour type
_PNG_HEAD: Final = 8 + 25  # the signature, then the header with its frame
_PNG_FINENESS: Final = 2.0  # dots per pixel
_PNG_MOST_DOTS: Final = 24e6
FAMILY: Final = "Bitstream Vera Sans"
#: What the font has beyond Latin-1.
_MORE: Final = "ĆćČčđĞğİıŁłŒœŞşŠšŸŽžƒˆˇ˘˙˚˛˜˝Ωπ–—‘’‚“”„†‡•…‰‹›€™∂∆∏∑−∕∙√∞∫≈≠≤≥◊ﬁﬂ"
#: What pdflatex sets with its own fonts: letters of Latin-1 and its marks, and signs that we write.
_TEX_LETTERS: Final = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœ…–—‘’“”·×±"
)
_COVERED: Final = frozenset((*map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x100))), *_MORE))


def to_svg(scene: Scene, theme: str, title: str, description: str) -> str:
    """Write the whole document, the same for the same arguments."""
    mark = _SvgWriter(THEMES[theme], with_classes=theme == "auto").mark
    width, height = _number(scene.width), _number(scene.height)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    # Several pictures may stand in one page: an id must belong to this one alone.
    key = f"{crc32((title + description + theme + size).encode('utf-8', 'replace')):08x}"
    # A background of its own: a viewer that paints white under a dark theme stays readable.
    page = Box(0, 0, scene.width, scene.height, Paint("page"), radius=6)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="lenet-drawing" {size} '
            f'font-family="{FONTS}" role="img" aria-labelledby="title-{key} desc-{key}" '
            'style="max-width:100%;height:auto">',
            f'<title id="title-{key}">{_text(title)}</title>',
            f'<desc id="desc-{key}">{_text(description)}</desc>',
            *([_style_sheet(scene)] if theme == "auto" else []),
            mark(page),
            *(
                "\n".join(
                    (f"<g><title>{_text(group.title)}</title>", *map(mark, group.marks), "</g>")
                )
                for group in scene.groups
                if group.marks
            ),
            "</svg>",
            "",
        ]
    )


def to_html(scene: Scene, theme: str, title: str, description: str) -> str:
    """Write the SVG for a notebook, whose own theme it follows, as tables do."""
    svg = to_svg(scene, theme, title, description)
    if theme != "auto":
        return svg
    rules = (
        _rules(scene, {**colors, "page": NOTEBOOK_PAPER.format(color=colors["page"])}, f"{on} ")
        for on, colors in zip(NOTEBOOK_THEMES.values(), (LIGHT, DARK), strict=True)
    )
    return f"<style>{''.join(rules)}</style>\n{svg}"


def theme_rules() -> str:
    """Write the colours of both themes as CSS variables, named by their roles.

    A page follows the reader's screen, unless its root says ``data-theme``.
    """
    light, dark = (
        f"color-scheme:{theme};" + ";".join(f"--{role}:{color}" for role, color in colors.items())
        for theme, colors in (("light", LIGHT), ("dark", DARK))
    )
    return (
        f":root{{{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n"
        f":root[data-theme=dark]{{{dark}}}\n"
    )


def _style_sheet(scene: Scene) -> str:
    return f"<style>@media (prefers-color-scheme:dark){{{_rules(scene, DARK)}}}</style>"


def _rules(scene: Scene, colors: dict[str, str], within: str = "") -> str:
    """Write the rules that paint every mark, in pages or parts of pages ``within`` matches."""
    place = f"{within}.lenet-drawing"
    used = scene.roles | {"page"}
    return "".join(
        f"{place} .f-{role}{{fill:{color}}}{place} .s-{role}{{stroke:{color}}}"
        for role, color in colors.items()
        if role in used
    )


@dataclass(frozen=True)
class _SvgWriter:
    """Writes marks as elements in one theme's colours."""

    colors: dict[str, str]
    with_classes: bool

    def mark(self, mark: Mark) -> str:
        match mark:
            case Text():
                place = f'x="{_number(mark.x)}" y="{_number(mark.y)}" font-size="{mark.size:g}"'
                anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
                weight = ' font-weight="600"' * mark.bold
                paint = self.paint(mark.paint)
                return f"<text {place}{anchor}{weight}{paint}>{_text(mark.text)}</text>"
            case Box():
                radius = f' rx="{_number(mark.radius)}"' if mark.radius else ""
                return f"<rect {_place(mark)}{radius}{self.paint(mark.paint)}/>"
            case Pixels():
                how = 'preserveAspectRatio="none" style="image-rendering:pixelated"'
                return f'<image {_place(mark)} {how} href="{png_address(mark)}"/>'
            case Path():
                points = "L".join(" ".join(map(_number, point)) for point in mark.points)
                return f'<path d="M{points}{"Z" * mark.closed}"{self.paint(mark.paint)}/>'

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


def _number(value: float) -> str:
    """Write at most two decimals: a hundredth of a pixel, and the same text on every machine."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _letters(text: str) -> str:
    """Return what is drawn: nothing breaks here, and a space that does not break may be wider."""
    return visible(text).replace("\N{NO-BREAK SPACE}", " ")


def _text(text: str) -> str:
    # Written out: the library's escape() would first import what reads web pages.
    return _letters(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def png_file(image: Pixels) -> bytes:
    """Return the image alone as a PNG (ISO/IEC 15948); to import Pillow would take longer."""
    rows, columns = image.size
    stride = columns * image.channels
    lines = (image.data[stride * row : stride * (row + 1)] for row in range(rows))
    color = _PNG_PALETTE if image.palette else _PNG_COLOR_TYPES[image.channels]
    header = struct.pack(">IIBBBBB", columns, rows, 8, color, 0, 0, 0)
    # A line begins with its filter; 0 is none.
    body = compress(b"".join(b"\0" + line for line in lines), 9)
    parts = {b"IHDR": header, b"PLTE": image.palette, b"IDAT": body}
    chunks = (png_chunk(kind, content) for kind, content in parts.items() if content)
    return b"".join((_PNG_START, *chunks, png_chunk(b"IEND", b"")))


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG: its length, kind, content and checksum."""
    check = struct.pack(">I", crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png_address(image: Pixels) -> str:
    """Return an address that holds the whole PNG, for pages that load nothing from elsewhere."""
    return f"data:image/png;base64,{b64encode(png_file(image)).decode('ascii')}"


def to_tikz(scene: Scene, theme: str, title: str) -> str:
    """Write a document of the class standalone; any of pdflatex, xelatex, lualatex compiles it.

    pdflatex sets a question mark for what is beyond its letters.
    """
    colors = THEMES[theme]
    # Drawn without a background on white paper, so that it lies on a coloured one too.
    page = Box(0, 0, scene.width, scene.height, Paint("" if colors is LIGHT else "page"))
    used = scene.roles | {page.paint.fill}
    return "\n".join(
        [
            f"% {visible(title)}",
            r"\documentclass[tikz]{standalone}",
            *_substitutes(scene),
            *(
                f"\\definecolor{{{role}}}{{HTML}}{{{color[1:].upper()}}}"
                for role, color in colors.items()
                if role in used
            ),
            r"\begin{document}",
            rf"\begin{{tikzpicture}}[x={_POINTS}bp, y=-{_POINTS}bp, line join=round,",
            r"  every node/.style={inner sep=0pt}]",
            *map(_tikz_mark, (page, *scene.marks)),
            r"\end{tikzpicture}",
            r"\end{document}",
            "",
        ]
    )


def _substitutes(scene: Scene) -> Iterator[str]:
    """Declare what pdflatex, which knows few letters beyond Latin, would stop at."""
    used = {character for text in scene.texts for character in visible(text.text)}
    unknown = sorted(c for c in used if not c.isascii() and c not in _TEX_LETTERS)
    if unknown:
        yield r"\ifdefined\XeTeXversion\else\ifdefined\directlua\else"
        yield from (rf"\DeclareUnicodeCharacter{{{ord(c):04X}}}{{?}}" for c in unknown)
        yield r"\fi\fi"


def _tikz_mark(mark: Mark) -> str:
    match mark:
        case Text():
            size = f"{mark.size * _POINTS:g}bp"
            weight = r"\bfseries" if mark.bold else ""
            font = rf"\sffamily{weight}\fontsize{{{size}}}{{{size}}}\selectfont"
            options = f"anchor={_TEX_ANCHORS[mark.anchor]}, text={mark.role}, font={font}"
            return (
                rf"\node[{options}] at {_point(mark.x, mark.y)} {{{escaped(_letters(mark.text))}}};"
            )
        case Box():
            corners = f"{_point(mark.x, mark.y)} rectangle {_point(mark.right, mark.bottom)}"
            radius = f", rounded corners={mark.radius * _POINTS:g}bp" if mark.radius else ""
            return rf"\path[{_options(mark.paint)}{radius}] {corners};"
        case Path():
            line = " -- ".join(_point(x, y) for x, y in mark.points)
            return rf"\path[{_options(mark.paint)}] {line}{' -- cycle' * mark.closed};"
        case Pixels():
            return "\n".join(_runs(mark))


def _runs(image: Pixels) -> Iterator[str]:
    """Write an image as rectangles, each of equal pixels side by side: TeX alone reads no PNG."""
    rows, columns = image.size
    wide, high = image.width / columns, image.height / rows
    for row in range(rows):
        y = image.y + row * high
        line = [image.color(columns * row + column) for column in range(columns)]
        for (red, green, blue), run in groupby(range(columns), line.__getitem__):
            first, *others = run
            left, right = image.x + first * wide, image.x + (first + 1 + len(others)) * wide
            yield (
                f"\\fill[fill={{rgb,255:red,{red};green,{green};blue,{blue}}}] "
                f"{_point(left, y)} rectangle {_point(right, y + high)};"
            )


def _options(paint: Paint) -> str:
    text = f"line width={paint.width * _POINTS:.3g}bp"
    if paint.fill:
        text += f", fill={paint.fill}"
        text += f", fill opacity={paint.opacity:g}" if paint.opacity != 1 else ""
    return text + (f", draw={paint.stroke}" if paint.stroke else "")


def _point(x: float, y: float) -> str:
    return f"({x:.2f},{y:.2f})"


def to_png(scene: Scene, theme: str, title: str) -> bytes:
    """Return two dots per pixel of the scene, fewer where that would get enormous."""
    import resvg_py

    fineness = min(_PNG_FINENESS, sqrt(_PNG_MOST_DOTS / (scene.width * scene.height)))
    picture = resvg_py.svg_to_bytes(
        # A picture of dots cannot follow the reader's screen: "auto" is light here.
        svg_string=to_svg(scene, "light" if theme == "auto" else theme, title, ""),
        zoom=fineness,
        font_files=[str(font_file()), str(font_file(bold=True))],
        sans_serif_family=FAMILY,
        # To look through the fonts of a machine takes long, and what they are is anyone's guess.
        skip_system_fonts=all(covers(text.text) for text in scene.texts),
    )
    dots = round(fineness * _PIXELS_PER_INCH / 0.0254)  # per metre
    # After the keyword: not compressed, of no language.
    words = b"Title" + bytes(5) + visible(title).encode()
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
        canvas.setTitle(visible(title))
        for unknown in (canvas.setAuthor, canvas.setCreator, canvas.setProducer, canvas.setSubject):
            unknown("")
        canvas.scale(_POINTS, _POINTS)
        canvas.setLineJoin(1)
        for mark in (Box(0, 0, scene.width, scene.height, Paint("page")), *scene.marks):
            _print(canvas, scene.height, THEMES[theme], mark)
        canvas.save()
        return buffer.getvalue()


def covers(text: str) -> bool:
    """Has the font of PNG and PDF every character of ``text``?"""
    return _COVERED.issuperset(text)


def font_file(bold: bool = False) -> FilePath:
    """Return where the font lies, without importing reportlab, which takes a tenth of a second."""
    origin = getattr(find_spec("reportlab"), "origin", None)
    assert origin, "reportlab is not installed, though lenet depends on it"
    return FilePath(origin).parent / "fonts" / ("VeraBd.ttf" if bold else "Vera.ttf")


@cache
def _font(bold: bool) -> str:
    """Return the name of the font, which reportlab knows from now on."""
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    name = f"{FAMILY} Bold" if bold else FAMILY
    registerFont(TTFont(name, str(font_file(bold))))
    return name


def _print(canvas: Canvas, height: float, colors: dict[str, str], mark: Mark) -> None:
    """Draw a mark on a page of this height, whose y runs up from its lower edge."""
    paint = mark.paint
    uses = {"fill": int(bool(paint.fill)), "stroke": int(bool(paint.stroke))}
    if paint.fill:
        canvas.setFillColor(colors[paint.fill])
        canvas.setFillAlpha(paint.opacity)
    if paint.stroke:
        canvas.setStrokeColor(colors[paint.stroke])
        canvas.setLineWidth(paint.width)
    match mark:
        case Text():
            canvas.setFont(_font(mark.bold), mark.size)
            write = getattr(canvas, _PDF_WRITERS[mark.anchor])
            write(mark.x, height - mark.y, _letters(mark.text))
        case Box():
            place = (mark.x, height - mark.bottom, mark.width, mark.height)
            if radius := min(mark.radius, mark.width / 2, mark.height / 2):
                canvas.roundRect(*place, radius, **uses)
            else:
                canvas.rect(*place, **uses)
        case Path():
            line = canvas.beginPath()
            for number, (x, y) in enumerate(mark.points):
                (line.lineTo if number else line.moveTo)(x, height - y)
            if mark.closed:
                line.close()
            canvas.drawPath(line, **uses)
        case Pixels():
            from reportlab.lib.utils import ImageReader

            place = (mark.x, height - mark.y - mark.height, mark.width, mark.height)
            canvas.drawImage(ImageReader(io.BytesIO(png_file(mark))), *place)
