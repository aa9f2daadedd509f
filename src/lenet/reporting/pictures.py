"""The pictures of a run: what changes over epochs, and what its model gets right and wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf, log10, nan, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.collection import bounded
from lenet.data.preprocess import resize
from lenet.drawing import Drawing
from lenet.drawing.chart import (
    HEADING,
    MARGIN,
    SIZE,
    Axis,
    Chart,
    Series,
    draw_charts,
    heading_text,
    label,
    linear_axis,
)
from lenet.drawing.scene import (
    MIDDLE,
    SERIES,
    Box,
    Group,
    Mark,
    Paint,
    Path,
    Pixels,
    Scene,
    Text,
    shortened,
    text_width,
    widest,
)
from lenet.metrics import Bin, ClassMetrics, coverage
from lenet.model import Model
from lenet.reporting.predictions import SIGNALS, Confusion, Predictions
from lenet.run_folder import LayerSignal, RunRecord
from lenet.writing.numbers import percent, plural

Epochs = Sequence[Mapping[str, float]]

#: Points of a line, at most: more are not told apart.
_MOST_POINTS: Final = 400
#: The longest name of a class beside a row.
_NAME: Final = 130.0
#: The side of the reliability diagram; the strip below it with the numbers of images, and the room
#: before that; means of fewer images are shown fainter.
_SIDE: Final = 300.0
_STRIP: Final = 52.0
_BETWEEN: Final = 58.0
_FEW: Final = 10
#: Of how many images in percent the accuracy is drawn.
_SHARES_ANSWERED: Final = range(50, 101)
#: Of more classes, those with the least F1 are drawn, one row each.
MOST_CLASSES: Final = 40
_ROW: Final = 22.0
_DOT: Final = 4.0
_MEASURES: Final = {"precision": SERIES[0], "recall": SERIES[1], "F1": "text"}
#: The side of a cell of the confusion matrix and of all of it, where there is room.
_CELL: Final = 38.0
_TABLE: Final = 560.0
#: Up to so many classes a cell shows its number and tells it to a pointer.
_MOST_NUMBERED: Final = 24
#: Of more wrong cells than this, the fullest are drawn.
_MOST_CELLS: Final = 2500
_THUMBNAIL: Final = 64  # pixels of the longer side of a small image
_LONGEST_NAME: Final = 18  # characters of a file's name below its picture
#: How many mistakes and windows are shown, at most.
MOST_MISTAKES: Final = 36
MOST_WINDOWS: Final = 64
_GUTTER: Final = 16.0
#: The shares of a layer's outputs or units, each on axes of its own: they are not the same thing.
_SHARES: Final = {
    "saturated": "Saturated outputs in %",
    "sparsity": "Sparsity: outputs that are zero, in %",
    "dead": "Dead units in %",
}


def draw_learning(record: RunRecord, heading: str = "") -> Drawing:
    """Draw the loss on the left and accuracies on the right, over the epochs."""
    return drawing_of(learning_charts(record), "Learning curve", heading)


def draw_signals(signals: Sequence[LayerSignal], heading: str = "") -> Drawing:
    """Draw the gradients of each layer, and which shares of its outputs and units are silent."""
    return drawing_of(signal_charts(signals), "Signal by layer", heading)


def drawing_of(charts: Sequence[Chart], name: str, heading: str = "") -> Drawing:
    """Draw charts as one picture."""
    words = " ".join(chart.description for chart in charts)
    return Drawing(draw_charts(charts, heading), "auto", _title(name, heading), words)


def learning_charts(record: RunRecord) -> list[Chart]:
    """Chart every loss of one epoch at least, and every accuracy in percent: from 0 to 100, if they
    are hardly better than guessing, so that nobody takes the rise of a hair for learning."""
    return epoch_charts(record.epochs, whole=record.is_guessing)


def epoch_charts(epochs: Epochs, *, whole: bool) -> list[Chart]:
    """Chart the losses and the accuracies of epochs; ``whole`` has all from 0 to 100 %."""
    losses = [name for name in epochs[0] if name == "loss" or name.endswith("_loss")]
    rates = [name for name in epochs[0] if name.endswith("_accuracy")]
    splits = {name: name.rpartition("_")[0] or "train" for name in losses + rates}
    colors = dict.fromkeys(["train", "test", *splits.values()])
    roles = {split: SERIES[i % len(SERIES)] for i, split in enumerate(colors)}

    def lines(names: list[str], times: float, digits: str) -> tuple[Series, ...]:
        kinds = ((name, splits[name], roles[splits[name]]) for name in names)
        return tuple(epoch_series(epochs, *kind, times, digits) for kind in kinds)

    loss, rate = lines(losses, 1, "#.3g"), lines(rates, 100, ".2f")
    return [
        Chart("Cross-entropy loss in nats", "epoch", loss, (0, inf), from_zero=True),
        Chart("Accuracy in %", "epoch", rate, (0, 100), whole=whole),
    ]


def epoch_series(
    epochs: Epochs, key: str, name: str, role: str, times: float, digits: str
) -> Series:
    """Make a line of the values under ``key``, with the last of them behind its name."""
    points = tuple((int(epoch["epoch"]), times * epoch.get(key, nan)) for epoch in epochs)
    last = f"{points[-1][1]:{digits}}" if points else ""
    return Series(name, role, thinned(points), last)


def signal_charts(signals: Sequence[LayerSignal]) -> list[Chart]:
    """Chart each layer's gradient in units of its weights; and those shares that there are of any
    layer: saturated outputs, zeros, dead units."""
    layers = spread(signals, len(SERIES))

    def lines(
        value: Callable[[LayerSignal], float | None], times: float = 1.0
    ) -> tuple[Series, ...]:
        series = []
        for layer, role in zip(layers, SERIES, strict=False):
            values = ((s.epoch, value(s)) for s in signals if s.layer == layer)
            points = tuple((epoch, times * y) for epoch, y in values if y is not None)
            if points:
                series.append(Series(layer, role, thinned(points)))
        return tuple(series)

    gradient = lines(SIGNALS["relative_gradient"])
    charts = [Chart("Gradient, in parts of the weights", "epoch", gradient, logarithmic=True)]
    for name, title in _SHARES.items():
        if shown := lines(SIGNALS[name], 100):
            charts.append(Chart(title, "epoch", shown, (0, 100), whole=True))
    return charts


def spread(signals: Iterable[LayerSignal], most: int) -> list[str]:
    """Return the layers' names in order; of too many, ``most`` of them, evenly spread."""
    layers = list(dict.fromkeys(signal.layer for signal in signals))
    if len(layers) <= most:
        return layers
    return [layers[round(i * (len(layers) - 1) / (most - 1))] for i in range(most)]


