"""What one looks at while a training goes on: the signal in each layer, and TensorBoard's files.

With sigmoids a gradient shrinks at every layer on its way to the first, because the derivative of a
sigmoid is a quarter at most and next to nothing where it saturates (Hochreiter 1991; Glorot and
Bengio 2010, section 3). The signals are the numbers that show it, measured on a few training images
after each epoch.

Saturated are the outputs of a sigmoid or tanh. The zeros of a relu are another thing: they make its
outputs sparse (Glorot, Bordes and Bengio 2011). Only a unit that is zero for every image is dead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from math import ceil, log10
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.data import Split
from lenet.engine.engine import Engine, Samples
from lenet.engine.native import make_engine
from lenet.engine.operations import apply, derivative, read_inputs
from lenet.engine.plan import Floats, Plan, Step, Tensor
from lenet.errors import LenetError, needing
from lenet.model import Model
from lenet.net import Network
from lenet.net.layers import ACTIVATIONS
from lenet.run_folder import TENSORBOARD, LayerSignal, read_signals, write_signals

#: An output of a sigmoid or tanh counts as saturated where the activation's derivative is less than
#: this share of the largest that there is.
FLAT: Final = 0.05
#: Deeper networks are passed through once, in NumPy. Through others the native engine runs anew for
#: every layer, as far as that: it is faster, but grows with the square of the depth.
_DEEP: Final = 40
#: From here on only every tenth epoch is looked at, ten times as far every hundredth, and so on.
_OFTEN: Final = 400
#: Images looked at: at most this many, this share of the training images, these multiply-adds.
_MOST: Final = 32
_SHARE: Final = 1 / 40
_BUDGET: Final = 2 * 10**7


def sample_size(model: Model, images: int) -> int:
    """Return how many of ``images`` training images to look at, so that it costs next to nothing.

    A budget of multiply-adds bounds the time of large networks, a share that of small data.
    """
    steps = [(step.weight, step.output_shape) for step in model.plan.steps]
    work = sum(weight.size * shape[1] * shape[2] for weight, shape in steps if weight)
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
    """Measure every layer that has weights, on a few images (N, C, H, W) and their labels (N,)."""
    table, pixels = model.table, model.preprocessing.scale_and_shift()
    gradient = engine.gradient(table, Samples(images, labels, *pixels)).gradient
    signals = []
    for step, weight, outputs in _outputs(model, images):
        size, slope, output = map(_rms, (weight.view(table), weight.view(gradient), outputs))
        shares = _shares(step.activation, outputs.reshape(len(images), step.output_shape[0], -1))
        signals.append(LayerSignal(epoch, step.name, size, slope, output, *shares))
    return signals


def _shares(name: str, outputs: Floats) -> tuple[float | None, float | None, float | None]:
    """Return which shares of outputs (N, units, positions) are saturated and zero, and which share
    of units is zero in all of them; None where the activation knows no such thing."""
    activation = ACTIVATIONS[name]
    saturated = sparsity = dead = None
    if activation.saturates:
        slopes = np.abs(derivative(name, outputs)) / activation.steepest
        saturated = float((slopes < FLAT).mean())
    if activation.sparse:
        zeros = outputs == 0
        sparsity, dead = float(zeros.mean()), float(zeros.all(axis=(0, 2)).mean())
    return saturated, sparsity, dead


def _outputs(model: Model, images: npt.NDArray[np.uint8]) -> Iterator[tuple[Step, Tensor, Floats]]:
    """Yield every step that has weights, its weights, and its outputs (N, ...) for ``images``."""
    plan, table = model.plan, model.table
    scale, shift = model.preprocessing.scale_and_shift()
    is_deep = len(plan.steps) > _DEEP
    outputs: Floats = np.empty(0, np.float32)
    if is_deep:
        pixels = images * scale[:, None, None] + shift[:, None, None]
        outputs = pixels.astype(np.float32)
    for index, step in enumerate(plan.steps):
        if is_deep:
            outputs = apply(step, read_inputs(step, outputs, table))
        elif step.weight:
            outputs = make_engine(_cut(plan, index), 1).scores(table, images, scale, shift)
        if step.weight:
            yield step, step.weight, outputs


def _cut(plan: Plan, index: int) -> Plan:
    """Return the plan as far as step ``index``: its scores are that step's outputs, (N, outputs).

    An engine for it is made in microseconds, and runs it many times faster than NumPy would.
    """
    last = replace(plan.steps[index], pool_first=False)
    return Plan(plan.input_shape, (*plan.steps[:index], last), plan.table_size)


class SignalLog:
    """Measures while a run goes on, and writes ``signals.csv`` into its folder."""

    def __init__(self, folder: Path) -> None:
        self.signals: list[LayerSignal] = []  # what was measured so far
        self.latest: list[LayerSignal] = []  # the last of it, of one epoch
        self._folder = folder
        self._sample: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]] | None = None
        self._works = True

    def measure(self, model: Model, split: Split, engine: Engine, epoch: int) -> None:
        """Measure on a few images of ``split``, always the same, once per epoch; a training never
        fails for it."""
        apart = 10 ** max(0, ceil(log10(max(1, epoch) / _OFTEN)))
        is_known = bool(self.signals) and epoch <= self.signals[-1].epoch
        if not self._works or is_known or epoch % apart:
            return
        try:
            if self._sample is None:  # from the whole of the split: it may be sorted by class
                count = sample_size(model, len(split))
                chosen = split.chosen(np.linspace(0, len(split) - 1, count).astype(np.int64))
                images = np.ascontiguousarray(model.preprocessing.prepare(chosen.images))
                self._sample = images, chosen.labels.astype(np.int32)
            self.latest = layer_signals(model, *self._sample, engine, epoch)
            self.signals += self.latest
        except (LenetError, MemoryError):  # too little memory for it: the training may still fit
            self._works = False

    def resume(self, epochs: int, network: Network) -> None:
        """Read the file of a run that goes on; what is of ``epochs`` and later is measured again.

        A DataError says that the file is damaged: what it had is lost.
        """
        known = read_signals(self._folder, network)
        self.signals = [one for one in known if one.epoch < epochs]

    def write(self, durable: bool = True) -> None:
        """Write what there is."""
        if self.signals:
            write_signals(self._folder, self.signals, durable)


def _rms(values: Floats) -> float:
    # Not as a product with itself: that would wake the threads of NumPy's algebra, and wait.
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))


class TensorBoard:
    """Event files in a folder within the run's, for ``tensorboard --logdir runs``, written from the
    first epoch on. A training never fails for them: what cannot be written is left out.
    """

    def __init__(self, run: Path) -> None:
        instead = "look at the page of the run"
        with needing("TensorBoard", "for its files", "tensorboard", instead):
            import tensorboard  # noqa: F401 - its writer takes long to load, and is for later
        self._folder = run / TENSORBOARD
        self._writer: Any = None
        self._last = self._newest_epoch()

    def _newest_epoch(self) -> int:
        """Return the last epoch that the files of a run that goes on hold."""
        paths = sorted(self._folder.glob("events*"))
        if not paths:
            return 0
        with suppress(Exception):  # a damaged file costs no training
            from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

            return max(int(e.step) for path in paths for e in EventFileLoader(str(path)).Load())
        return 0

    def write(self, epoch: Mapping[str, Any], signals: Iterable[LayerSignal]) -> None:
        """Write what an epoch yielded, by name, and those of the signals that are of it; what is
        written already is not written again."""
        number = int(epoch["epoch"])
        if number <= self._last:
            return
        self._last = number
        values = {f"run/{name}": value for name, value in epoch.items() if name != "epoch"}
        for signal in signals:
            if signal.epoch == number:
                values[f"relative gradient/{signal.layer}"] = signal.relative_gradient
                for name in ("saturated", "sparsity", "dead"):
                    values[f"{name}/{signal.layer}"] = getattr(signal, name)
        with suppress(OSError):
            if self._writer is None:
                from tensorboard.summary import Writer  # slow to import, and an extra

                self._writer = Writer(str(self._folder))
            for name, value in values.items():
                if value is not None:
                    self._writer.add_scalar(name, float(value), step=number)
            self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        with suppress(OSError):
            if self._writer:
                self._writer.close()
        self._writer = None
