"""How results are written: numbers, sentences, tables and pages, knowing nothing of networks.

- ``numbers``: shares, ratios, bytes and counts as people read them
- ``prose``: sentences, chains and notations in lines of a width
- ``document``: a page as sections of tables, paragraphs and bullets
- ``text``, ``markdown``, ``html``, ``latex``: write any page
- ``result``: the base of what a verb's function returns, and :func:`render`
"""

from lenet.writing.document import (
    Bullets,
    Column,
    Document,
    Notation,
    Paragraph,
    Section,
    Table,
    table_of,
)
from lenet.writing.result import FORMATS, Result, json_text, plain, render

__all__ = [
    "FORMATS",
    "Bullets",
    "Column",
    "Document",
    "Notation",
    "Paragraph",
    "Result",
    "Section",
    "Table",
    "json_text",
    "plain",
    "render",
    "table_of",
]
