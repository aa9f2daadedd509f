"""Tables and pictures for a page in which no style may stand.

The page has one policy for its browser: styles come from its own files. So what a piece brings
along, its style sheet and its style attributes, is taken out here, and the page's style sheet has
the same rules. Only the markup of our own writers goes through here: its texts are escaped, so what
is looked for stands nowhere else.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from lenet import writing
from lenet.drawing import Drawing
from lenet.drawing.formats import theme_rules
from lenet.drawing.scene import LIGHT
from lenet.writing.html import write_html

_SHEET: Final = re.compile(r"<style>.*?</style>\n?", re.DOTALL)
_SHARE: Final = re.compile(r' style="--share:([0-9.]+)%"')
_STYLE: Final = re.compile(r' style="[a-z:;%0-9-]+"')


def piece(document: writing.Document) -> str:
    """Write a document as HTML; a share that its style would draw stands in ``data-share``."""
    return _SHARE.sub(r' data-share="\1"', _SHEET.sub("", write_html(document)))


def picture(drawing: Drawing) -> str:
    """Write a picture as SVG; its classes name its colours."""
    return _STYLE.sub("", _SHEET.sub("", drawing.svg))


def theme_css() -> str:
    """Return the colours of both themes as variables, and what is painted in each."""
    paints = "".join(
        f".f-{role}{{fill:var(--{role})}}.s-{role}{{stroke:var(--{role})}}" for role in LIGHT
    )
    return f"{theme_rules()}{paints}\n"


def tables_css() -> str:
    """Return the rules for tables in pages."""
    return (Path(writing.__file__).parent / "page.css").read_text(encoding="utf-8")
