"""How the signal fares in each layer: do outputs saturate, and does the gradient arrive?

With sigmoids a gradient shrinks at every layer on its way back, because the slope of a sigmoid is
a quarter at most and next to nothing where it saturates (Hochreiter 1991; Glorot and Bengio 2010,
section 3). These are the numbers that show it, measured on a few training images after each epoch.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from math import ceil, log10
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet import files
from lenet.data import Split
from lenet.engine.native import make_engine
from lenet.engine.plan import Floats, Plan
from lenet.engine.results import Engine
from lenet.errors import LenetError
from lenet.model import Model
from lenet.net.layers import LEAKY_SLOPE

FILE: Final = "signals.csv"
#: An output counts as saturated where its slope is less than this part of the largest there is.
FLAT: Final = 0.05
#: The largest slope of silu, at 2.3994.
_STEEPEST_SILU: Final = 1.0998
#: From here on only every tenth epoch is looked at, ten times as far every hundredth, and so on.
_OFTEN: Final = 400
#: Images looked at: at most this many, this part of the training images, these multiply-adds.
_MOST: Final = 32
_SHARE: Final = 1 / 600
_BUDGET: Final = 2 * 10**7


@dataclass(frozen=True)
class LayerSignal:
    """What flows through one layer after an epoch; RMS is the root of the mean square.

    Attributes:
        epoch: from 1; 0 is before the first.
        layer: its name.
        weight: RMS of its weights, without the biases.
        gradient: RMS of the loss's gradient by these weights.
        output: RMS of its outputs, activation included.
        saturated: share of its outputs, from 0 to 1, at which the activation's slope is below
            :data:`FLAT` of its largest (of relu: the zeros); None without an activation.
    """

    epoch: int
    layer: str
    weight: float
    gradient: float
    output: float
    saturated: float | None

    @property
    def relative_gradient(self) -> float:
        """The gradient in units of the weights it is to change."""
        return self.gradient / self.weight if self.weight else 0.0


_COLUMNS: Final = tuple(field.name for field in fields(LayerSignal))


def sample_size(model: Model, images: int) -> int:
    """How many of ``images`` training images to look at, so that it costs next to nothing.

    A budget of multiply-adds bounds the time for large networks, a share of the data that for
    small data sets.
    """
    steps = model.plan.steps
    work = sum(
        step.weight.size * step.output_shape[1] * step.output_shape[2]
        for step in steps
        if step.weight
    )
    least = min(images, 8 if work <= _BUDGET else 1)
    return max(least, min(_MOST, int(images * _SHARE), _BUDGET // max(1, work)))


@np.errstate(all="ignore")  # what overflows is shown as such
def layer_signals(
    model: Model,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer[Any]],
    engine: Engine,
    epoch: int = 0,
) -> list[LayerSignal]:
    """Measure every layer that has weights.

    Args:
        model: with the weights of the moment.
        images: (N, C, H, W) of the network's own shape, a few.
        labels: (N,).
        engine: one that runs the model's plan.
        epoch: what to write down with it.
    """
    table, pixels = model.table, model.preprocessing.scale_and_shift()
    gradient = engine.gradient(table, images, labels, *pixels).gradient
    found = []
    for index, step in enumerate(model.plan.steps):
        if step.weight is None:
            continue
        # silu falls and rises: its output does not tell its slope, what it is applied to does.
        before = step.activation == "silu"
        cut = _cut(model.plan, index, "identity" if before else step.activation)
        values = make_engine(cut, threads=1).scores(table, images, *pixels)
        slope = _slope(step.activation, values)
        found.append(
            LayerSignal(
                epoch=epoch,
                layer=step.name,
                weight=_rms(step.weight.view(table)),
                gradient=_rms(step.weight.view(gradient)),
                output=_rms(values * _sigmoid(values) if before else values),
                saturated=None if slope is None else float((slope < FLAT).mean()),
            )
        )
    return found


def _cut(plan: Plan, index: int, activation: str) -> Plan:
    """The plan as far as step ``index``: its scores are that step's outputs, (N, outputs).

    An engine for it is made in microseconds, and runs it many times faster than NumPy would.
    """
    last = replace(plan.steps[index], pool_first=False, activation=activation)
    return Plan(plan.input_shape, (*plan.steps[:index], last), plan.table_size)


class SignalLog:
    """Measures while a run goes on, and writes ``signals.csv`` into its folder.

    Attributes:
        found: what was measured so far.
        latest: the last of it, of one epoch.
    """

    def __init__(self, folder: Path) -> None:
        self.found: list[LayerSignal] = []
        self.latest: list[LayerSignal] = []
        self._path = folder / FILE
        self._sample: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]] | None = None
        self._works = True

    def measure(self, model: Model, part: Split, engine: Engine, epoch: int) -> None:
        """Measure on a few images of ``part``, always the same; a training never fails for it."""
        if not self._works or epoch % _step(epoch):
            return
        try:
            if self._sample is None:
                self._sample = _draw_sample(model, part)
            self.latest = layer_signals(model, *self._sample, engine, epoch)
            self.found += self.latest
        except (LenetError, MemoryError):  # too little memory for it: the training may still fit
            self._works = False

    def take_up(self, epochs: int) -> None:
        """Go on with a file that was begun, from what it says of the first ``epochs`` epochs."""
        with suppress(OSError, ValueError, LenetError):  # damaged or gone: what follows still is
            lines = from_csv(self._path.read_text(encoding="utf-8"))
            self.found = [signal for signal in lines if signal.epoch <= epochs]

    def write(self, durable: bool = True) -> None:
        """Write what there is; see :func:`lenet.files.write_pieces`.

        Raises:
            OutputError: the file cannot be written.
        """
        if self.found:
            files.write_text(self._path, to_csv(self.found), durable)


def _step(epoch: int) -> int:
    """How many epochs apart they are looked at."""
    step: int = 10 ** max(0, ceil(log10(max(1, epoch) / _OFTEN)))
    return step


def _draw_sample(model: Model, part: Split) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Images from the whole of the part: it may be sorted by class."""
    count = sample_size(model, len(part))
    places = np.linspace(0, len(part) - 1, count).astype(np.int64)
    images = np.ascontiguousarray(model.preprocessing.prepare(part.images[places]))
    return images, part.labels[places].astype(np.int32)


