"""Pieces of a page: whatever is text is escaped here, and nothing else makes markup of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, NamedTuple

from lenet.drawing.drawing import Drawing
from lenet.drawing.markup import png_address
from lenet.drawing.scene import DARK, LIGHT, printable
from lenet.reporting.thumbnails import Tile

_ROLES: Final = ("page", "text", "muted", "frame", "grid", "data-face", "series-1", "series-2")


class Cell(NamedTuple):
    """A cell of a table: its text, and a bar behind it of this share of its width."""

    text: str
    share: float | None = None


def text(words: object) -> str:
    """Words as they may stand in a page."""
    return escape(printable(str(words)))


def paragraph(words: str, kind: str = "") -> str:
    """A paragraph."""
    return f"<p{_class(kind)}>{text(words)}</p>"


class Section(NamedTuple):
    """A part of a page under a heading of its own."""

    title: str
    content: str

    @property
    def html(self) -> str:
        """With its heading, and its name as the address within the page."""
        name = anchor(self.title)
        return (
            f'<section id="{name}" aria-labelledby="h-{name}">\n'
            f'<h2 id="h-{name}">{text(self.title)}</h2>\n{self.content}\n</section>'
        )


def section(title: str, *parts: str) -> Section:
    """A section of parts, of which some may be empty."""
    return Section(title, "\n".join(filter(None, parts)))


def contents(parts: Iterable[Section]) -> str:
    """Links to the sections."""
    links = "".join(
        f'<li><a href="#{anchor(part.title)}">{text(part.title)}</a></li>' for part in parts
    )
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def anchor(title: str) -> str:
    """A section's name in addresses."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in title.lower())


def figure(picture: Drawing, caption: str = "", kind: str = "") -> str:
    """A picture, which says itself what it shows, in a frame."""
    below = f"<figcaption>{text(caption)}</figcaption>" if caption else ""
    return f"<figure{_class(kind)}>{picture.svg}{below}</figure>"


def scrolled(label: str, content: str) -> str:
    """What may be wider than a screen: it scrolls by itself, and by the keyboard."""
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{text(label)}">{content}</div>'
    )


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str | Cell]], words: int = 1
) -> str:
    """A table whose first column names its rows; so many columns are words, the others numbers."""
    kinds = ["" if i < words else ' class="right"' for i in range(len(heads))]
    titles = "".join(
        f'<th scope="col"{kind}>{text(head)}</th>' for head, kind in zip(heads, kinds, strict=True)
    )
    lines = []
    for name, *cells in rows:
        label = name.text if isinstance(name, Cell) else name
        line = "".join(_cell(*both) for both in zip(cells, kinds[1:], strict=True))
        lines.append(f'<tr><th scope="row">{text(label)}</th>{line}</tr>')
    body = "\n".join(lines)
    return scrolled(
        caption,
        f"<table><caption>{text(caption)}</caption><thead><tr>{titles}</tr></thead>"
        f"<tbody>\n{body}\n</tbody></table>",
    )


def pairs(rows: Iterable[tuple[str, str]], kind: str = "") -> str:
    """What is what: terms with a description each."""
    lines = (f"<div><dt>{text(what)}</dt><dd>{text(words)}</dd></div>" for what, words in rows)
    return f"<dl{_class(kind)}>{''.join(lines)}</dl>"


def tiles(found: Sequence[Tile], kind: str = "") -> str:
    """Images with their words, as many beside each other as there is room for."""
    return f'<ul class="tiles {kind}">{"".join(map(_tile, found))}</ul>'


def code(content: str) -> str:
    """Lines to copy."""
    return f'<pre tabindex="0"><code>{text(content)}</code></pre>'


def side_by_side(*parts: str) -> str:
    """Beside each other where there is room."""
    return f'<div class="pair">{"".join(parts)}</div>'


def details(summary: str, content: str) -> str:
    """What is there for those who ask."""
    return f"<details><summary>{text(summary)}</summary>{content}</details>"


