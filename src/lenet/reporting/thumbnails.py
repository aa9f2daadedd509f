"""Small images to look at: the worst mistakes, and the windows of the first layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.preprocess import resize
from lenet.drawing.drawing import Drawing
from lenet.drawing.scene import Group, Mark, Pixels, Scene, Text
from lenet.drawing.typeface import shortened
from lenet.model import Model
from lenet.reporting.answers import Answers

#: How many mistakes and windows are shown, at most.
MOST_MISTAKES: Final = 36
MOST_WINDOWS: Final = 64
#: Larger images are made smaller.
_LARGEST: Final = 64
#: Characters of a class's name below an image.
_LONGEST: Final = 24
_MARGIN: Final = 24.0
_GUTTER: Final = 16.0
_HEAD: Final = 34.0


@dataclass(frozen=True, eq=False)
class Tile:
    """An image with lines of words below it.

    Attributes:
        pixels: (C, H, W) uint8, C is 1 or 3.
        lines: what stands below.
        words: the whole in words, for those who cannot see it.
    """

    pixels: npt.NDArray[np.uint8]
    lines: tuple[str, ...]
    words: str

    def at(self, x: float, y: float, side: float) -> Pixels:
        """As a mark that fills a square as far as its shape allows."""
        channels, rows, columns = self.pixels.shape
        scale = side / max(rows, columns)
        width, height = columns * scale, rows * scale
        left, top = x + (side - width) / 2, y + (side - height) / 2
        data = np.moveaxis(self.pixels, 0, 2).tobytes()
        return Pixels(left, top, width, height, (rows, columns), channels, data)


def mistake_tiles(answers: Answers, most: int = MOST_MISTAKES) -> list[Tile]:
    """The worst mistakes: what was said and what is true, with the probability given to each."""
    found = []
    for index in answers.mistakes(most):
        said, true = int(answers.said[index]), int(answers.part.labels[index])
        name, truth = answers.classes[said], answers.classes[true]
        chances = (chance(float(answers.probabilities[index, i])) for i in (said, true))
        first, second = chances
        lines = f"said {cut(name)}, {first}", f"is {cut(truth)}, {second}"
        words = f"test image {index:,}: said {name} ({first}), is {truth} ({second})"
        found.append(image_tile(answers.part.images[index], lines, words))
    return found


def window_tiles(model: Model) -> list[Tile]:
    """The weights of the first layer as images: white is above zero, black below.

    Where there is a convolution first, the windows; of three channels, in colour. Where a dense
    layer is first, what each unit looks for in the whole image. Of another number of channels,
    their mean. Empty if nothing of it can be shown.
    """
    step = next((step for step in model.plan.steps if step.weight), None)
    if step is None or step.weight is None:
        return []
    weight = step.weight.view(model.table)
    if step.kind == "dense":
        if step is not model.plan.steps[0]:
            return []
        weight = weight.reshape(len(weight), *model.plan.input_shape)
    largest = float(np.abs(weight).max())
    if weight[0, 0].size == 1 or not 0 < largest < np.inf:
        return []  # a point shows nothing
    if weight.shape[1] not in (1, 3):
        weight = weight.mean(axis=1, keepdims=True)
        largest = float(np.abs(weight).max()) or 1.0
    pixels = np.rint(127.5 + 127.5 * (weight[:MOST_WINDOWS] / largest)).astype(np.uint8)
    return [
        image_tile(one, (), f"{step.name}, output {i}: the weights of its window")
        for i, one in enumerate(pixels)
    ]


def draw_tiles(
    tiles: Sequence[Tile], title: str, heading: str, columns: int, side: float, theme: str = "auto"
) -> Drawing:
    """Tiles in rows under a heading, as one picture."""
    columns = max(1, min(columns, len(tiles)))
    lines = max((len(tile.lines) for tile in tiles), default=0)
    wide, high = side + _GUTTER, side + 14 * lines + _GUTTER
    top = _MARGIN + _HEAD * bool(heading)
    groups = [
        _group(t, _MARGIN + i % columns * wide, top + i // columns * high, side)
        for i, t in enumerate(tiles)
    ]
    width = max(columns * wide - _GUTTER, 260.0)
    if heading:
        words = shortened(heading, 14, width, bold=True)
        text = Text(_MARGIN, _MARGIN + 12, words, 14, "start", bold=True)
        groups.insert(0, Group(heading, (text,)))
    if not tiles:
        groups.append(Group("", (Text(_MARGIN, top + 14, "none", 11, "start", role="muted"),)))
    height = top + max(1, ceil(len(tiles) / columns)) * high - _GUTTER + _MARGIN
    description = "; ".join(tile.words for tile in tiles) or "none"
    return Drawing(
        Scene(width + 2 * _MARGIN, max(height, 80.0), tuple(groups)),
        theme,
        title,
        f"{description}.",
    )


def chance(probability: float) -> str:
    """A probability in percent; never 0 or 100 by rounding."""
    if 0 < probability < 0.0005:
        return "<0.1\u00a0%"
    return ">99.9\u00a0%" if 0.9995 <= probability < 1 else f"{100 * probability:.1f}\u00a0%"


def image_tile(image: npt.NDArray[np.uint8], lines: tuple[str, ...], words: str) -> Tile:
    """Any image (C, H, W) as a tile: made smaller if need be, of strange channels their mean."""
    return Tile(_small(image), lines, words)


def cut(name: str) -> str:
    """A name as it stands below an image."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST].rstrip()}…"


def _group(tile: Tile, x: float, y: float, side: float) -> Group:
    marks: list[Mark] = [tile.at(x, y, side)]
    for number, line in enumerate(tile.lines, 1):
        words = shortened(line, 10, side + _GUTTER - 4)
        place = x, y + side + 14 * number - 1
        marks.append(Text(*place, words, 10, "start", role="text" if number == 1 else "muted"))
    return Group(tile.words, tuple(marks))


def _small(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(C, H, W) as it can be shown: C is 1 or 3, and no side is too large."""
    channels, rows, columns = image.shape
    if channels not in (1, 3):
        image = np.rint(image.mean(axis=0, keepdims=True)).astype(np.uint8)
    factor = _LARGEST / max(rows, columns)
    if factor >= 1:
        return image
    size = (max(1, round(side * factor)) for side in (rows, columns))
    small: npt.NDArray[np.uint8] = resize(image[np.newaxis], *size)[0]
    return small
