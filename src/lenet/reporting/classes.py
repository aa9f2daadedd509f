"""Precision, recall and F1 of every class, on one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lenet.drawing.chart import Axis, linear_axis
from lenet.drawing.drawing import Drawing
from lenet.drawing.scene import (
    SERIES,
    Box,
    Group,
    Mark,
    Paint,
    Path,
    Scene,
    Text,
    shortened,
    text_width,
)
from lenet.reporting.answers import Answers, ClassFigures

#: Of more classes, those with the least F1 are drawn.
MOST: Final = 40
_MARGIN: Final = 24.0
_SIZE: Final = 11.0
_ROW: Final = 22.0
_NAME: Final = 130.0
_WIDTH: Final = 300.0
_DOT: Final = 4.0
_MEASURES: Final = (("precision", SERIES[0]), ("recall", SERIES[1]), ("f1", "text"))


def class_chart(answers: Answers, heading: str = "", theme: str = "auto") -> Drawing:
    """A row a class with a dot a measure; the axis holds what there is and ends at 100 %."""
    shown = worst(answers.class_figures, MOST)
    names = [shortened(one.name, _SIZE, _NAME) for one in shown]
    left = _MARGIN + max(text_width(name, _SIZE) for name in names) + 12
    top = _MARGIN + 28 * bool(heading) + 30
    values = [100 * share for one in shown for _, share in _shares(one)]
    axis = linear_axis([*values, 100.0], (0, 100))
    bottom = top + _ROW * len(shown)
    words = shortened(heading, 14, left + _WIDTH - _MARGIN, bold=True)
    head = [Text(_MARGIN, _MARGIN + 12, words, 14, "start", bold=True)] if heading else []
    groups = [Group("axis", (*head, *_legend(top - 22), *_frame(axis, left, top, bottom)))]
    for i, (one, name) in enumerate(zip(shown, names, strict=True)):
        y = top + (i + 0.5) * _ROW
        label = Text(left - 12, y + 0.36 * _SIZE, name, _SIZE, "end", role="muted")
        groups.append(Group(sentence(one), (label, *_row(one, axis, left, y))))
    scene = Scene(left + _WIDTH + _MARGIN + 12, bottom + 26 + _MARGIN, tuple(groups))
    title = "Class by class" + f": {heading}" * bool(heading)
    return Drawing(scene, theme, title, " ".join(f"{sentence(one)}." for one in shown))


def worst(figures: Sequence[ClassFigures], most: int) -> list[ClassFigures]:
    """All of them in order; of more than ``most``, those with the least F1 first."""
    if len(figures) <= most:
        return list(figures)
    return sorted(figures, key=lambda one: 2.0 if one.f1 is None else one.f1)[:most]


def sentence(one: ClassFigures) -> str:
    """A class in words."""
    images = f"{one.images:,} image" + "s" * (one.images != 1)
    shares = (
        f"{name.upper() if name == 'f1' else name} {100 * s:.2f} %" for name, s in _shares(one)
    )
    return ", ".join([f"{one.name}: {images}", *shares])


def _shares(one: ClassFigures) -> Iterator[tuple[str, float]]:
    for name, _ in _MEASURES:
        share = getattr(one, name)
        if share is not None:
            yield name, share


def _legend(y: float) -> Iterator[Mark]:
    x = _MARGIN
    for name, role in _MEASURES:
        words = "F1 in %" if name == "f1" else name
        yield _dot(x + _DOT, y - 4, role)
        yield Text(x + 3 * _DOT, y, words, _SIZE, "start", role="muted")
        x += 3 * _DOT + text_width(words, _SIZE) + 18


def _frame(axis: Axis, left: float, top: float, bottom: float) -> Iterator[Mark]:
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        x = left + _WIDTH * axis.share(tick)
        yield Path(((x, top), (x, bottom)), Paint(stroke="grid"))
        yield Text(x, bottom + 17, label, _SIZE, role="muted")


def _row(one: ClassFigures, axis: Axis, left: float, y: float) -> Iterator[Mark]:
    places = {name: left + _WIDTH * axis.share(100 * share) for name, share in _shares(one)}
    if len(places) > 1:
        ends = min(places.values()), max(places.values())
        yield Path(((ends[0], y), (ends[1], y)), Paint(stroke="frame", width=2))
    for name, role in _MEASURES:
        if name in places:
            yield _dot(places[name], y, role)


def _dot(x: float, y: float, role: str) -> Box:
    return Box(x - _DOT, y - _DOT, 2 * _DOT, 2 * _DOT, Paint(role, "page", 1.0), _DOT)