def page(title: str, body: Iterable[str]) -> str:
    """A whole document: one file, which loads nothing and runs nothing."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            # Should markup ever slip in from somewhere, a browser still runs and loads nothing.
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            "style-src 'unsafe-inline'; img-src data:\">",
            f"<title>{text(title)}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _tile(tile: Tile) -> str:
    mark = tile.at(0, 0, 1)
    rows, columns = mark.size
    size = f'width="{columns}" height="{rows}"'
    image = f'<img src="{png_address(mark)}" {size} alt="{text(tile.words)}">'
    kinds = ("", ' class="muted"')
    lines = (f"<span{kinds[i > 0]}>{text(line)}</span>" for i, line in enumerate(tile.lines))
    return f"<li>{image}{''.join(lines)}</li>"


def _cell(cell: str | Cell, kind: str) -> str:
    if isinstance(cell, str) or cell.share is None:
        return f"<td{kind}>{text(cell if isinstance(cell, str) else cell.text)}</td>"
    return f'<td class="right bar" style="--share:{100 * cell.share:.1f}%">{text(cell.text)}</td>'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _colors(theme: dict[str, str]) -> str:
    return ";".join(f"--{role}:{theme[role]}" for role in _ROLES)


_STYLE: Final = f"""
:root{{color-scheme:light dark;{_colors(LIGHT)}}}
@media (prefers-color-scheme:dark){{:root{{{_colors(DARK)}}}}}
*{{box-sizing:border-box}}
html{{-webkit-text-size-adjust:100%;scroll-behavior:smooth}}
@media (prefers-reduced-motion:reduce){{html{{scroll-behavior:auto}}}}
body{{margin:0;background:var(--page);color:var(--text);
font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}}
main{{max-width:66rem;margin:0 auto;padding:3rem 1.5rem 5rem}}
h1{{margin:0;font-size:2rem;line-height:1.2;letter-spacing:-.015em;overflow-wrap:anywhere}}
h2{{margin:0 0 .75rem;font-size:1.3rem;line-height:1.3;letter-spacing:-.005em}}
h3{{margin:2rem 0 .5rem;font-size:1rem}}
section{{margin-top:3rem;padding-top:2rem;border-top:1px solid var(--grid)}}
p{{max-width:44rem;margin:.5rem 0;overflow-wrap:anywhere}}
.lead,.muted,figcaption,dt,caption,thead th{{color:var(--muted)}}
.warning{{padding:.6rem 1rem;border-left:3px solid var(--series-2);background:var(--data-face)}}
nav ul{{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:1.5rem 0 0;padding:0;list-style:none;
font-size:.9rem}}
a{{color:var(--series-1);text-decoration:none}}
a:hover,a:focus-visible{{text-decoration:underline}}
:focus-visible{{outline:2px solid var(--series-1);outline-offset:2px}}
figure{{margin:1rem 0 0;padding:0;border:1px solid var(--grid);border-radius:8px;min-width:0;
overflow:hidden}}
figure svg{{display:block;margin:0 auto}}
figcaption{{padding:.75rem 1.5rem 1rem;font-size:.85rem;line-height:1.5}}
figure.tight svg{{margin:0}}
.pair{{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem;
align-items:start;margin-top:1rem}}
.pair figure{{margin:0}}
.pair>.wide{{margin-top:0}}
.wide{{overflow-x:auto;margin-top:1rem}}
.wide figure{{width:max-content;min-width:100%;margin:0}}
.wide figure svg{{max-width:none!important}}
dl{{margin:1rem 0 0}}
dl.facts{{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:1.25rem 1.5rem;
margin-top:2rem}}
.facts div{{display:flex;flex-direction:column-reverse;justify-content:flex-end}}
.facts dt{{font-size:.85rem;line-height:1.4}}
.facts dd{{margin:0;font-size:1.75rem;line-height:1.25;font-weight:600;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}}
dl.card div{{display:grid;grid-template-columns:10rem 1fr;gap:0 1.5rem;padding:.5rem 0;
border-bottom:1px solid var(--grid)}}
dl.card dd{{margin:0;max-width:44rem;overflow-wrap:anywhere}}
dl.short{{columns:18rem;column-gap:2.5rem}}
dl.short div{{break-inside:avoid;grid-template-columns:9rem 1fr}}
table{{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}}
caption{{padding:0 0 .5rem;text-align:left;font-size:.85rem}}
th,td{{padding:.3rem .6rem;text-align:left;border-bottom:1px solid var(--grid);white-space:nowrap}}
th[scope=row]{{font-weight:500}}
th[scope=row],td:not([class]){{max-width:20rem;white-space:normal;overflow-wrap:break-word}}
.analysis th,.analysis td{{max-width:none!important;white-space:nowrap!important}}
th:first-child{{padding-left:0}}
thead th{{font-weight:400}}
.right{{text-align:right}}
.bar{{min-width:6.5rem;background:linear-gradient(to right,var(--data-face) var(--share),
transparent 0) no-repeat}}
.narrow{{max-width:30rem}}
.tiles{{display:grid;grid-template-columns:repeat(auto-fill,minmax(6rem,1fr));gap:1.25rem 1rem;
margin:1rem 0 0;padding:0;list-style:none;font-size:.8rem;line-height:1.4}}
.tiles.small{{grid-template-columns:repeat(auto-fill,minmax(3.5rem,4.5rem));gap:.6rem}}
.tiles li{{min-width:0}}
.tiles img{{display:block;width:100%;aspect-ratio:1;height:auto;object-fit:contain;
image-rendering:pixelated;border-radius:4px;margin-bottom:.35rem}}
.tiles span{{display:block;overflow-wrap:anywhere}}
pre{{margin:1rem 0 0;padding:1rem 1.25rem;background:var(--data-face);border-radius:8px;
font:.85rem/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-x:auto}}
details{{margin-top:1rem}}
summary{{cursor:pointer;color:var(--series-1);font-size:.9rem}}
.analysis .lenet-report{{--ink:var(--text);--paper:var(--page);--faint:var(--muted);
--line:var(--grid);--bar:var(--data-face);padding:0;max-width:none;font:inherit}}
.analysis .lenet-report{{border:0;margin:1.5rem 0 0}}
.analysis .lenet-report h2{{display:none}}
.analysis .lenet-report pre{{white-space:pre-wrap;overflow-wrap:anywhere;
background:var(--data-face);margin-top:.5rem}}
footer{{margin-top:3rem;padding-top:1.5rem;border-top:1px solid var(--grid);font-size:.85rem;
color:var(--muted)}}
@media (max-width:40rem){{
main{{padding:2rem 1rem 3rem}}
h1{{font-size:1.6rem}}
dl.card:not(.short) div{{grid-template-columns:1fr}}
dl.facts{{grid-template-columns:1fr 1fr}}
.facts dd{{font-size:1.5rem}}
.tiles{{grid-template-columns:repeat(3,1fr)}}
}}
@media print{{section{{break-inside:avoid-page}}nav{{display:none}}}}
"""
