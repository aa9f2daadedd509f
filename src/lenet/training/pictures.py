"""Pictures of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING

from lenet.drawing.chart import Chart, Series, draw_charts
from lenet.drawing.drawing import Drawing
from lenet.drawing.palette import SERIES

if TYPE_CHECKING:
    from lenet.training.history import EpochRecord

_TRAIN, _TEST = SERIES[:2]


def learning_curve(history: Sequence[EpochRecord], title: str, theme: str = "auto") -> Drawing:
    """Loss on the left, accuracies on the right, over the epochs.

    Args:
        history: an epoch at least.
        title: what was trained on what.
        theme: "auto", "light" or "dark".
    """

    def line(name: str, role: str, value: Callable[[EpochRecord], float], end: str) -> Series:
        points = tuple((record.epoch, value(record)) for record in history)
        return Series(f"{name} {points[-1][1]:{end}}", role, points)

    loss = line("train", _TRAIN, lambda record: record.loss, "#.3g")
    train = line("train", _TRAIN, lambda record: 100 * record.train_accuracy, ".2f")
    test = line("test", _TEST, lambda record: 100 * record.test_accuracy, ".2f")
    charts = (
        Chart("Cross-entropy loss in nats", "epoch", (loss,), (0, inf), from_zero=True),
        Chart("Accuracy in %", "epoch", (train, test), (0, 100)),
    )
    words = " ".join(chart.description for chart in charts)
    return Drawing(draw_charts(charts, title), theme, f"Learning curve: {title}", words)
