"""The reliability diagram: how often answers of each probability are right."""

from __future__ import annotations

from collections.abc import Iterator
from math import log10
from typing import Final

from lenet.drawing.drawing import Drawing
from lenet.drawing.scene import Box, Group, Mark, Paint, Path, Scene, Text, shortened
from lenet.reporting.answers import Answers, Bin

_MARGIN: Final = 24.0
_SIZE: Final = 11.0
_LEFT: Final = 36.0
_SIDE: Final = 300.0
#: The strip below that shows how many images there are, and the room before it.
_STRIP: Final = 52.0
_BETWEEN: Final = 58.0
#: Means of fewer images are shown fainter.
_FEW: Final = 10
_BAR: Final = "series-1"
#: What is missing to the promise, and what is there beyond it.
_LESS: Final = "series-2"
_MORE: Final = "series-3"


def reliability_diagram(answers: Answers, heading: str = "", theme: str = "auto") -> Drawing:
    """Accuracy over confidence in 15 stretches, and below how many images are in each.

    A bar that ends at the line is calibrated; what is missing or too much is marked.
    """
    top = _MARGIN + 30 + 24 * bool(heading)
    left, strip = _MARGIN + _LEFT, top + _SIDE + _BETWEEN
    width = _SIDE + _LEFT + 2 * _MARGIN + 8
    words = shortened(heading, 14, width - 2 * _MARGIN, bold=True)
    head = [Text(_MARGIN, _MARGIN + 12, words, 14, "start", bold=True)] if heading else []
    error = f"expected calibration error {100 * answers.calibration_error:.2f} %"
    title = Text(_MARGIN, top - 16, f"Right answers in %; {error}", _SIZE, "start", role="muted")
    most = max(one.count for one in answers.bins)
    groups = [
        Group("axes", (*head, title, *_axes(left, top), *_below(left, strip, most))),
        *(_bar(one, left, top, strip, most) for one in answers.bins),
        Group("calibrated", (_diagonal(left, top),)),
    ]
    scene = Scene(width, strip + _STRIP + _MARGIN + 4, tuple(groups))
    sentences = " ".join(f"{_sentence(one)}." for one in answers.bins)
    name = "Calibration" + f": {heading}" * bool(heading)
    return Drawing(scene, theme, name, f"{error[0].upper()}{error[1:]}. {sentences}")


def _axes(left: float, top: float) -> Iterator[Mark]:
    for tick in (0, 25, 50, 75, 100):
        y = top + _SIDE * (1 - tick / 100)
        yield Path(((left, y), (left + _SIDE, y)), Paint(stroke="grid" if tick else "line"))
        yield Text(left - 8, y + 4, str(tick), _SIZE, "end", role="muted")
        x = left + _SIDE * tick / 100
        yield Path(((x, top + _SIDE), (x, top + _SIDE + 4)), Paint(stroke="line"))
        yield Text(x, top + _SIDE + 17, str(tick), _SIZE, role="muted")
    yield Text(
        left + _SIDE / 2, top + _SIDE + 34, "probability of the answer in %", _SIZE, role="muted"
    )


def _below(left: float, strip: float, most: int) -> Iterator[Mark]:
    base = strip + _STRIP
    yield Path(((left, base), (left + _SIDE, base)), Paint(stroke="line"))
    words = f"images there, in powers of ten; {most:,} in the fullest"
    yield Text(left, base + 17, words, _SIZE, "start", role="muted")


def _diagonal(left: float, top: float) -> Path:
    return Path(((left, top + _SIDE), (left + _SIDE, top)), Paint(stroke="line", width=1.5))


def _bar(one: Bin, left: float, top: float, strip: float, most: int) -> Group:
    x, width = left + _SIDE * one.low + 1, _SIDE * (one.high - one.low) - 2
    faint = 0.35 if one.count < _FEW else 1.0
    low, high = sorted((one.accuracy, one.confidence))
    gap = _LESS if one.accuracy < one.confidence else _MORE
    share = (1 + log10(one.count)) / (1 + log10(most))
    marks = (
        _box(x, width, top, 0.0, low, _BAR, 0.45 * faint),
        _box(x, width, top, low, high, gap, 0.6 * faint),
        Box(x, strip + _STRIP * (1 - share), width, _STRIP * share, Paint("line", opacity=0.6)),
    )
    return Group(_sentence(one), marks)


def _box(
    x: float, width: float, top: float, low: float, high: float, role: str, opacity: float
) -> Box:
    return Box(
        x,
        top + _SIDE * (1 - high),
        width,
        _SIDE * (high - low),
        Paint(role, opacity=round(opacity, 2)),
    )


def _sentence(one: Bin) -> str:
    images = f"{one.count:,} image" + "s" * (one.count != 1)
    return (
        f"{100 * one.low:.0f} to {100 * one.high:.0f} %: {images}, mean probability "
        f"{100 * one.confidence:.1f} %, right {100 * one.accuracy:.1f} %"
    )
