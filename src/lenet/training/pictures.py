"""Pictures of a run."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lenet.training.loop import EpochRecord

_BLUE, _ORANGE, _GREY = "#2563eb", "#ea580c", "#6b7280"


def draw_learning_curve(history: Sequence[EpochRecord], title: str) -> bytes:
    """Loss on the left, accuracies on the right, over the epochs, as PNG bytes."""
    # Slow to import, and a run needs it once, at its end.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    # A data set may be called anything: "$" is a dollar, and a letter the font lacks is a box.
    figure.suptitle(title, fontsize=11, color="#111827", parse_math=False)
    loss, accuracy = figure.subplots(1, 2)
    epochs = [record.epoch for record in history]
    marker = "o" if len(epochs) <= 30 else ""
    style: dict[str, Any] = {"marker": marker, "markersize": 3.5, "linewidth": 1.8}
    loss.plot(epochs, [record.loss for record in history], color=_BLUE, **style)
    loss.set(title="training loss", xlabel="epoch", ylabel="cross-entropy (nats)")
    loss.set_ylim(bottom=0)
    for name, color, values in (
        ("train", _BLUE, [100 * record.train_accuracy for record in history]),
        ("test", _ORANGE, [100 * record.test_accuracy for record in history]),
    ):
        accuracy.plot(epochs, values, color=color, label=f"{name} {values[-1]:.2f} %", **style)
    accuracy.set(title="accuracy", xlabel="epoch", ylabel="%")
    accuracy.legend(loc="lower right", frameon=False)
    for axes in (loss, accuracy):
        axes.title.set_fontsize(10)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=_GREY, labelsize=8)
        axes.xaxis.get_major_locator().set_params(integer=True)
    with io.BytesIO() as buffer, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure.savefig(buffer, format="png")
        return buffer.getvalue()
