"""How results are written: numbers, tables and pages, knowing nothing of what is found out.

- ``numbers``: shares, ratios, bytes, counts and chains as people read them
- ``document``: a page as sections of tables, paragraphs and bullets
- ``text``, ``markdown``, ``html``, ``latex``: write any page; :func:`render` chooses one
- ``pdf``: writes one to print
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol

from lenet.errors import visible
from lenet.net.words import check_choice
from lenet.terminal import can_show, columns
from lenet.writing.document import Document, Section, table_of
from lenet.writing.numbers import value_text

__all__ = [
    "FORMATS",
    "Document",
    "Drawn",
    "Result",
    "Section",
    "json_text",
    "notebook_html",
    "plain",
    "render",
    "table_of",
    "values_html",
]

#: What :func:`render` can write.
FORMATS: Final = ("text", "json", "markdown", "html", "latex", "csv")
#: Text is not made for fewer characters in a line.
_NARROWEST: Final = 40
#: At the prompt, a result has so many lines at most; so many of them are its last.
_MOST_LINES: Final = 120
_LAST_LINES: Final = 20


class Result(ABC):
    """What a verb's function returns.

    ``print`` writes it as the command line does, a notebook shows it as HTML, ``to_dict`` gives it
    as JSON can hold it, and :func:`render` writes it in any format.
    """

    #: The key of :meth:`to_dict` whose list is the rows of a CSV file; none where it is empty.
    csv_key: ClassVar[str] = ""
    #: The values of these keys become a column each: the names of the columns end so.
    csv_parts: ClassVar[Mapping[str, Sequence[str]]] = {}

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON can hold it: dicts, lists, numbers, strings and None."""

    @abstractmethod
    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return the result as a page, which may depend on the format and on text's width."""

    def __str__(self) -> str:
        """Write it as wide as the terminal, with what the terminal can show."""
        return render(self, "text", columns(), ascii_only=not can_show("█▏"))

    def __repr__(self) -> str:
        """Write the same, without the lines in its middle if there are very many."""
        lines = str(self).split("\n")
        if (left_out := len(lines) - _MOST_LINES) > 0:
            cut = f"... {left_out:,} more lines, which print() shows ..."
            lines[_MOST_LINES - _LAST_LINES : -_LAST_LINES] = [cut]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        pictures = (picture._repr_html_() for picture in self.pictures_below())
        return "\n".join((notebook_html(self.page("html")), *pictures))

    def pictures_below(self) -> Iterable[Drawn]:
        """Return the pictures that a notebook shows below the page."""
        return ()


class Drawn(Protocol):
    """Whatever a notebook shows."""

    def _repr_html_(self) -> str: ...


def notebook_html(page: Document) -> str:
    """Write what a notebook shows: no more rows of a table than a person reads."""
    from lenet.writing.html import write_html  # as in render

    return write_html(page.shortened())


def values_html(title: str, values: Mapping[str, Any]) -> str:
    """Write what a notebook shows of named values: one row for each."""
    rows = [(name.replace("_", " "), value_text(value)) for name, value in values.items()]
    return notebook_html(Document(title, (Section("", (table_of(rows),)),)))


def render(
    result: Result,
    form: str = "text",
    width: int = 80,
    ascii_only: bool = False,
    **choices: Any,
) -> str:
    """Write ``result`` in one of ``FORMATS``; ``width`` and ``ascii_only`` are for text.

    ``choices`` are those that the page of this result has. HTML is a document of its own; what a
    notebook shows is the piece of it that can stand in another page.

    Raises:
        UsageError: ``form`` is none of these, or the result has no rows for CSV.
    """
    known = [name for name in FORMATS if name != "csv" or result.csv_key]
    check_choice(form, known, "the format", "format")
    if form == "json":
        return json_text(result.to_dict())
    if form == "csv":
        return _csv(result)
    width = max(width, _NARROWEST)
    page = result.page(form, width, **choices)
    # A writer is imported when it is asked for: the others would only take time.
    if form == "markdown":
        from lenet.writing.markdown import write_markdown

        return write_markdown(page)
    if form == "html":
        from lenet.writing.html import write_page

        return write_page(page).rstrip("\n")
    if form == "latex":
        from lenet.writing.latex import write_latex

        return write_latex(page)
    from lenet.writing.text import write_text

    return write_text(page, width, ascii_only)


def json_text(values: Mapping[str, Any]) -> str:
    """Write one JSON object: in ASCII, so that it arrives in every terminal's encoding."""
    import json

    return json.dumps(plain(values), indent=2, allow_nan=False)


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it: tuples as lists, and None for what is not finite."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _csv(result: Result) -> str:
    """Write a header and one line per row, parted by commas, each ended by CR LF (RFC 4180)."""
    import csv
    import io

    rows = [_flat(row, result.csv_parts) for row in result.to_dict()[result.csv_key]]
    with io.StringIO(newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0] if rows else ()))
        writer.writeheader()
        writer.writerows(rows)
        return file.getvalue()


def _flat(row: Mapping[str, Any], parts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the cells of a row; a list without columns of its own is one, such as ``6x24x24``."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}_{inner}": cell for inner, cell in value.items()}
        elif key in parts:
            names = (f"{key.removesuffix('s')}_{part}" for part in parts[key])
            flat |= dict(zip(names, value or [None] * len(parts[key]), strict=True))
        elif isinstance(value, list):
            flat[key] = "x".join(map(str, value))
        else:
            flat[key] = str(value).lower() if isinstance(value, bool) else value  # as in JSON
    return {key: visible(cell) if isinstance(cell, str) else cell for key, cell in flat.items()}