def thinned(points: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    """Return the points; of too many, the last and those at even distances before it."""
    step = max(1, ceil(len(points) / _MOST_POINTS))
    return points[(len(points) - 1) % step :: step]


def draw_calibration(predictions: Predictions, heading: str = "") -> Drawing:
    """Draw the reliability diagram: accuracy over confidence, and how many images are there."""
    left, top = MARGIN + 36, _top(heading) + 30
    right, bottom = left + _SIDE, top + _SIDE
    base = bottom + _BETWEEN + _STRIP
    most = max(bin.count for bin in predictions.bins)
    error = f"expected calibration error {percent(predictions.calibration_error)}"
    frame: list[Mark] = [label(MARGIN, top - 16, f"Correct predictions in %; {error}", "start")]
    for tick in (0, 25, 50, 75, 100):
        x, y = left + _SIDE * tick / 100, bottom - _SIDE * tick / 100
        frame.append(Path(((left, y), (right, y)), Paint(stroke="grid" if tick else "line")))
        frame.append(Path(((x, bottom), (x, bottom + 4)), Paint(stroke="line")))
        frame += (label(left - 8, y + 4, f"{tick}", "end"), label(x, bottom + 17, f"{tick}"))
    frame.append(label((left + right) / 2, bottom + 34, "probability of the prediction in %"))
    frame.append(Path(((left, base), (right, base)), Paint(stroke="line")))
    below = f"images there, in powers of ten; {most:,} in the fullest"
    frame.append(label(left, base + 17, below, "start"))
    diagonal = Path(((left, bottom), (right, top)), Paint(stroke="line", width=1.5))
    bars = [
        Group(_bin_sentence(bin), tuple(_bar(bin, left, bottom, base, most)))
        for bin in predictions.bins
    ]
    groups = [Group("axes", tuple(frame)), *bars, Group("calibrated", (diagonal,))]
    words = " ".join(f"{words}." for words in (error.capitalize(), *(bar.title for bar in bars)))
    size = right + MARGIN + 8, base + MARGIN + 4
    return _finish(groups, size, "Calibration", heading, words)


def _bar(bin: Bin, left: float, bottom: float, base: float, most: int) -> Iterator[Box]:
    """Draw what is correct, what is missing or too much, and how many images there are."""
    x, width = left + _SIDE * bin.low + 1, _SIDE * (bin.high - bin.low) - 2
    faint = 0.35 if bin.count < _FEW else 1.0
    low, high = sorted((_SIDE * bin.accuracy, _SIDE * bin.confidence))
    height = _STRIP * (1 + log10(bin.count)) / (1 + log10(most))
    correct = Paint("series-1", opacity=round(0.45 * faint, 2))
    role = "series-2" if bin.accuracy < bin.confidence else "series-3"
    yield Box(x, bottom - low, width, low, correct)
    yield Box(x, bottom - high, width, high - low, Paint(role, opacity=round(0.6 * faint, 2)))
    yield Box(x, base - height, width, height, Paint("line", opacity=0.6))


def _bin_sentence(bin: Bin) -> str:
    return (
        f"{100 * bin.low:.0f} to {100 * bin.high:.0f} %: {plural(bin.count, 'image')}, mean "
        f"probability {100 * bin.confidence:.1f} %, correct {100 * bin.accuracy:.1f} %"
    )


def draw_coverage(predictions: Predictions, heading: str = "") -> Drawing:
    """Draw the accuracy of what is answered over how much is, from half of the images to all."""
    answers = coverage(
        predictions.confidence, predictions.correct, [share / 100 for share in _SHARES_ANSWERED]
    )
    values = [100 * (found.accuracy or 0.0) for found in answers]
    points = tuple(zip(_SHARES_ANSWERED, values, strict=True))
    line = Series("accuracy", SERIES[0], points, f"{values[-1]:.2f}")
    title = "Correct in %, if the unsurest are left open"
    chart = Chart(title, "images that are answered in %", (line,), (0, 100))
    return drawing_of([chart], "Accuracy by coverage", heading)


def draw_classes(predictions: Predictions, heading: str = "") -> Drawing:
    """Draw one row per class with a dot for each measure; the axis ends at 100 %."""
    shown = worst(predictions.class_metrics, MOST_CLASSES)
    names = [shortened(row.name, SIZE, _NAME) for row in shown]
    left, top = MARGIN + widest(names, SIZE) + 12, _top(heading) + 30
    bottom = top + _ROW * len(shown)
    axis = linear_axis([*(y for row in shown for y in _measures(row).values()), 100.0], (0, 100))
    frame = list(_legend(top - 22))
    for tick, number in zip(axis.ticks, axis.labels, strict=True):
        x = left + _SIDE * axis.share(tick)
        frame += (
            Path(((x, top), (x, bottom)), Paint(stroke="grid")),
            label(x, bottom + 17, number),
        )
    groups = [Group("axis", tuple(frame))]
    for i, (row, name) in enumerate(zip(shown, names, strict=True)):
        y = top + (i + 0.5) * _ROW
        words = label(left - 12, y + MIDDLE * SIZE, name, "end")
        groups.append(Group(class_sentence(row), (words, *_dots(row, axis, left, y))))
    sentences = " ".join(f"{group.title}." for group in groups[1:])
    size = left + _SIDE + MARGIN + 12, bottom + 26 + MARGIN
    return _finish(groups, size, "Class by class", heading, sentences)


def worst(rows: Sequence[ClassMetrics], most: int) -> list[ClassMetrics]:
    """Return all rows in order; of more than ``most``, those with the least F1, least first."""
    if len(rows) <= most:
        return list(rows)
    return sorted(rows, key=lambda row: 2.0 if row.f1 is None else row.f1)[:most]


def class_sentence(row: ClassMetrics) -> str:
    """Write a class in words."""
    shares = (f"{name} {value:.2f} %" for name, value in _measures(row).items())
    return ", ".join([f"{row.name}: {plural(row.images, 'image')}", *shares])


def _measures(row: ClassMetrics) -> dict[str, float]:
    """Return those measures in percent that there are."""
    shares = zip(_MEASURES, (row.precision, row.recall, row.f1), strict=True)
    return {name: 100 * share for name, share in shares if share is not None}


def _legend(y: float) -> Iterator[Mark]:
    x = MARGIN
    for name, role in _MEASURES.items():
        words = label(x + 3 * _DOT, y, "F1 in %" if name == "F1" else name, "start")
        yield from (_dot(x + _DOT, y - 4, role), words)
        x = words.box[2] + 18


def _dots(row: ClassMetrics, axis: Axis, left: float, y: float) -> Iterator[Mark]:
    places = {name: left + _SIDE * axis.share(value) for name, value in _measures(row).items()}
    if len(places) > 1:
        ends = (min(places.values()), y), (max(places.values()), y)
        yield Path(ends, Paint(stroke="frame", width=2))
    yield from (_dot(x, y, _MEASURES[name]) for name, x in places.items())


def _dot(x: float, y: float, role: str) -> Box:
    return Box(x - _DOT, y - _DOT, 2 * _DOT, 2 * _DOT, Paint(role, "page", 1.0), _DOT)


def draw_confusion(predictions: Predictions, heading: str = "") -> Drawing:
    """Draw the confusion matrix: one row per true class, one column per predicted class."""
    table = _Matrix(predictions, _top(heading) + 2 * (SIZE + 6))
    above = label(MARGIN, table.top - SIZE - 14, "down: true class; across: predicted", "start")
    names = Group("classes", (above, *table.names()))
    groups = [names, *table.groups(), Group("table", tuple(table.lines()))]
    most = "; ".join(table.sentence(cell) for cell in predictions.confusions(5))
    words = (
        f"{len(table.classes)} classes, {len(predictions.split):,} images, "
        f"{int(predictions.correct.sum()):,} on the diagonal: "
        f"correct. {f'Most often: {most}.' if most else 'No mistake.'}"
    )
    right = max(table.left + table.side, above.box[2], MARGIN + 300 * bool(heading))
    size = right + MARGIN, table.top + table.side + MARGIN
    return _finish(groups, size, "Confusion matrix", heading, words)


class _Matrix:
    """The confusion matrix from ``top`` on."""

    def __init__(self, predictions: Predictions, top: float) -> None:
        self.predictions, self.classes, self.top = predictions, predictions.classes, top
        self.cell = min(_CELL, _TABLE / len(self.classes))
        self.side = len(self.classes) * self.cell
        #: Are the columns called by numbers, because the names are too long to stand above?
        self.numbered = widest(self.classes, SIZE) > self.cell - 4
        places = range(0, len(self.classes), ceil((SIZE + 3) / self.cell))
        self.rows = {i: self._row_name(i) for i in places}
        self.left = MARGIN + widest(self.rows.values(), SIZE) + 8
        #: Does each cell show its number?
        self.has_numbers = len(self.classes) <= _MOST_NUMBERED

    def _row_name(self, row: int) -> str:
        name = self.classes[row]
        number = f" · {row}" if self.numbered and name != str(row) else ""
        return shortened(name, SIZE, _NAME - text_width(number, SIZE)) + number

    def names(self) -> Iterator[Mark]:
        for i, name in self.rows.items():
            y = self.top + (i + 0.5) * self.cell + MIDDLE * SIZE
            yield label(self.left - 8, y, name, "end")
        across = ceil((text_width("000", SIZE) + 4) / self.cell) if self.numbered else 1
        for i in range(0, len(self.classes), across):
            x = self.left + (i + 0.5) * self.cell
            yield label(x, self.top - 6, str(i) if self.numbered else self.classes[i])

    def lines(self) -> Iterator[Mark]:
        left, top, side = self.left, self.top, self.side
        for i in range(1, len(self.classes) if self.cell >= 8 else 1):  # else too near
            at = i * self.cell
            yield Path(((left, top + at), (left + side, top + at)), Paint(stroke="grid"))
            yield Path(((left + at, top), (left + at, top + side)), Paint(stroke="grid"))
        yield Box(left, top, side, side, Paint("", "frame"))

    def groups(self) -> Iterator[Group]:
        metrics = self.predictions.class_metrics
        cells = [Confusion(i, i, row.correct) for i, row in enumerate(metrics) if row.correct]
        cells += self.predictions.confusions(_MOST_CELLS)
        if self.has_numbers:
            yield from (Group(self.sentence(cell), tuple(self._marks(cell))) for cell in cells)
        else:
            yield Group("cells", tuple(mark for cell in cells for mark in self._marks(cell)))

    def _marks(self, cell: Confusion) -> Iterator[Mark]:
        share = cell.count / self.predictions.class_metrics[cell.true].images
        is_correct = cell.true == cell.predicted
        opacity = 0.12 + 0.33 * share if is_correct else min(0.55, 0.13 + 0.9 * sqrt(share))
        if not self.has_numbers:
            opacity = min(1.0, 0.25 + 1.2 * sqrt(share))
        size = max(self.cell, 1.5)
        x = self.left + (cell.predicted + 0.5) * self.cell
        y = self.top + (cell.true + 0.5) * self.cell
        paint = Paint("series-1" if is_correct else "series-2", opacity=round(opacity, 2))
        yield Box(x - size / 2, y - size / 2, size, size, paint)
        if self.has_numbers:
            font = min(SIZE, (self.cell - 3) * SIZE / text_width(f"{cell.count:,}", SIZE))
            yield Text(x, y + MIDDLE * font, f"{cell.count:,}", round(font, 1))

    def sentence(self, cell: Confusion) -> str:
        true, predicted = self.classes[cell.true], self.classes[cell.predicted]
        images = f"{cell.count:,} of {self.predictions.class_metrics[cell.true].images:,}"
        if cell.true == cell.predicted:
            return f"{true}: {images} correct"
        return f"{true} taken for {predicted}: {images}"


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A small image with lines of words below it."""

    pixels: npt.NDArray[np.uint8]  # (C, H, W), C is 1 or 3
    lines: tuple[str, ...]
    words: str  # the whole, for those who cannot see it

    def at(self, x: float, y: float, side: float) -> Pixels:
        """Return a mark that fills a square as far as the image's shape allows."""
        channels, rows, columns = self.pixels.shape
        scale = side / max(rows, columns)
        width, height = columns * scale, rows * scale
        left, top = x + (side - width) / 2, y + (side - height) / 2
        data = np.moveaxis(self.pixels, 0, 2).tobytes()
        return Pixels(left, top, width, height, (rows, columns), channels, data)


def make_thumbnail(image: npt.NDArray[np.uint8], lines: tuple[str, ...], words: str) -> Thumbnail:
    """Make an image (C, H, W) small enough; of other than 1 or 3 channels, the mean is shown."""
    channels, rows, columns = image.shape
    if channels not in (1, 3):
        image = np.rint(image.mean(axis=0, keepdims=True)).astype(np.uint8)
    if (size := bounded((rows, columns), _THUMBNAIL)) != (rows, columns):
        image = resize(image[np.newaxis], *size)[0]
    return Thumbnail(image, lines, words)


def mistake_thumbnails(predictions: Predictions, most: int = MOST_MISTAKES) -> list[Thumbnail]:
    """Show the worst mistakes: what was predicted and what is true, with both probabilities."""
    images = []
    for index in predictions.mistakes(most):
        places = int(predictions.predicted[index]), int(predictions.split.labels[index])
        name, truth = (predictions.classes[i] for i in places)
        both = predictions.confidence[index], predictions.truth[index]
        first, second = map(probability_text, both)
        lines = [f"predicted {name}, {first}", f"is {truth}, {second}"]
        file = predictions.image_name(index)
        lines.append(_end_of(file))
        words = f"{file}: predicted {name} ({first}), is {truth} ({second})"
        images.append(make_thumbnail(predictions.split.images[index], tuple(lines), words))
    return images


def _end_of(path: str) -> str:
    """Return the name of a file without its folders, and of a long one its end."""
    name = path.rpartition("/")[2]
    return name if len(name) <= _LONGEST_NAME else f"...{name[3 - _LONGEST_NAME :]}"


def first_windows(model: Model) -> npt.NDArray[np.float32] | None:
    """Return the weights (outputs, C, H, W) of the first layer, if there is something to see.

    C is 1 or 3; of other channels, the mean is returned.
    """
    step = next((step for step in model.plan.steps if step.weight), None)
    if step is None or step.weight is None:
        return None
    weight: npt.NDArray[np.float32] = step.weight.view(model.table)
    if weight.ndim == 2:
        if step is not model.plan.steps[0]:
            return None
        weight = weight.reshape(len(weight), *model.plan.input_shape)
    if weight[0, 0].size == 1 or not 0 < float(np.abs(weight).max()) < inf:
        return None  # a point shows nothing
    return weight if weight.shape[1] in (1, 3) else weight.mean(axis=1, keepdims=True)


def window_thumbnails(model: Model) -> list[Thumbnail]:
    """Show the weights of the first layer: white is above zero, black below."""
    weight = first_windows(model)
    if weight is None:
        return []
    name = next(step.name for step in model.plan.steps if step.weight)
    scale = 127.5 / float(np.abs(weight).max() or 1)
    pixels = np.rint(127.5 + scale * weight[:MOST_WINDOWS]).astype(np.uint8)
    words = f"{name}, output {{}}: its weights"
    return [make_thumbnail(image, (), words.format(i)) for i, image in enumerate(pixels)]


def draw_mistakes(predictions: Predictions, heading: str = "") -> Drawing:
    """Draw the worst mistakes as small images."""
    images = mistake_thumbnails(predictions)
    return draw_thumbnails(images, "Worst mistakes", heading, columns=6, side=112)


def draw_windows(images: Sequence[Thumbnail], heading: str = "") -> Drawing:
    """Draw the weights of the first layer as small images."""
    return draw_thumbnails(images, "First layer", heading, columns=8, side=56)


def draw_thumbnails(
    images: Sequence[Thumbnail], name: str, heading: str, *, columns: int, side: float
) -> Drawing:
    """Draw images in rows under a heading, as one picture."""
    columns = max(1, min(columns, len(images)))
    lines = max((len(image.lines) for image in images), default=0)
    wide, high = side + _GUTTER, side + 14 * lines + _GUTTER
    top = _top(heading)
    groups = [
        _image_group(image, MARGIN + i % columns * wide, top + i // columns * high, side)
        for i, image in enumerate(images)
    ]
    if not images:
        groups = [Group("", (label(MARGIN, top + 14, "none", "start"),))]
    width = max(columns * wide - _GUTTER, 260.0) + 2 * MARGIN
    height = top + max(1, ceil(len(images) / columns)) * high - _GUTTER + MARGIN
    words = "; ".join(image.words for image in images) or "none"
    return _finish(groups, (width, max(height, 80.0)), name, heading, f"{words}.")


def _image_group(image: Thumbnail, x: float, y: float, side: float) -> Group:
    marks: list[Mark] = [image.at(x, y, side)]
    for number, line in enumerate(image.lines, 1):
        words = shortened(line, 10, side + _GUTTER - 4)
        role = "text" if number == 1 else "muted"
        marks.append(Text(x, y + side + 14 * number - 1, words, 10, "start", role=role))
    return Group(image.words, tuple(marks))


def probability_text(probability: float) -> str:
    """Write a probability in percent; it is never 0 or 100 by rounding."""
    if 0 < probability < 0.0005:
        return "<0.1\u00a0%"
    return ">99.9\u00a0%" if 0.9995 <= probability < 1 else f"{100 * probability:.1f}\u00a0%"


def _top(heading: str) -> float:
    return MARGIN + HEADING * bool(heading)


def _finish(
    groups: Sequence[Group], size: tuple[float, float], name: str, heading: str, words: str
) -> Drawing:
    width, height = size
    if heading:
        groups = [Group(heading, (heading_text(heading, width - 2 * MARGIN),)), *groups]
    return Drawing(Scene(width, height, tuple(groups)), "auto", _title(name, heading), words)


def _title(name: str, heading: str) -> str:
    return f"{name}: {heading}" if heading else name
