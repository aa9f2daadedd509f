"""One number being made: the window it sees, the kernel, the products, and what follows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.engine import operations
from lenet.engine.normalise import EPSILON
from lenet.engine.plan import Step
from lenet.errors import UsageError
from lenet.model import Model
from lenet.net.layers import ACTIVATIONS
from lenet.net.shapes import elements
from lenet.net.words import check_key, shown

Floats = npt.NDArray[np.float64]

_NAMED: Final = re.compile(
    r"\s*([^\s\[\]]+)\s*\[\s*(\d{1,9})\s*(?:,\s*(\d{1,9})\s*,\s*(\d{1,9})\s*)?\]\s*"
)


@dataclass(frozen=True)
class Term:
    """A step on the way to a number: what it is called, how it is reckoned, what comes of it."""

    words: str
    formula: str
    value: float


@dataclass(frozen=True, eq=False)
class Unit:
    """How one number of a layer's output comes about.

    Attributes:
        layer: the layer's name.
        place: (channel, row, column) or (unit,), counted from 0.
        maps: which maps of the layer before are looked at, (C,) indices; of numbers none.
        start: the row and the column of the window's upper left corner; below 0 in the padding.
        window: (C, h, w) the numbers that it sees.
        kernel: (C, h, w) the weights; None of a pooling.
        is_padding: (h, w) whether each place of the window is in the padding.
        terms: the steps from the products to the value.
        value: the number, as the network has it.
        is_distance: whether the weights are a target, and the products squared differences.
    """

    layer: str
    place: tuple[int, ...]
    maps: tuple[int, ...]
    start: tuple[int, int]
    window: Floats
    kernel: Floats | None
    is_padding: npt.NDArray[np.bool_]
    terms: tuple[Term, ...]
    value: float
    is_distance: bool = False

    @property
    def name(self) -> str:
        """The layer with the place: ``conv1[3,5,7]``."""
        return f"{self.layer}[{','.join(map(str, self.place))}]"

    @property
    def products(self) -> Floats:
        """(C, h, w) what is added up: numbers times weights, or minus squared differences."""
        if self.kernel is None:
            return self.window
        if self.is_distance:
            return np.asarray(-((self.window - self.kernel) ** 2))
        return self.window * self.kernel

    @property
    def formula(self) -> str:
        """How each of the products is reckoned."""
        return "-(x - w)^2" if self.is_distance else "x w"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as values for JSON."""
        return {
            "unit": self.name,
            "maps": list(self.maps),
            "start": list(self.start),
            "window": self.window.tolist(),
            "kernel": None if self.kernel is None else self.kernel.tolist(),
            "terms": [vars(term) for term in self.terms],
            "value": self.value,
        }


def read_place(model: Model, text: object) -> tuple[int, tuple[int, ...]]:
    """Read ``conv1[3,5,7]`` or ``dense0[17]``: which layer, and which of its numbers.

    Raises:
        UsageError: it is not written so, or there is no such layer or number.
    """
    found = _NAMED.fullmatch(text) if isinstance(text, str) and len(text) < 200 else None
    if not found:
        what = f"the unit is {shown(text)}"
        allowed = "write a layer with channel, row and column, such as conv1[3,5,7], or dense0[17]"
        raise UsageError(f"{what}; {allowed}.", parameter="unit")
    check_key(found[1], model.network.names, "the network")
    index = model.network.names.index(found[1])
    place = tuple(int(part) for part in found.groups()[1:] if part is not None)
    shape = model.network.placed[index].output_shape
    if len(place) != len(shape) or any(at >= size for at, size in zip(place, shape, strict=True)):
        ends = ",".join(str(size - 1) for size in shape)
        zeros = ",".join("0" for _ in shape)
        what = f"{found[1]} has no number [{','.join(map(str, place))}]"
        raise UsageError(
            f"{what}; it has {found[1]}[{zeros}] to {found[1]}[{ends}].", parameter="unit"
        )
    return index, place


def make_unit(
    model: Model, index: int, place: tuple[int, ...], seen: npt.NDArray[Any], value: float
) -> Unit:
    """Return how a number comes about; ``seen`` is what its layer reads: (C, H, W) or (I,)."""
    step = model.plan.steps[index]
    x = seen.astype(np.float64)
    if step.kind in ("dense", "rbf"):
        return _flat(model, step, place, x, value)
    maps = maps_read(step, place[0])
    top, left = window_start(step, place[1:])
    outside = -np.inf if step.kind == "maxpool" else 0.0
    window, is_padding = _window(step, x[list(maps)], top, left, outside)
    kernel, terms = None, _pooled(step, window, is_padding)
    if step.weight is not None:
        own = step.weight.view(model.table)[place[0]].astype(np.float64)
        kernel = np.broadcast_to(own, window.shape)  # a subsampling has one weight everywhere
        terms = _summed(model, step, place[0], window, kernel)
    return Unit(step.name, place, maps, (top, left), window, kernel, is_padding, terms, value)


