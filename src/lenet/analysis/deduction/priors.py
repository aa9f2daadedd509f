"""Which of the windows that fit is meant? What is common counts, by the points of two tables.

Points are added up, and more is better. Those of a window are counted on each axis by itself and
then added: on a square they count twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import Final, NamedTuple

from lenet.analysis.deduction.figure import Stage
from lenet.analysis.deduction.solve import Axis
from lenet.net import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d

CONV: Final = "conv"
POOL: Final = "pool"
DENSE: Final = "dense"
#: What each is called in a sentence.
SPELLED: Final = {CONV: "convolution", POOL: "pooling", DENSE: "dense layer"}

Reasons = tuple[tuple[int, str], ...]
#: A layer's kind, and its window on the height and on the width.
Form = tuple[str, Axis | None, Axis | None]


class _OnAxis(NamedTuple):
    """A prior on one axis: its points, and how often it applies to a window on so many pixels."""

    points: int
    why: str
    kinds: tuple[str, ...]
    times: Callable[[Axis, int], int]


_BOTH: Final = (CONV, POOL)
ON_AXIS: Final = (
    _OnAxis(+2, "odd kernel", (CONV,), lambda axis, size: axis.kernel % 2),
    _OnAxis(+3, "stride 1", (CONV,), lambda axis, size: axis.stride == 1),
    _OnAxis(+3, "the stride divides the size", (CONV,), lambda axis, size: axis.divides(size)),
    _OnAxis(+8, "channels stay, the map shrinks", (POOL,), lambda axis, size: axis.stride > 1),
    _OnAxis(+2, "windows side by side", (POOL,), lambda axis, size: axis.is_tile),
    _OnAxis(+3, "no padding", _BOTH, lambda axis, size: axis.padding == 0),
    _OnAxis(+2, "half the kernel padded", (CONV,), lambda axis, size: axis.is_same),
    _OnAxis(+1, "both sides padded alike", _BOTH, lambda axis, size: axis.is_even),
    _OnAxis(-1, "each 2 beyond kernel 3", _BOTH, lambda axis, size: axis.kernel // 2 - 1),
    _OnAxis(-2, "each unread pixel at the end", _BOTH, lambda axis, size: axis.unread(size)),
    _OnAxis(-3, "kernel exceeds the map", _BOTH, lambda axis, size: axis.kernel > size),
    _OnAxis(-4, "kernel sees no neighbours", _BOTH, lambda axis, size: axis.kernel == 1 < size),
)

#: Priors on a whole layer. The last is small: it only chooses between equals.
_SQUARE: Final = (+4, "square kernel")
_ONE_STRIDE: Final = (+2, "square stride")
_WHOLE: Final = (+8, "one window covers the map")
_DENSE: Final = (+6, "numbers without height and width are a dense layer's")
_NAMED: Final = (+12, "the figure's name says so")
_AGAIN: Final = (+1, "the same as an earlier layer")
ON_LAYERS: Final = (_SQUARE, _ONE_STRIDE, _WHOLE, _DENSE, _NAMED, _AGAIN)

#: How figures call their layers: LeNet-5's C1, S2, F6 and today's words.
_NAMES: Final = {
    CONV: re.compile(r"conv|c\d"),
    POOL: re.compile(r"(max|avg|average|mean|sub|s\d|p\d|.*pool)"),
    DENSE: re.compile(r"fc|f\d|dense|linear|full|ip\d"),
}
_AVERAGE: Final = re.compile(r"avg|average|mean")


@dataclass(frozen=True)
class Candidate:
    """One way to make a step: a convolution, a pooling ("pool") or a dense layer.

    ``height`` and ``width`` are its window on each axis, None for a dense layer. ``reasons`` are
    the points and priors that add up to ``score``.
    """

    kind: str
    height: Axis | None = None
    width: Axis | None = None
    reasons: Reasons = ()

    @cached_property
    def score(self) -> int:
        """The points of all priors."""
        return sum(points for points, _ in self.reasons)

    @property
    def form(self) -> Form:
        """The layer but for its number of channels."""
        return self.kind, self.height, self.width

    def layer(
        self, width: int, activation: str, average: bool = False, batch_norm: bool = False
    ) -> Layer:
        """The layer, with so many channels or units."""
        if self.height is None or self.width is None:
            return Dense(width, activation)
        kernel = (self.height.kernel, self.width.kernel)
        stride = (self.height.stride, self.width.stride)
        sides = (self.height.before, self.height.after, self.width.before, self.width.after)
        if self.kind == CONV:
            return Conv2d(width, kernel, stride, sides, activation, batch_norm)
        return (AvgPool2d if average else MaxPool2d)(kernel, stride, sides)


def kinds(source: Stage, target: Stage) -> tuple[str, ...]:
    """The kinds of layer that can lead from one shape to the next; none from vector to maps."""
    if len(source.shape) < len(target.shape):
        return ()
    if len(target.shape) == 1:
        return (DENSE,) if len(source.shape) == 1 else (DENSE, CONV)
    return (CONV, POOL) if source.shape[0] == target.shape[0] else (CONV,)


def is_average(name: str) -> bool:
    """Does the figure's name say that a pooling averages?"""
    return bool(_AVERAGE.match(name.lower()))


