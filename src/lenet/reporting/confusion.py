"""The confusion matrix: a row a true class, a column an answer, darker for more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil, sqrt
from typing import Final

from lenet.drawing.drawing import Drawing
from lenet.drawing.scene import Box, Group, Mark, Paint, Path, Scene, Text, shortened, text_width
from lenet.reporting.answers import Answers, Confusion

_MARGIN: Final = 24.0
_SIZE: Final = 11.0
_GAP: Final = 8.0
_MIDDLE: Final = 0.36
#: The longest name of a class.
_NAME: Final = 130.0
#: The side of a cell and of the whole table, where there is room.
_CELL: Final = 38.0
_TABLE: Final = 560.0
#: Up to so many classes a cell shows its number and tells it to a pointer.
_MOST_NUMBERED: Final = 24
#: Of more wrong cells than this, the fullest are drawn.
_MOST_CELLS: Final = 2500
_RIGHT: Final = "series-1"
_WRONG: Final = "series-2"


def confusion_matrix(answers: Answers, heading: str = "", theme: str = "auto") -> Drawing:
    """What is taken for what, any number of classes.

    Where there are too many to name, every so manieth is named; wrong answers are drawn at least
    so large that one is seen.
    """
    scene = _Table(answers, heading).scene()
    found = answers.evaluation
    most = "; ".join(map(lambda one: _sentence(answers, one), answers.confusions(5)))
    words = (
        f"{len(found.classes)} classes, {found.count:,} images, {int(answers.right.sum()):,} on "
        f"the diagonal: right. {f'Most often: {most}.' if most else 'No mistake.'}"
    )
    return Drawing(scene, theme, "Confusion matrix" + f": {heading}" * bool(heading), words)


@dataclass(frozen=True)
class _Table:
    answers: Answers
    heading: str

    @property
    def count(self) -> int:
        return len(self.answers.classes)

    @property
    def numbered(self) -> bool:
        """Are the columns called by numbers, because the names are too long to stand above?"""
        room = self.cell - 4
        return any(text_width(name, _SIZE) > room for name in self.answers.classes)

    @cached_property
    def cell(self) -> float:
        return min(_CELL, _TABLE / self.count)

    @cached_property
    def every(self) -> int:
        """Which rows are named."""
        return ceil((_SIZE + 3) / self.cell)

    @cached_property
    def labels(self) -> list[str]:
        """The rows' names, with their numbers where columns are called by those."""
        names = self.answers.classes
        if self.numbered:
            names = tuple(
                f"{name} · {i}" if name != str(i) else name for i, name in enumerate(names)
            )
        return [self._fitting(name) for name in names]

    def _fitting(self, name: str) -> str:
        if text_width(name, _SIZE) <= _NAME:
            return name
        words, _, number = name.rpartition(" · ") if self.numbered else (name, "", "")
        room = _NAME - text_width(f" · {number}" * bool(number), _SIZE)
        return shortened(words, _SIZE, room) + f" · {number}" * bool(number)

    @cached_property
    def left(self) -> float:
        widths = (text_width(label, _SIZE) for label in self.labels[:: self.every])
        return _MARGIN + max(widths) + _GAP

    @property
    def top(self) -> float:
        return _MARGIN + 34 * bool(self.heading) + 2 * (_SIZE + 6)

    @property
    def side(self) -> float:
        return self.count * self.cell

    def scene(self) -> Scene:
        title = shortened(self.heading, 14, max(300.0, self.side), bold=True)
        legend = "down: what it is; across: what was said"
        width = self.left + self.side
        width = max(
            width, _MARGIN + text_width(legend, _SIZE), _MARGIN + text_width(title, 14, True)
        )
        head = [Text(_MARGIN, _MARGIN + 12, title, 14, "start", bold=True)] if title else []
        above = Text(_MARGIN, self.top - _SIZE - 14, legend, _SIZE, "start", role="muted")
        frame = Box(self.left, self.top, self.side, self.side, Paint("", "frame"))
        groups = [
            Group("classes", (*head, above, *self._names())),
            *self._cells(),
            Group("table", (*self._lines(), frame)),
        ]
        return Scene(width + _MARGIN, self.top + self.side + _MARGIN, tuple(groups))

    def _names(self) -> Iterator[Mark]:
        across = 1 if not self.numbered else ceil((text_width("000", _SIZE) + 4) / self.cell)
        for i in range(0, self.count, self.every):
            y = self.top + (i + 0.5) * self.cell + _MIDDLE * _SIZE
            yield Text(self.left - _GAP, y, self.labels[i], _SIZE, "end", role="muted")
        for i in range(0, self.count, across):
            x = self.left + (i + 0.5) * self.cell
            name = str(i) if self.numbered else self.answers.classes[i]
            yield Text(x, self.top - 6, name, _SIZE, role="muted")

    def _lines(self) -> Iterator[Mark]:
        """Between the rows and columns, where they are not too near to each other."""
        if self.cell < 8:
            return
        for i in range(1, self.count):
            at = i * self.cell
            for line in (
                ((self.left, self.top + at), (self.left + self.side, self.top + at)),
                ((self.left + at, self.top), (self.left + at, self.top + self.side)),
            ):
                yield Path(line, Paint(stroke="grid"))

    def _cells(self) -> Iterator[Group]:
        cells = [
            *(Confusion(i, i, one.right) for i, one in enumerate(self.answers.class_figures)),
            *self.answers.confusions(_MOST_CELLS),
        ]
        drawn = [(one, self._cell(one)) for one in cells if one.count]
        if self.count <= _MOST_NUMBERED:
            yield from (Group(_sentence(self.answers, one), tuple(marks)) for one, marks in drawn)
        else:
            yield Group("answers", tuple(mark for _, marks in drawn for mark in marks))

    def _cell(self, one: Confusion) -> list[Mark]:
        of = self.answers.class_figures[one.true].images
        share = one.count / of
        right = one.true == one.said
        opacity = 0.12 + 0.33 * share if right else min(0.55, 0.13 + 0.9 * sqrt(share))
        if self.count > _MOST_NUMBERED:  # no number stands on it
            opacity = min(1.0, 0.25 + 1.2 * sqrt(share))
        size = max(self.cell, 1.5)
        x = self.left + (one.said + 0.5) * self.cell - size / 2
        y = self.top + (one.true + 0.5) * self.cell - size / 2
        paint = Paint(_RIGHT if right else _WRONG, opacity=round(opacity, 2))
        marks: list[Mark] = [Box(x, y, size, size, paint)]
        if self.count <= _MOST_NUMBERED:
            font = min(_SIZE, (self.cell - 3) * _SIZE / text_width(f"{one.count:,}", _SIZE))
            place = x + size / 2, y + size / 2 + _MIDDLE * font
            marks.append(Text(*place, f"{one.count:,}", round(font, 1)))
        return marks


def _sentence(answers: Answers, one: Confusion) -> str:
    true, said = answers.classes[one.true], answers.classes[one.said]
    images = f"{one.count:,} of {answers.class_figures[one.true].images:,}"
    if one.true == one.said:
        return f"{true}: {images} right"
    return f"{true} taken for {said}: {images}"
