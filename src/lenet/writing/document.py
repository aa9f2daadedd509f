"""A page before it is written: a title and sections of tables, paragraphs, bullets, notations.

Whoever has a result to show builds a :class:`Document` of it once; the writers beside this module
turn any document into text, Markdown, HTML or LaTeX.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        title: what stands above it; may be empty.
        cells: one per row.
        total: what stands below it; may be empty.
        right: its cells end below each other.
        shares: one per cell, from 0 to 1: each is written in percent beside its cell and drawn as
            a short bar. A cell that is only a dash has none.
        bars: one per cell, from 0 to 1, of which only bars are drawn; the cells are empty. Such a
            column is the last. Markdown and LaTeX leave it out.
        is_prose: its cells are sentences, which text breaks into lines. Such a column is the last.
        is_formula: its cells are mathematics where the format has any.
    """

    title: str
    cells: tuple[str, ...]
    total: str = ""
    right: bool = False
    shares: tuple[float, ...] = ()
    bars: tuple[float, ...] = ()
    is_prose: bool = False
    is_formula: bool = False

    def share_texts(self, sign: str = " %") -> list[str]:
        """Return the share of each cell in percent; nothing for a cell that is only a dash."""
        from lenet.writing.numbers import whole_percent

        return [
            "" if cell == "-" else f"{whole_percent(share)}{sign}"
            for cell, share in zip(self.cells, self.shares, strict=True)
        ]


@dataclass(frozen=True)
class Table:
    """Columns of equal length; the first names the rows. Text puts ``indent`` spaces before."""

    columns: tuple[Column, ...]
    indent: int = 0

    @property
    def has_titles(self) -> bool:
        """Does any column have a title?"""
        return any(column.title for column in self.columns)

    @property
    def has_totals(self) -> bool:
        """Does any column have a total?"""
        return any(column.total for column in self.columns)

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells row by row, without titles and totals."""
        return list(zip(*(column.cells for column in self.columns), strict=True))


@dataclass(frozen=True)
class Paragraph:
    """Sentences; a note explains what stands above it."""

    text: str
    is_note: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Notation:
    """A network as notation, to copy and change."""

    text: str


@dataclass(frozen=True)
class Section:
    """Blocks under a title, which may be empty; a table that comes first has it as its caption."""

    title: str
    blocks: tuple[Table | Paragraph | Bullets | Notation, ...]


@dataclass(frozen=True)
class Document:
    """A page.

    Attributes:
        title: what it is about.
        sections: what it says, in order.
        beside: short remarks that stand beside the title where there is room.
        below: remarks that stand below it.
    """

    title: str
    sections: tuple[Section, ...]
    beside: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


def table_of(
    rows: Iterable[Sequence[str]],
    titles: Sequence[str] = (),
    *,
    right: Collection[int] = (),
    prose: bool = False,
    indent: int = 0,
) -> Table:
    """Build a table of rows of text, of which there must be one at least."""
    columns = list(zip(*rows, strict=True))
    heads, last = titles or [""] * len(columns), len(columns) - 1
    return Table(
        tuple(
            Column(head, cells, right=place in right, is_prose=prose and place == last)
            for place, (head, cells) in enumerate(zip(heads, columns, strict=True))
        ),
        indent,
    )
