"""Pages as HTML, whole or a piece: no scripts, no outside files, their style (``page.css``) inside.

Colours are variables that follow the reader's light or dark scheme. In a notebook they are its own:
JupyterLab, VS Code and Colab have variables for them. Wide tables scroll by themselves, so that the
page stays readable on a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from lenet.writing.document import Bullets, Column, Document, Notation, Paragraph, Section, Table
from lenet.writing.text import glued

#: How a notebook, or a page that shows one, says that its theme is light or dark: by an attribute
#: of JupyterLab's body, of VS Code's, of Colab's root or of Sphinx's.
NOTEBOOK_THEMES: Final = {
    "light": ':is([data-jp-theme-light="true"],[data-vscode-theme-kind$="light"],'
    'html[data-theme="light"])',
    "dark": ':is([data-jp-theme-light="false"],[data-vscode-theme-kind$="dark"],'
    '[data-vscode-theme-kind="vscode-high-contrast"],html[theme="dark"],html[data-theme="dark"])',
}
#: The background of a notebook, where there is one.
NOTEBOOK_PAPER: Final = (
    "var(--jp-layout-color0,var(--vscode-editor-background,"
    "var(--colab-primary-surface-color,{color})))"
)
#: What a table has for light and for dark.
_COLORS: Final = {
    "light": "color-scheme:light;--ink0:#1b2735;--paper0:#ffffff;--faint0:#566373;--line0:#c6cfda;"
    "--bar:#bcdcf7",
    "dark": "color-scheme:dark;--ink0:#e6ebf1;--paper0:#0d1117;--faint0:#9fadbd;--line0:#35414f;"
    "--bar:#1f4a70",
}
#: JupyterLab sets all cells to the right and stripes the rows, by two classes and an element: what
#: is said of cells in ``page.css`` has as many.
_RULES: Final = "\n".join(
    [
        f".lenet-report{{{_COLORS['light']}}}",
        f"@media (prefers-color-scheme:dark){{.lenet-report{{{_COLORS['dark']}}}}}",
        *(f"{on} .lenet-report{{{_COLORS[name]}}}" for name, on in NOTEBOOK_THEMES.items()),
        f".lenet-report{{--paper:{NOTEBOOK_PAPER.format(color='var(--paper0)')}}}",
        (Path(__file__).parent / "page.css").read_text(encoding="utf-8"),
    ]
)
_STYLE: Final = f"<style>\n{_RULES}</style>"


#: Should markup ever slip in from somewhere, a browser still runs and loads nothing.
_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
#: The section is as large as the window, where there is nothing else in it.
_ALONE: Final = """\
body{margin:0}
main .lenet-report{box-sizing:border-box;min-height:100vh;max-width:none;
padding:1em max(1em,calc(50% - 35em))}
"""


def whole_page(title: str, style: str, body: str) -> str:
    """Write a document of a browser's own; ``title`` and ``body`` are markup already."""
    return _PAGE.format(title=title, style=style, body=body)


def write_page(document: Document) -> str:
    """Write a file for a browser; its text ends with a line break."""
    title = document.title or next((part.title for part in document.sections), "") or "lenet"
    return whole_page(escape(title), _ALONE, write_html(document))


def write_html(document: Document) -> str:
    """Write a ``section`` element with its style; the text ends without a line break."""
    lines = ['<section class="lenet-report">', _STYLE]
    if document.title:
        lines.append(f"<h2>{escape(document.title)}</h2>")
    lines += [f"<p>{escape(remark)}</p>" for remark in (*document.beside, *document.below)]
    for section in document.sections:
        lines += _section(section)
    return "\n".join([*lines, "</section>"])


def _section(section: Section) -> Iterator[str]:
    title = section.title
    if section.is_new_page:
        yield '<div class="new-page"></div>'
    if title and not isinstance(section.blocks[0], Table):
        yield f"<h3>{escape(title)}</h3>"
        title = ""
    for block in section.blocks:
        match block:
            case Table():
                yield from _table(title, block)
                title = ""
            case Paragraph(text, is_note, _):
                name = ' class="note"' if is_note else ""
                yield f"<p{name}>{escape(glued(text))}</p>"
            case Bullets(texts):
                yield from ("<ul>", *(f"<li>{escape(text)}</li>" for text in texts), "</ul>")
            case Notation():
                code = escape("\n".join(block.lines))
                yield f"<pre><code>{code}</code></pre>"


def _table(caption: str, table: Table) -> Iterator[str]:
    columns = table.columns
    label = escape(caption) or "Table"
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{label}">'
    yield f"<table><caption>{escape(caption)}</caption>" if caption else "<table>"
    if table.has_titles:
        heads = (f'<th scope="col"{_class(c)}>{escape(c.title)}</th>' for c in columns)
        yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    yield from map(_row, zip(*map(_cells, columns), strict=True))
    yield "</tbody>"
    if table.has_totals:
        yield from (
            "<tfoot>",
            _row([_plain(column, column.total) for column in columns]),
            "</tfoot>",
        )
    yield "</table></div>"


def _row(cells: Sequence[str]) -> str:
    """Write a row; its first cell names it."""
    first, *others = cells
    name = first.replace("<td", '<th scope="row"').replace("</td>", "</th>")
    return f"<tr>{name}{''.join(others)}</tr>"


def _cells(column: Column) -> list[str]:
    if column.pictures:
        pairs = zip(column.pictures, column.cells, strict=True)
        return [f"<td>{_image(address, words)}</td>" for address, words in pairs]
    if column.bars:
        return [f'<td class="share bar" {_share(bar)}></td>' for bar in column.bars]
    if not column.shares:
        return [_plain(column, text) for text in column.cells]
    parts = zip(column.cells, column.shares, column.share_texts(), strict=True)
    return [
        f'<td class="right share" {_share(share)}>{escape(text)} <small>{escape(part)}</small></td>'
        if part
        else _plain(column, text)
        for text, share, part in parts
    ]


def _image(address: str, words: str) -> str:
    return f'<img src="{escape(address)}" alt="{escape(words)}">' if address else ""


def _share(share: float) -> str:
    return f'style="--share:{100 * share:.1f}%"'


def _plain(column: Column, text: str) -> str:
    return f"<td{_class(column)}>{escape(text.strip())}</td>"


def _class(column: Column) -> str:
    name = "right" if column.right else "prose" if column.is_prose else ""
    return f' class="{name}"' if name else ""
