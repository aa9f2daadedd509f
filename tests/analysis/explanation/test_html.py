"""HTML: well-formed, escaped, readable by machines that read aloud, in light and dark."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from hypothesis import given, settings

from lenet.analysis import explain
from lenet.analysis.explanation.html import render_html
from lenet.net import Network, zoo
from random_networks import networks


@settings(max_examples=30, deadline=None)
@given(networks(ends_dense=False))
def test_every_element_is_closed(network: Network) -> None:
    root = ElementTree.fromstring(render_html(explain(network, "a < b & c")))
    assert root.findtext("h2") == "a < b & c"
    for table in root.iter("table"):
        assert table.findtext("caption")
        rows = list(table.iter("tr"))
        assert len({len(row) for row in rows}) == 1
        assert all(cell.get("scope") == "col" for cell in rows[0])
        assert all(row[0].tag == "th" and row[0].get("scope") == "row" for row in rows[1:])


def test_a_name_cannot_bring_code_along() -> None:
    text = render_html(explain(zoo.lenet(), '</h2><script>alert("x")</script>'))
    assert "<script" not in text
    assert "&lt;script&gt;alert(&quot;x&quot;)" in text


def test_it_stands_alone_in_light_and_dark() -> None:
    text = render_html(explain("lenet"))
    assert "prefers-color-scheme:dark" in text
    assert not re.search(r"https?:|url\(|@import|<script|<link", text)
    # Every rule of the style is for this section only.
    style = text.partition("<style>")[2].partition("</style>")[0]
    selectors = re.findall(r"([^{}]+)\{(?!\.)", re.sub(r"@media[^{]*", "", style))
    assert all(".lenet-report" in part for one in selectors for part in one.strip().split(","))


def test_shares_are_drawn_and_written() -> None:
    text = render_html(explain("lenet"))
    assert '<td class="right share" style="--share:69.4%">30,840 <small>69 %</small></td>' in text


def test_a_notebook_shows_it() -> None:
    report = explain("lenet")
    assert report._repr_html_() == render_html(report)
    HTMLParser().feed(report._repr_html_())