def rank(
    source: Stage,
    target: Stage,
    allowed: Collection[str],
    axes: tuple[tuple[Axis, ...], tuple[Axis, ...]],
    earlier: Container[Form],
) -> tuple[Candidate, ...]:
    """The candidates of these kinds with these windows, best first.

    Args:
        source: what goes in.
        target: what comes out.
        allowed: the kinds to consider.
        axes: the windows that fit the height and the width.
        earlier: the forms that were chosen for the steps before.
    """
    found = [
        candidate for kind in allowed for candidate in _scored(kind, source, target, axes, earlier)
    ]
    return tuple(sorted(found, key=lambda one: _order(one, source)))


def _scored(
    kind: str,
    source: Stage,
    target: Stage,
    axes: tuple[tuple[Axis, ...], tuple[Axis, ...]],
    earlier: Container[Form],
) -> Iterator[Candidate]:
    whole = (_NAMED,) if is_named(kind, target.name) else ()
    if kind == DENSE:
        yield Candidate(DENSE, reasons=(_DENSE, *whole))
        return
    _, *sizes = source.shape
    if len(target.shape) == 1:  # its only window covers the map: nothing to choose
        yield from (Candidate(kind, *pair, reasons=whole) for pair in product(*axes))
        return
    _, *results = target.shape
    is_alike = sizes[0] == sizes[1] and results[0] == results[1]
    for height, width in _pairs(*axes, sizes, is_alike):
        if kind == POOL and not (_is_poolable(height) and _is_poolable(width)):
            continue
        reasons = [*_reasons(kind, height, sizes[0]), *_reasons(kind, width, sizes[1]), *whole]
        if height.kernel == width.kernel:
            reasons += [_SQUARE] + [_ONE_STRIDE] * (height.stride == width.stride)
        if _is_whole(height, width, sizes):
            reasons.append(_WHOLE)
        if (kind, height, width) in earlier:
            reasons.append(_AGAIN)
        yield Candidate(kind, height, width, tuple(reasons))


def _pairs(
    heights: tuple[Axis, ...], widths: tuple[Axis, ...], sizes: list[int], is_alike: bool
) -> list[tuple[Axis, Axis]]:
    """Windows as alike on both axes as these allow.

    The same where the map is square, else those with a square kernel or over the whole map; only
    if that leaves none, whatever fits.
    """
    if is_alike and (same := [(axis, axis) for axis in heights if axis in widths]):
        return same
    pairs = list(product(heights, widths))
    likely = [
        (height, width)
        for height, width in pairs
        if height.kernel == width.kernel or _is_whole(height, width, sizes)
    ]
    return likely or pairs


def _is_whole(height: Axis, width: Axis, sizes: list[int]) -> bool:
    return [height.kernel, width.kernel] == sizes and not height.padding and not width.padding


@lru_cache(maxsize=16_384)
def _reasons(kind: str, axis: Axis, size: int) -> Reasons:
    return tuple(
        (prior.points * times, prior.why)
        for prior in ON_AXIS
        if kind in prior.kinds and (times := int(prior.times(axis, size))) > 0
    )


def _is_poolable(axis: Axis) -> bool:
    """No side of a pooling's padding may be as large as its window."""
    return max(axis.before, axis.after) < axis.kernel


def is_named(kind: str, name: str) -> bool:
    """Does the figure's name say that a layer is of this kind?"""
    return bool(_NAMES[kind].match(name.lower()))


def _order(candidate: Candidate, source: Stage) -> tuple[int, ...]:
    """Most points first; of equals, what reads most, pads least, is smallest."""
    axes = [axis for axis in (candidate.height, candidate.width) if axis]
    unread = sum(axis.unread(size) for axis, size in zip(axes, source.shape[1:], strict=False))
    padding = sum(axis.padding for axis in axes)
    kernel = sum(axis.kernel for axis in axes)
    return -candidate.score, unread, padding, kernel, candidate.kind == POOL
