"""Pieces of a page: all text is escaped, and the structure is that of HTML."""

import re
from html.parser import HTMLParser

import pytest

from lenet.reporting import html
from lenet.reporting.html import Cell

NASTY = "<script>alert(1)</script>\"'&\x00"
SAFE = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;\\x00"


@pytest.mark.parametrize(
    "piece",
    [
        html.paragraph(NASTY),
        html.section(NASTY, "").html,
        html.contents([html.section(NASTY)]),
        html.table(NASTY, (NASTY, NASTY), [(NASTY, NASTY), (NASTY, Cell(NASTY, 0.5))]),
        html.pairs([(NASTY, NASTY)]),
        html.code(NASTY),
        html.details(NASTY, ""),
        html.scrolled(NASTY, ""),
        html.page(NASTY, []),
    ],
)
def test_text_stays_text(piece):
    assert SAFE in piece
    assert "<script" not in piece


def test_a_table_has_heads_for_rows_and_columns():
    table = html.table("t", ("a", "b"), [("x", "1"), (Cell("y"), Cell("2", 0.25))])
    assert table.count('scope="col"') == table.count('scope="row"') == 2
    assert "<caption>t</caption>" in table
    assert '--share:25.0%">2</td>' in table


def test_the_contents_lead_to_the_sections():
    parts = [html.section("What it gets wrong"), html.section("図")]
    for part in parts:
        name = part.address
        assert f'href="#{name}"' in html.contents(parts)
        assert f'id="{name}"' in part.html
        assert " " not in name


class Loads(HTMLParser):
    """Notes whatever a page would fetch or run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            outside = name in ("src", "href") and not (value or "").startswith(("data:", "#"))
            if outside or name.startswith("on") or tag in ("script", "link", "iframe", "object"):
                self.found.append((tag, name, value))


def test_a_page_loads_nothing():
    page = html.page("t", [html.paragraph("x")])
    loads = Loads()
    loads.feed(page)
    assert loads.found == []
    assert "default-src 'none'" in page
    assert 'name="viewport"' in page
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')


def test_every_colour_of_the_style_is_one_that_the_page_has() -> None:
    page = html.page("title", ["body"])
    style = page[page.index("<style>") : page.index("</style>")]
    used = set(re.findall(r"var\((--[\w-]+)", style))
    assert used - {"--share"} <= set(re.findall(r"(--[\w-]+):", style))
