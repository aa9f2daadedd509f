"""Pages as PDF: every kind of block, on as many pages as it takes, and the same bytes each time."""

import re
import zlib
from base64 import a85decode

import pytest

from lenet.writing.document import Bullets, Column, Document, Notation, Section, Table, table_of
from lenet.writing.pdf import write_pdf
from writing.test_document import PAGE


def pages(content):
    """The text of each page, piece by piece."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        page = zlib.decompress(a85decode(stream.strip().removesuffix(b"~>")))
        texts = re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", page)
        words = b" ".join(texts).decode("latin-1")
        found.append(re.sub(r"\\([()\\])", r"\1", words))
    return found


def test_every_kind_of_block():
    content = write_pdf(PAGE)
    assert content.startswith(b"%PDF-")
    assert content == write_pdf(PAGE)
    (text,) = pages(content)
    for words in ("a < b & *c*", "in 1@8x8", "2 blocks", "What it costs", "1,000 (>99 %)", "total"):
        assert words.replace(" ", "") in text.replace(" ", "")
    for words in ("- It has 100 % of_it.", "| conv 2 k3 relu", "<1 % is little", "word word"):
        assert words.replace(" ", "") in text.replace(" ", "")


def test_a_new_page_and_tables_over_many_pages():
    rows = table_of([(f"row {n}", "word " * 30) for n in range(200)], ("name", "text"), prose=True)
    first, *middle, last = pages(
        write_pdf(
            Document(
                "",
                (Section("Long", (rows,)), Section("Key", (Bullets(("end",)),), is_new_page=True)),
            )
        )
    )
    assert len(middle) > 5
    assert all("name text" in page for page in (first, *middle))  # the head is repeated
    assert last == "Key - end"


def test_a_cell_that_is_longer_than_a_page_and_more_columns_than_fit():
    long = table_of([("a", "word " * 3000)], prose=True)
    assert len(pages(write_pdf(Document("", (Section("", (long,)),))))) > 1
    wide = Table(tuple(Column(f"column {n}", (f"a cell of {n}",)) for n in range(30)))
    text = " ".join(pages(write_pdf(Document("", (Section("", (wide,)),)))))
    assert all(f"a cell of {n}" in text for n in range(30))
    assert text.count("column 0") > 2  # its parts all have the first column


@pytest.mark.parametrize("text", ["数字 </font> <b>", "\ud800", "&amp;", "\x00\x1b[2J", "(\\)"])
def test_no_text_breaks_it(text):
    section = Section(text, (Bullets((text,)), Notation(text), table_of([(text, text)])))
    (page,) = pages(write_pdf(Document(text, (section,))))
    assert "<b>" not in page or "</font> <b>" in page