def _flat(model: Model, step: Step, place: tuple[int, ...], x: Floats, value: float) -> Unit:
    """Return the number of a dense or RBF layer, whose kernel is as large as all that it reads."""
    assert step.weight is not None
    window = x if x.ndim == 3 else x.reshape(1, 1, -1)
    kernel = step.weight.view(model.table)[place[0]].astype(np.float64).reshape(window.shape)
    maps = tuple(range(len(window))) if x.ndim == 3 else ()
    nowhere = np.zeros(window.shape[1:], bool)
    at = step.name, place, maps, (0, 0), window, kernel, nowhere
    if step.kind == "dense":
        return Unit(*at, _summed(model, step, place[0], window, kernel), value)
    total = float(((window - kernel) ** 2).sum())
    terms = (
        Term(f"the sum of {window.size:,} squared differences", "s = sum((x - w)^2)", total),
        Term("the nearer, the larger", "-s", -total),
    )
    return Unit(*at, terms, value, is_distance=True)


def maps_read(step: Step, channel: int) -> tuple[int, ...]:
    """Return which maps a channel reads: its group's, or of a pooling its own."""
    if step.weight is None or step.kind == "subsample":
        return (channel,)
    each = step.input_shape[0] // step.groups
    first = channel // (step.output_shape[0] // step.groups) * each
    return tuple(range(first, first + each))


def window_start(step: Step, place: Sequence[int]) -> tuple[int, int]:
    """Return the first row and column that the number at (row, column) sees; below 0 is padding."""
    top, left = (at * step.stride[i] - step.padding[2 * i] for i, at in enumerate(place))
    return top, left


def _window(
    step: Step, maps: Floats, top: int, left: int, outside: float
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Cut a window (C, h, w) out of maps (C, H, W), and say which of it is padding."""
    rows, columns = (
        np.arange(start, start + size)
        for start, size in zip((top, left), step.kernel_size, strict=True)
    )
    _, height, width = maps.shape
    is_inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    window = maps[:, rows.clip(0, height - 1)][:, :, columns.clip(0, width - 1)]
    return np.where(is_inside, window, outside), ~is_inside


def _pooled(step: Step, window: Floats, is_padding: npt.NDArray[np.bool_]) -> tuple[Term, ...]:
    count = elements(step.kernel_size)
    if step.kind == "maxpool":
        return (
            Term(
                f"the largest of {count - int(is_padding.sum())} numbers",
                "max(x)",
                float(window.max()),
            ),
        )
    total = float(window.sum())
    return (
        Term(f"the sum of {count} numbers", "s = sum(x)", total),
        Term("their mean", f"s / {count}", total / count),
    )


def _summed(
    model: Model, step: Step, channel: int, window: Floats, kernel: Floats
) -> tuple[Term, ...]:
    """Return the terms from the products to the value."""
    assert step.bias is not None
    total = float((window * kernel).sum())
    bias = float(step.bias.view(model.table)[channel])
    terms = [Term(f"the sum of {window.size:,} products", "s = sum(x w)", total)]
    z, formula = total, "s + b"
    if step.norm is not None:
        scale, mean, variance = (float(tensor.view(model.table)[channel]) for tensor in step.norm)
        z = (total - mean) / np.sqrt(variance + EPSILON) * scale
        how = f"n = (s - mean) / sqrt(variance + {EPSILON:g}) scale"
        words = (
            f"normalised: mean {mean:.4g}, variance {variance:.4g}, scale {scale:.4g}, as learnt"
        )
        terms.append(Term(words, how, float(z)))
        formula = "n + b"
    z += bias
    words = "the bias of this unit" if step.kind == "dense" else "the bias, one for each map"
    terms.append(Term(words, "b", bias))
    terms.append(Term("the pre-activation", f"z = {formula}", float(z)))
    made = float(operations.activate(step.activation, np.array([z]))[0])
    if step.activation != "identity":
        terms.append(
            Term(f"the activation, {step.activation}", ACTIVATIONS[step.activation].formula, made)
        )
    return tuple(terms)
