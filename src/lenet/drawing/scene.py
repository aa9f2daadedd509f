"""A picture before it is written in any format: marks at fixed places, their colours and letters.

Lengths are in pixels of 1/96 inch; x runs to the right and y down, as in SVG. A colour is named by
its role, so that one scene serves every theme. The width of a text is known without a font: the
widths are those of Bitstream Vera Sans, which DejaVu Sans took over, the widest of the usual
sans-serif fonts. A text that fits in it also fits in Helvetica, Arial and Computer Modern, so texts
do not run into each other in whatever font a viewer picks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final, Literal, TypeVar

_T = TypeVar("_T")
Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

#: Every role with its light and its dark colour. Blue is convolution, green pooling, amber dense
#: layers, grey what goes in and out. A face is the area of a shape, an edge its outline. Texts keep
#: a contrast of 4.5 on what they stand on (WCAG 2.2, level AA).
_COLORS: Final = {
    "page": ("#ffffff", "#0d1117"),
    "text": ("#1b2735", "#e6ebf1"),
    "muted": ("#566373", "#9fadbd"),
    "line": ("#8492a3", "#728195"),
    "frame": ("#c6cfda", "#35414f"),
    "on-dark": ("#f1f4f8", "#f1f4f8"),  # letters on a mark that is the same in every theme
    "on-light": ("#10151d", "#10151d"),
    "grid": ("#e7ebf0", "#222b36"),
    "data-face": ("#f1f4f8", "#1b232d"),
    "data-edge": ("#66758a", "#8b9aac"),
    "conv-face": ("#dbe8fd", "#16294a"),
    "conv-edge": ("#2f6fde", "#6aa5f8"),
    "pool-face": ("#d8f3e1", "#123322"),
    "pool-edge": ("#1c9150", "#4cc983"),
    "dense-face": ("#fdecc8", "#3b2a0d"),
    "dense-edge": ("#c97a0a", "#eeb04a"),
    "rbf-face": ("#ece4fb", "#2b1d48"),
    "rbf-edge": ("#7a4fd0", "#b095f2"),
    "series-1": ("#2463d6", "#6aa5f8"),
    "series-2": ("#c2500a", "#f59e4b"),
    "series-3": ("#15803d", "#4cc983"),
    "series-4": ("#8b3fd1", "#b794f6"),
    "series-5": ("#be185d", "#f272a8"),
    "series-6": ("#0b7285", "#3fc7d4"),
    "series-7": ("#7a5b00", "#d6b545"),
    "series-8": ("#52606f", "#a3b1c2"),
    "series-9": ("#b42318", "#ff8a80"),
    "series-10": ("#4c5f14", "#b5cc5a"),
}
LIGHT: Final = {role: light for role, (light, _) in _COLORS.items()}
DARK: Final = {role: dark for role, (_, dark) in _COLORS.items()}
#: What an explicit theme is drawn in; "auto" is light, and dark where the reader's screen is.
THEMES: Final = {"auto": LIGHT, "light": LIGHT, "dark": DARK}
#: The roles of the lines of a chart, in order; with more lines they begin again.
SERIES: Final = tuple(role for role in LIGHT if role.startswith("series-"))

#: Advance widths of the printable ASCII characters, in thousandths of the font size.
_REGULAR: Final = (
    *(318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337),
    *(636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531),
    *(1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787),
    *(603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500),
    *(500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612),
    *(635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838),
)
_BOLD: Final = (
    *(348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365),
    *(696, 696, 696, 696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 580),
    *(1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995, 837, 850),
    *(733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 500),
    *(500, 675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687),
    *(716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838),
)
#: How far letters reach above and below the baseline, in parts of the font size; and from the
#: baseline up to the middle of small letters and digits.
_ASCENT: Final = 0.76
_DESCENT: Final = 0.24
MIDDLE: Final = 0.36
#: The letters of a picture of a network: 12 pixels, 9 points. Where its width is chosen, it is laid
#: out so that they become at least 7 points, at least 6 if it gets too tall so, and at most 12.
LETTERS: Final = 12.0
LEAST_ZOOMS: Final = (7 / 9, 6 / 9)
LARGEST_ZOOM: Final = 12 / 9


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of ``text`` in the unit of ``size``; never less than what is drawn."""
    widths = _BOLD if bold else _REGULAR
    places = (ord(character) - ord(" ") for character in text)
    # Nothing beyond ASCII is wider than a full square.
    return size * sum(widths[i] if 0 <= i < len(widths) else 1000 for i in places) / 1000


def widest(texts: Iterable[str], size: float) -> float:
    """Return the width of the widest of ``texts``; 0 of none."""
    return max((text_width(text, size) for text in texts), default=0.0)


def shortened(text: str, size: float, width: float, bold: bool = False) -> str:
    """Return ``text`` if there is room for it in ``width``, else its beginning and an ellipsis."""
    if text_width(text, size, bold) <= width:
        return text
    ends = accumulate(text_width(character, size, bold) for character in text)
    room = width - text_width("…", size, bold)
    return text[: sum(end <= room for end in ends)].rstrip() + "…"


