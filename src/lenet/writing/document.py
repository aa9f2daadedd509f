"""A page before it is written: a title and sections of tables, paragraphs, bullets, notations.

Whoever has a result to show builds a :class:`Document` of it once; the writers beside this module
turn any document into text, Markdown, HTML or LaTeX.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from lenet.errors import visible
from lenet.writing.numbers import whole_percent

#: More rows than this are not shown where nobody asked for all; so many of them are the last.
MOST_ROWS: Final = 60
_LAST_ROWS: Final = 10


@dataclass(frozen=True)
class Column:
    """One column of a table; that of bars or of prose is the last."""

    title: str  # what stands above it; may be empty
    cells: tuple[str, ...]  # one per row
    total: str = ""  # what stands below it
    right: bool = False  # cells end below each other
    shares: tuple[float, ...] = ()  # 0 to 1, one per cell: in percent beside it and as a short bar
    bars: tuple[float, ...] = ()  # 0 to 1: only they are drawn; Markdown and LaTeX leave them out
    pictures: tuple[str, ...] = ()  # addresses that hold them; all but HTML leave them out
    is_prose: bool = False  # cells are sentences, which text breaks into lines
    is_formula: bool = False  # cells are mathematics where the format has any

    @property
    def cells_with_shares(self) -> Sequence[str]:
        """The cells, each with its share in brackets."""
        if not self.shares:
            return self.cells
        pairs = zip(self.cells, self.share_texts(), strict=True)
        return [f"{cell} ({share})" if share else cell for cell, share in pairs]

    def shortened(self, first: int, last: int, between: str) -> Column:
        """Return the column with ``between`` in place of all but the first and last cells."""

        def cut(values: tuple[Any, ...], middle: Any) -> tuple[Any, ...]:
            return (*values[:first], middle, *values[-last:]) if values else ()

        return replace(
            self,
            cells=cut(self.cells, "-" if self.shares else between),
            shares=cut(self.shares, 0.0),
            bars=cut(self.bars, 0.0),
            pictures=cut(self.pictures, ""),
        )

    def share_texts(self, sign: str = " %") -> list[str]:
        """Return the share of each cell in percent; nothing for a cell that is only a dash."""
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
        return any(column.title for column in self.columns)

    @property
    def has_totals(self) -> bool:
        return any(column.total for column in self.columns)

    @property
    def has_tail(self) -> bool:
        """Does its last column take the room there is?"""
        return self.columns[-1].is_prose or bool(self.columns[-1].bars)

    @property
    def in_words(self) -> Table:
        """The table without its pictures."""
        return replace(self, columns=tuple(c for c in self.columns if not c.pictures))

    def shortened(self) -> Table:
        """Return the table without the rows in its middle, if nobody would read so many."""
        left_out = len(self.columns[0].cells) - MOST_ROWS
        if left_out <= 0:
            return self
        texts = [f"{left_out:,} more", *[""] * (len(self.columns) - 1)]
        first = MOST_ROWS - _LAST_ROWS
        pairs = zip(self.columns, texts, strict=True)
        columns = tuple(column.shortened(first, _LAST_ROWS, text) for column, text in pairs)
        return replace(self, columns=columns)

    def parted(self, fits: Callable[[Table], bool]) -> Iterator[Table]:
        """Yield tables of as many columns as fit beside each other, each with the first column."""
        if self.has_tail or fits(self):
            yield self
            return
        first, *others = self.columns
        part = replace(self, columns=(first,))
        for column in others:
            longer = replace(part, columns=(*part.columns, column))
            if len(part.columns) > 1 and not fits(longer):
                yield part
                longer = replace(part, columns=(first, column))
            part = longer
        yield part


@dataclass(frozen=True)
class Paragraph:
    """Sentences; a note explains what stands above it."""

    text: str
    is_note: bool = False
    formulas: tuple[str, ...] = ()  # parts of the text that are mathematics, where there is any


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Notation:
    """A network as notation, to copy and change."""

    text: str

    @property
    def lines(self) -> list[str]:
        """The input and each block on a line of its own; together they can be read back."""
        return self.text.replace(" | ", "\n| ").split("\n")


Block = Table | Paragraph | Bullets | Notation


@dataclass(frozen=True)
class Section:
    """Blocks under a title, which may be empty; a table that comes first has it as its caption."""

    title: str
    blocks: tuple[Block, ...]
    is_new_page: bool = False  # in print


@dataclass(frozen=True)
class Document:
    """A page: a title, short remarks beside it where there is room, remarks below it, sections.

    Its texts may come out of any file. Here all of them become ones that can be printed, so that no
    writer can forget it.
    """

    title: str
    sections: tuple[Section, ...]
    beside: tuple[str, ...] = ()
    below: tuple[str, ...] = ()

    def shortened(self) -> Document:
        """Return the page with tables that can be read, however many rows they have."""
        sections = (
            replace(
                section,
                blocks=tuple(b.shortened() if isinstance(b, Table) else b for b in section.blocks),
            )
            for section in self.sections
        )
        return replace(self, sections=tuple(sections))

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _visible(getattr(self, field.name)))


def _visible(part: Any) -> Any:
    """Return a part of a page, down to each of its texts, with :func:`lenet.errors.visible`."""
    if isinstance(part, str):
        return visible(part)
    if isinstance(part, tuple):
        return tuple(map(_visible, part))
    if isinstance(part, Section | Block):
        own = {field.name: _visible(getattr(part, field.name)) for field in fields(part)}
        return replace(part, **own)
    if isinstance(part, Column):
        texts = {name: _visible(getattr(part, name)) for name in ("title", "cells", "total")}
        return replace(part, **texts)
    return part


def table_of(
    rows: Iterable[Sequence[str]],
    titles: Sequence[str] = (),
    *,
    right: Collection[int] = (),
    prose: bool = False,
    indent: int = 0,
) -> Table:
    """Build a table of at least one row of text; ``right`` aligns columns, ``prose`` is the last.

    The columns are counted from 0.
    """
    columns = list(zip(*rows, strict=True))
    heads, last = titles or [""] * len(columns), len(columns) - 1
    return Table(
        tuple(
            Column(head, cells, right=place in right, is_prose=prose and place == last)
            for place, (head, cells) in enumerate(zip(heads, columns, strict=True))
        ),
        indent,
    )