def to_csv(signals: Iterable[LayerSignal]) -> str:
    """A line a layer and epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(signal) for signal in signals)
    return text.getvalue()


def from_csv(text: str) -> list[LayerSignal]:
    """The inverse of :func:`to_csv`.

    Raises:
        ValueError: it is nothing that :func:`to_csv` wrote.
    """
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise ValueError(f"its first line is not {','.join(_COLUMNS)}")
    try:
        return [
            LayerSignal(
                int(row["epoch"]),
                row["layer"],
                float(row["weight"]),
                float(row["gradient"]),
                float(row["output"]),
                float(row["saturated"]) if row["saturated"] else None,
            )
            for row in reader
        ]
    except (TypeError, csv.Error) as error:  # a line that ends early
        raise ValueError(str(error)) from error


def _slope(activation: str, values: Floats) -> Floats | None:
    """The size of the slope at each output (silu: input), in parts of the largest there is."""
    match activation:
        case "sigmoid":
            return 4 * values * (1 - values)
        case "tanh":
            return 1 - values * values
        case "relu":
            return np.where(values > 0, np.float32(1), np.float32(0))
        case "leaky-relu":
            return np.where(values > 0, np.float32(1), np.float32(LEAKY_SLOPE))
        case "silu":
            share = _sigmoid(values)
            slope: Floats = np.abs(share + values * share * (1 - share)) / _STEEPEST_SILU
            return slope
        case _:
            return None


def _sigmoid(values: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-values))
    return found


def _rms(values: Floats) -> float:
    # Not as a product with itself: that would wake the threads of NumPy's algebra, and wait.
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))
