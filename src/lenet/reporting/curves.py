"""What changes over the epochs: loss and accuracy, and the signal in each layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, inf
from typing import Final

from lenet.drawing.chart import Chart, Series, draw_charts
from lenet.drawing.drawing import Drawing
from lenet.drawing.scene import SERIES
from lenet.reporting.signals import LayerSignal

#: Points of a line, and lines of a chart, at most: more are not told apart.
_MOST_POINTS: Final = 400
_MOST_LAYERS: Final = len(SERIES)


def learning_charts(epochs: Sequence[Mapping[str, float]]) -> list[Chart]:
    """Loss, and accuracies in percent.

    Args:
        epochs: an epoch at least; each has its number under "epoch", its loss under "loss", and
            any number of others that end in "_loss" or "_accuracy".
    """
    names = list(epochs[0])
    losses = [name for name in names if name == "loss" or name.endswith("_loss")]
    rates = [name for name in names if name.endswith("_accuracy")]
    known = ["train", "test"]
    titles = {name: name.rpartition("_")[0] or "train" for name in losses + rates}
    known += [title for title in titles.values() if title not in known]

    def line(name: str, times: float, end: str) -> Series:
        points = tuple(
            (int(epoch["epoch"]), times * epoch.get(name, float("nan"))) for epoch in epochs
        )
        role = SERIES[known.index(titles[name]) % len(SERIES)]
        return Series(f"{titles[name]} {points[-1][1]:{end}}", role, thinned(points))

    loss = tuple(line(name, 1, "#.3g") for name in losses)
    rate = tuple(line(name, 100, ".2f") for name in rates)
    return [
        Chart("Cross-entropy loss in nats", "epoch", loss, (0, inf), from_zero=True),
        Chart("Accuracy in %", "epoch", rate, (0, 100)),
    ]


def learning_curve(
    epochs: Sequence[Mapping[str, float]], title: str, theme: str = "auto"
) -> Drawing:
    """Loss on the left, accuracies on the right, over the epochs.

    Args:
        epochs: as in :func:`learning_charts`.
        title: what was trained on what.
        theme: "auto", "light" or "dark".
    """
    return drawing(learning_charts(epochs), f"Learning curve: {title}", title, theme)


def signal_charts(signals: Sequence[LayerSignal]) -> list[Chart]:
    """Of each layer: its gradient in units of its weights, and how many of its outputs saturate.

    Of more layers than there are colours, so many are shown, evenly spread.
    """
    layers = list(dict.fromkeys(signal.layer for signal in signals))
    if len(layers) > _MOST_LAYERS:
        places = (round(i * (len(layers) - 1) / (_MOST_LAYERS - 1)) for i in range(_MOST_LAYERS))
        layers = [layers[place] for place in places]

    def lines(value: Callable[[LayerSignal], float | None]) -> tuple[Series, ...]:
        found = []
        for layer, role in zip(layers, SERIES, strict=False):
            values = ((s.epoch, value(s)) for s in signals if s.layer == layer)
            points = tuple((epoch, y) for epoch, y in values if y is not None)
            if points:
                found.append(Series(layer, role, thinned(points)))
        return tuple(found)

    gradient = lines(lambda signal: signal.relative_gradient)
    flat = lines(lambda signal: None if signal.saturated is None else 100 * signal.saturated)
    charts = [Chart("Gradient, in parts of the weights", "epoch", gradient, logarithmic=True)]
    if flat:
        charts.append(Chart("Saturated outputs in %", "epoch", flat, (0, 100), from_zero=True))
    return charts


def signal_curve(signals: Sequence[LayerSignal], title: str, theme: str = "auto") -> Drawing:
    """Both charts beside each other."""
    return drawing(signal_charts(signals), f"Signal by layer: {title}", title, theme)


def drawing(charts: Sequence[Chart], title: str, heading: str = "", theme: str = "auto") -> Drawing:
    """Charts as one picture."""
    words = " ".join(chart.description for chart in charts)
    return Drawing(draw_charts(charts, heading), theme, title, words)


def thinned(points: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    """The points themselves; of too many, the last and every so manieth before it."""
    step = ceil(len(points) / _MOST_POINTS)
    return points[(len(points) - 1) % step :: step] if step > 1 else points