@dataclass(frozen=True)
class Paint:
    """How a mark is filled and outlined; an empty role paints nothing."""

    fill: str = ""  # the colour role inside
    stroke: str = ""  # the colour role of the outline
    width: float = 1.0  # of the outline
    opacity: float = 1.0  # of the fill, from 0 to 1


@dataclass(frozen=True)
class Path:
    """A line through ``points``, or the area that it encloses."""

    points: tuple[Point, ...]
    paint: Paint
    closed: bool = False


@dataclass(frozen=True)
class Box:
    """An upright rectangle with its upper left corner at (x, y), rounded by ``radius``."""

    x: float
    y: float
    width: float
    height: float
    paint: Paint
    radius: float = 0.0

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True)
class Text:
    """One line of text; (x, y) is on the baseline, at its start, middle or end."""

    x: float
    y: float
    text: str
    size: float
    anchor: Anchor = "middle"
    bold: bool = False
    role: str = "text"

    @property
    def paint(self) -> Paint:
        return Paint(self.role)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """What it covers at most: left, top, right, bottom."""
        width = text_width(self.text, self.size, self.bold)
        left = self.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor] * width
        top, bottom = self.y - _ASCENT * self.size, self.y + _DESCENT * self.size
        return left, top, left + width, bottom


@dataclass(frozen=True)
class Pixels:
    """An image in an upright rectangle on the page, the same in every theme."""

    x: float
    y: float
    width: float
    height: float
    size: tuple[int, int]  # pixels of the image, (rows, columns)
    channels: int  # 1 for grey or a palette, 3 for RGB
    data: bytes  # one per channel and pixel, row by row, 0 for dark
    palette: bytes = b""  # of one channel: three bytes, RGB, for each value that there is
    paint: Paint = Paint()

    def color(self, at: int) -> tuple[int, int, int]:
        """Return red, green and blue of a pixel, counted row by row."""
        if self.palette:
            at, values, channels = self.data[at], self.palette, 3
        else:
            values, channels = self.data, self.channels
        red, green, blue = values[channels * at : channels * (at + 1)] * (3 // channels)
        return red, green, blue


Mark = Path | Box | Text | Pixels


@dataclass(frozen=True)
class Group:
    """Marks that belong together, with the words that a pointer over them shows."""

    title: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Scene:
    """A whole picture; later groups lie over earlier ones."""

    width: float
    height: float
    groups: tuple[Group, ...]
    note: str = ""  # what stands in it for a reader to know, in sentences

    @property
    def marks(self) -> Iterator[Mark]:
        return (mark for group in self.groups for mark in group.marks)

    @property
    def roles(self) -> frozenset[str]:
        paints = (mark.paint for mark in self.marks)
        return frozenset(role for paint in paints for role in (paint.fill, paint.stroke) if role)

    @property
    def texts(self) -> tuple[Text, ...]:
        return tuple(mark for mark in self.marks if isinstance(mark, Text))


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Break ``text`` between words into lines of at most ``width``, but of one word at least."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def even_pieces(
    broken: Callable[[float], list[_T]], limit: float, count: int | None = None
) -> list[_T]:
    """Break a long picture into rows or columns, all about as long.

    They are as few as ``limit`` allows; or ``count``, and only fewer if it cannot be broken so.
    """
    pieces = broken(limit)
    while count and len(pieces) > count:
        limit *= 2
        pieces = broken(limit)
    count = count or len(pieces)
    low, high = 0.0, limit
    while count > 1 and high - low > 4:  # a difference that is not seen
        middle = (low + high) / 2
        shorter = broken(middle)
        if len(shorter) > count:
            low = middle
        else:
            pieces, high = shorter, middle
    return pieces


def fitted(scene: Scene, width: float) -> Scene:
    """Return the scene exactly ``width`` wide; where letters would get too large, in the middle."""
    zoom = min(width / scene.width, LARGEST_ZOOM)
    shift = (width - zoom * scene.width) / 2
    groups = (
        Group(group.title, tuple(_zoomed(mark, zoom, shift) for mark in group.marks))
        for group in scene.groups
    )
    return replace(scene, width=width, height=zoom * scene.height, groups=tuple(groups))


def _zoomed(mark: Mark, zoom: float, shift: float) -> Mark:
    """Return a mark ``zoom`` times as large, ``shift`` farther to the right."""
    if isinstance(mark, Path):
        points = tuple((shift + zoom * x, zoom * y) for x, y in mark.points)
        return replace(mark, points=points, paint=_thicker(mark.paint, zoom))
    x, y = shift + zoom * mark.x, zoom * mark.y
    if isinstance(mark, Text):
        return replace(mark, x=x, y=y, size=zoom * mark.size)
    width, height = zoom * mark.width, zoom * mark.height
    if isinstance(mark, Pixels):
        return replace(mark, x=x, y=y, width=width, height=height)
    paint, radius = _thicker(mark.paint, zoom), zoom * mark.radius
    return Box(x, y, width, height, paint, radius)


def _thicker(paint: Paint, zoom: float) -> Paint:
    return replace(paint, width=zoom * paint.width)
