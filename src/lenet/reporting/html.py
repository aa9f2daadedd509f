"""Building blocks of a page: whatever is text is escaped here, and nothing else makes markup."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

from lenet import files
from lenet.drawing import Drawing, format_of
from lenet.drawing.formats import png_address
from lenet.drawing.scene import DARK, LIGHT
from lenet.errors import visible, visible_lines
from lenet.reporting.pictures import Thumbnail
from lenet.writing.html import whole_page

#: The colours of pictures that the page has, too.
_ROLES: Final = (
    "page",
    "text",
    "muted",
    "frame",
    "grid",
    "data-face",
    "conv-face",
    "series-1",
    "series-2",
)


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, and a bar behind it of this share of its width."""

    text: str
    share: float | None = None


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading of its own."""

    title: str
    content: str

    @property
    def address(self) -> str:
        """Its name in addresses within the page."""
        return "".join(c if c.isascii() and c.isalnum() else "-" for c in self.title.lower())

    @property
    def html(self) -> str:
        """The section with its heading."""
        return (
            f'<section id="{self.address}" aria-labelledby="h-{self.address}">\n'
            f'<h2 id="h-{self.address}">{text(self.title)}</h2>\n{self.content}\n</section>'
        )


def text(words: object) -> str:
    """Write words as they may stand in a page."""
    return escape(visible(str(words)))


def paragraph(words: str, kind: str = "") -> str:
    return f"<p{_class(kind)}>{text(words)}</p>"


def heading(words: str) -> str:
    return f"<h3>{text(words)}</h3>"


def header(title: str, lead: str, *parts: str) -> str:
    """Begin a page: its title, a line that says what it is about, and what else comes first."""
    return "\n".join(
        [f"<header>\n<h1>{text(title)}</h1>", paragraph(lead, "lead"), *parts, "</header>"]
    )


def section(title: str, *parts: str) -> Section:
    """Make a section of parts, of which some may be empty."""
    return Section(title, "\n".join(filter(None, parts)))


def contents(sections: Iterable[Section]) -> str:
    links = "".join(f'<li><a href="#{s.address}">{text(s.title)}</a></li>' for s in sections)
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def figure(picture: Drawing, caption: str = "") -> str:
    """Frame a picture, which says itself what it shows."""
    below = f"<figcaption>{text(caption)}</figcaption>" if caption else ""
    return f"<figure>{picture.svg}{below}</figure>"


def scrolled(label: str, content: str) -> str:
    """Let what may be wider than a screen scroll by itself, and by the keyboard."""
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{text(label)}">{content}</div>'
    )


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str | Cell]], words: int = 1
) -> str:
    """Write a table whose first column names its rows; ``words`` columns are no numbers."""
    kinds = ["" if i < words else ' class="right"' for i in range(len(heads))]
    titles = "".join(f'<th scope="col"{kinds[i]}>{text(head)}</th>' for i, head in enumerate(heads))
    lines = []
    for row in rows:
        first, *others = (Cell(cell) if isinstance(cell, str) else cell for cell in row)
        cells = "".join(map(_cell, others, kinds[1:]))
        lines.append(f'<tr><th scope="row">{text(first.text)}</th>{cells}</tr>')
    body = "\n".join(lines)
    return scrolled(
        caption,
        f"<table><caption>{text(caption)}</caption><thead><tr>{titles}</tr></thead>"
        f"<tbody>\n{body}\n</tbody></table>",
    )


def _cell(cell: Cell, kind: str) -> str:
    if cell.share is not None:
        kind = f' class="right bar" style="--share:{100 * cell.share:.1f}%"'
    return f"<td{kind}>{text(cell.text)}</td>"


def pairs(rows: Iterable[tuple[str, str]], kind: str = "") -> str:
    """List terms with a description each."""
    lines = (f"<div><dt>{text(what)}</dt><dd>{text(words)}</dd></div>" for what, words in rows)
    return f"<dl{_class(kind)}>{''.join(lines)}</dl>"


def thumbnails(images: Iterable[Thumbnail], kind: str = "") -> str:
    """Show images with their words, as many beside each other as there is room for."""
    return f'<ul class="tiles {kind}">{"".join(map(_thumbnail, images))}</ul>'


def _thumbnail(image: Thumbnail) -> str:
    return _tile([image], image.lines)


def tiles(found: Iterable[tuple[Sequence[Thumbnail], Sequence[str]]], kind: str = "") -> str:
    """Show one or more images beside each other in a tile, with lines of words below them."""
    items = "".join(_tile(images, lines) for images, lines in found)
    return f'<ul class="tiles {kind}">{items}</ul>'


def _tile(images: Sequence[Thumbnail], lines: Iterable[str]) -> str:
    pictures = "".join(map(_picture, images))
    if len(images) > 1:
        pictures = f'<div class="twin">{pictures}</div>'
    kinds = ("", ' class="muted"')
    words = (f"<span{kinds[i > 0]}>{_breakable(line)}</span>" for i, line in enumerate(lines))
    return f"<li>{pictures}{''.join(words)}</li>"


def _breakable(line: str) -> str:
    """Write words that may go on in the next line after a folder, or within a file's name."""
    return text(line).replace("/", "/<wbr>").replace("_", "_<wbr>")


def _picture(image: Thumbnail) -> str:
    mark = image.at(0, 0, 1)
    rows, columns = mark.size
    size = f'width="{columns}" height="{rows}"'
    return f'<img src="{png_address(mark)}" {size} alt="{text(image.words)}">'


def code(lines: str) -> str:
    return f'<pre tabindex="0"><code>{escape(visible_lines(lines))}</code></pre>'


def side_by_side(*parts: str) -> str:
    return f'<div class="pair">{"".join(parts)}</div>'


def details(summary: str, content: str) -> str:
    """Hide what is there for those who ask."""
    return f"<details><summary>{text(summary)}</summary>{content}</details>"


def save(
    path: str | os.PathLike[str], page: Callable[[], str], picture: Callable[[], Drawing]
) -> Path:
    """Write a page (.html), or the picture of it (.svg, .pdf, .png, .tex).

    Raises:
        UsageError: the ending is none of these.
        OutputError: the file cannot be written.
    """
    if str(path).lower().endswith((".html", ".htm")):
        return files.write_text(path, page())
    format_of(path)
    return picture().save(path)


def page(title: str, body: Iterable[str]) -> str:
    """Write a whole document: one file, which loads nothing and runs nothing."""
    return whole_page(text(title), _style(), "\n".join(body))


@cache
def _style() -> str:
    """Return the style sheet beside this module, after the colours of both themes."""
    light, dark = (
        ";".join(f"--{role}:{colors[role]}" for role in _ROLES) for colors in (LIGHT, DARK)
    )
    rules = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{rules}"
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
