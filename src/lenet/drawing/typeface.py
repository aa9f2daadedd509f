"""How wide a text will be, known without a font; and the font of the formats that need one.

The widths are those of Bitstream Vera Sans, which DejaVu Sans took over: the widest of the usual
sans-serif fonts. What has room in it has room in Helvetica, Arial and Computer Modern too. A font
that a viewer picks by itself therefore does not make texts run into each other.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Final

#: The font of PNG and PDF, the same on every machine; reportlab brings its files.
FAMILY: Final = "Bitstream Vera Sans"
#: What it has beyond Latin-1.
_MORE: Final = "ĆćČčđĞğİıŁłŒœŞşŠšŸŽžƒˆˇ˘˙˚˛˜˝Ωπ–—‘’‚“”„†‡•…‰‹›€™∂∆∏∑−∕∙√∞∫≈≠≤≥◊ﬁﬂ"
_COVERED: Final = frozenset((*map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x100))), *_MORE))
#: What no format can hold: control characters, halves of characters.
_UNPRINTABLE: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FIRST: Final = " "
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
#: How far letters reach above and below the baseline, in parts of the font size.
ASCENT: Final = 0.76
DESCENT: Final = 0.24


def text_width(text: str, size: float, bold: bool = False) -> float:
    """The width of ``text`` in the unit of ``size``; never less than what is drawn."""
    widths = _BOLD if bold else _REGULAR
    places = (ord(character) - ord(_FIRST) for character in text)
    # Nothing beyond ASCII is wider than a full square.
    return size * sum(widths[i] if 0 <= i < len(widths) else 1000 for i in places) / 1000


def shortened(text: str, size: float, width: float, bold: bool = False) -> str:
    """``text`` if there is room for it in ``width``, else its beginning and an ellipsis."""
    if text_width(text, size, bold) <= width:
        return text
    ends = accumulate(text_width(character, size, bold) for character in text)
    room = width - text_width("…", size, bold)
    return text[: sum(end <= room for end in ends)].rstrip() + "…"


def printable(text: str) -> str:
    """``text`` with U+FFFD for whatever no format can hold."""
    return _UNPRINTABLE.sub("\ufffd", text)


def covers(text: str) -> bool:
    """Has the font of PNG and PDF every character of ``text``?"""
    return _COVERED.issuperset(text)


def font_file(bold: bool = False) -> Path:
    """Where that font lies; found without importing reportlab, which takes a tenth of a second."""
    package = find_spec("reportlab")
    assert package is not None, "reportlab is not installed, though lenet depends on it"
    assert package.origin is not None
    return Path(package.origin).parent / "fonts" / ("VeraBd.ttf" if bold else "Vera.ttf")
