"""What comes of looking through a collection: its findings as text, JSON, a table and a page."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lenet import files
from lenet.cleaning.findings import Finding
from lenet.cleaning.kinds import (
    BLANK,
    COPY,
    NEAR_COPY,
    ODD,
    PAIRS,
    TITLES,
    TWO_CLASSES,
    WRONG_LABEL,
)
from lenet.cleaning.labels import Doubts
from lenet.cleaning.material import Material
from lenet.errors import UsageError, path_text
from lenet.inference import table
from lenet.net.words import shown
from lenet.run_folder import check_output
from lenet.writing import Result
from lenet.writing.document import Document, Section, Table, table_of
from lenet.writing.numbers import percent, plural, seconds_text

_PAGES: Final = (".html", ".htm")
_MOST_SHOWN: Final = 10  # of a kind, as text


@dataclass(frozen=True, eq=False, repr=False)
class Cleaning(Result):
    """What was found in a collection of pictures. Nothing of it was changed.

    Attributes:
        material: all images, their labels and names.
        findings: by kind, the surest first.
        doubts: what was found of every label; None where there is but one class.
        folds: in how many parts the images were dealt.
        seed: that dealt them.
        seconds: it took.
        notes: sentences on what was found besides, or could not be looked at.
    """

    csv_key = "findings"

    material: Material
    findings: tuple[Finding, ...]
    doubts: Doubts | None
    folds: int
    seed: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind."""
        found = Counter(finding.what for finding in self.findings)
        return {what: found[what] for what in TITLES}

    @property
    def ranking(self) -> list[str]:
        """The names of all images whose label was judged, the most doubtful first."""
        order = [] if self.doubts is None else self.doubts.ranking.tolist()
        return [self.material.names[index] for index in order]

    def of_kind(self, what: str) -> list[Finding]:
        """Return the findings of one kind, the surest first."""
        if what not in TITLES:
            kinds = ", ".join(TITLES)
            raise UsageError(f"there is no kind of finding {shown(what)}; choose {kinds}.")
        return [finding for finding in self.findings if finding.what == what]

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        return {
            "data": self.material.name,
            "images": len(self.material),
            "classes": list(self.material.classes),
            "folds": self.folds,
            "seed": self.seed,
            "seconds": self.seconds,
            "counts": self.counts,
            "findings": [finding.to_dict() for finding in self.findings],
            "notes": list(self.notes),
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return how many there are of each kind, and the first of each."""
        rows = [(title, f"{self.counts[what]:,}") for what, title in TITLES.items()]
        overview = Section("", (table_of(rows, ("what", "found"), right={1}),))
        most = _MOST_SHOWN if form == "text" else None
        kinds = (Section(title, (block,)) for title, block in self._tables(most))
        return Document(self.title, (overview, *kinds), (self.about,), self.notes)

    @property
    def title(self) -> str:
        """The data in a few words."""
        _, channels, height, width = self.material.images.shape
        kind = " RGB" if channels == 3 else ""
        images = f"{plural(len(self.material), 'image')} of {height}x{width}{kind}"
        classes = len(self.material.classes)
        return f"{self.material.name}: {images}, {classes:,} class{'es' * (classes != 1)}"

    @property
    def lead(self) -> str:
        """The data without their name."""
        return self.title.partition(": ")[2]

    @property
    def about(self) -> str:
        """How many findings there are, and that nothing was done about them."""
        return f"{plural(len(self.findings), 'finding')}; nothing was changed"

    def _tables(self, most: int | None) -> Iterator[tuple[str, Table]]:
        for what, title in TITLES.items():
            found = self.of_kind(what)
            if not found:
                continue
            heads, rows = ("picture", *_HEADS[what]), map(_row, found[:most])
            more = len(found) - (most or len(found))
            if more > 0:
                title += f" ({more:,} more in --output or --json)"
            yield title, table_of(list(rows), heads)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a page with the pictures (.html), or a table with a row per finding (.csv).

        Raises:
            UsageError: the ending is neither.
            OutputError: the file cannot be written; an earlier one is untouched.
        """
        check_path(path)
        if os.fspath(path).lower().endswith(_PAGES):
            from lenet.cleaning.page import render_page

            made = (
                f"in {seconds_text(self.seconds)} s, with {self.folds} folds and seed {self.seed}"
            )
            kinds = {what: self.of_kind(what) for what in TITLES}
            text = render_page(self.material, self.lead, kinds, self.notes, made)
            return files.write_text(path, text)
        rows = [finding.to_dict() for finding in self.findings]
        columns = ["image", "what", "label", "suspected", "score", "other", "why"]
        cells = [["" if row[name] is None else row[name] for name in columns] for row in rows]
        return table.save(path, columns, [cells])


#: The columns of each kind, after the picture's name.
_HEADS: Final[dict[str, tuple[str, ...]]] = {
    WRONG_LABEL: ("label", "rather", "label's probability"),
    TWO_CLASSES: ("class", "the same picture"),
    COPY: ("class", "the same picture"),
    NEAR_COPY: ("class", "nearly the same picture", "likeness"),
    BLANK: ("class", "why"),
    ODD: ("class", "why"),
}


def _row(finding: Finding) -> Sequence[str]:
    """Return the cells of a finding, as :data:`_HEADS` names them."""
    first = (finding.image, finding.label)
    if finding.what == WRONG_LABEL:
        return (*first, finding.suspected or "", percent(1 - finding.score))
    if finding.what == NEAR_COPY:
        return (*first, finding.other or "", f"{finding.score:.3f}")
    return (*first, finding.other or "") if finding.what in PAIRS else (*first, finding.why)


def check_path(path: str | os.PathLike[str], *sources: object) -> None:
    """Raise a UsageError, if ``path`` is no name for a page or a table, or one of the sources."""
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"the file is {shown(path)}; give its path.")
    ending = os.path.splitext(os.fsdecode(path))[1].lower()
    if ending not in _PAGES:
        if ending != table.CSV:
            what = f"findings are written as a page or a table, and {path_text(path)} is neither"
            raise UsageError(f"{what}; end it in .html or .csv.", parameter="output")
        table.check_path(path, *sources)
    else:
        check_output(path, *sources)
