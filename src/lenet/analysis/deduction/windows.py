"""The size formula solved backwards: which windows make one shape of another, likeliest first?

On one axis, floor((n - k + p + s) / s) = m holds exactly if (m - 1) s <= n - k + p < m s. So kernel
and stride leave at most s values for the padding, and nothing is searched over sizes.

Of the windows that fit, what is common counts, by the points of two tables. Points are added up,
and more is better. Those of a window are counted on each axis by itself and then added: on a
square they count twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import Any, Final

from lenet.net import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Shape
from lenet.net.layers import Pool2d, Sides, padding_text
from lenet.net.shapes import Pair, elements, output_size, pair_text, size_text

#: Where windows are looked for. Total padding is always smaller than the kernel, and the stride
#: not larger than it, so that no window sees padding alone and no pixel falls between windows.
MAX_KERNEL: Final = 11
MAX_STRIDE: Final = 4

#: The kinds of layer, by what names of such layers begin with, and what each is called.
CONV, POOL, DENSE = Conv2d.stem, Pool2d.stem, Dense.stem
#: No layer: a map's numbers as one vector, as every dense layer reads them.
FLAT: Final = "flatten"
SPELLED: Final = {layer.stem: layer.noun for layer in (Conv2d, Pool2d, Dense)}


@dataclass(frozen=True)
class Axis:
    """A window on one axis: kernel, stride, and the padding before and after, in pixels."""

    kernel: int
    stride: int
    before: int = 0
    after: int = 0

    @property
    def padding(self) -> int:
        """Both sides together, the p of the formula."""
        return self.before + self.after

    @property
    def overlap(self) -> int:
        """How many pixels a window shares with the next."""
        return self.kernel - self.stride

    @property
    def is_tile(self) -> bool:
        """Do windows stand side by side, on pixels alone?"""
        return self.kernel == self.stride and self.padding == 0

    @property
    def is_same(self) -> bool:
        """Is half the kernel padded on either side?"""
        return 2 * self.before == 2 * self.after == self.kernel - 1

    def is_expected(self, size: int) -> bool:
        """Is it within the bounds, or does it tile or cover the axis?"""
        is_small = self.kernel <= MAX_KERNEL and self.stride <= min(self.kernel, MAX_STRIDE)
        is_usual = is_small and self.padding < self.kernel
        return is_usual or (self.is_tile and not self.unread(size)) or self.kernel == size

    def output(self, size: int) -> int:
        """Return how often it fits on ``size`` pixels."""
        return output_size(size, self.kernel, self.padding, self.stride)

    def is_tensorflow(self, size: int) -> bool:
        """Is it padded as TensorFlow's "SAME" pads: so much that the size is n / s, rounded up?"""
        needed = (-(-size // self.stride) - 1) * self.stride + self.kernel - size
        return self.padding == max(0, needed) and self.after - self.before in (0, 1)

    def unread(self, size: int) -> int:
        """Return how many of ``size`` pixels at the end no window reaches."""
        return max(0, (size + self.padding - self.kernel) % self.stride - self.after)


@dataclass(frozen=True)
class AxisGiven:
    """What is known of a window beforehand; None is not known. ``same`` keeps the size."""

    kernel: int | None = None
    stride: int | None = None
    sides: tuple[int, int] | None = None
    same: bool = False

    def allows(self, axis: Axis) -> bool:
        return (
            self.kernel in (None, axis.kernel)
            and self.stride in (None, axis.stride)
            and self.sides in (None, (axis.before, axis.after))
            and (not self.same or (axis.stride == 1 and axis.padding == axis.kernel - 1))
        )


#: A layer but for its number of channels: its kind, and its window on each axis.
Form = tuple[str, tuple[Axis, ...]]
#: The windows that fit the height, and those that fit the width; a vector has none.
Axes = tuple[tuple[Axis, ...], tuple[Axis, ...]]
_FREE: Final = AxisGiven()


def solve_axis(size: int, result: int, given: AxisGiven = _FREE) -> tuple[Axis, ...]:
    """Return every window within the bounds that makes ``result`` of ``size`` pixels.

    Given values may exceed the bounds. Of an odd total padding, the smaller half comes first.
    """
    kernels = range(1, MAX_KERNEL + 1) if given.kernel is None else (given.kernel,)
    found: list[Axis] = []
    for kernel in kernels:
        strides = range(1, min(kernel, MAX_STRIDE) + 1) if given.stride is None else (given.stride,)
        for stride in strides:
            # A stride beyond the kernel skips pixels: only if both are given is it meant.
            if stride <= kernel or given.kernel is not None:
                found += _padded(size, result, kernel, stride, given)
    return tuple(axis for axis in found if given.allows(axis))


@lru_cache(maxsize=4096)
def windows(size: int, result: int, given: AxisGiven = _FREE) -> tuple[Axis, ...]:
    """Return every window to consider: those within the bounds, and common ones beyond them.

    Common are windows that tile the axis or cover it; larger ones are tried if nothing else fits.
    """
    usual = solve_axis(size, result, given)
    common = [Axis(size // result, size // result)] * (size % result == 0)
    common += [Axis(size, 1)] * (result == 1)
    more = (axis for axis in common if given.allows(axis) and axis not in usual)
    return (*usual, *more) or _larger(size, result, given)


def kernel_range(size: int, result: int, stride: int) -> tuple[int, int]:
    """Return the smallest and largest k - p that make ``result`` of ``size`` at this stride."""
    return size - result * stride + 1, size - (result - 1) * stride


def _padded(size: int, result: int, kernel: int, stride: int, given: AxisGiven) -> Iterator[Axis]:
    if given.sides is not None:
        axis = Axis(kernel, stride, *given.sides)
        if axis.output(size) == result:
            yield axis
        return
    lacking = kernel - kernel_range(size, result, stride)[1]
    least = max(0, lacking)
    # A given kernel may be huge: as many paddings as the largest usual kernel has are enough.
    for padding in range(least, min(kernel, lacking + stride, least + MAX_KERNEL)):
        yield Axis(kernel, stride, padding // 2, padding - padding // 2)


def _larger(size: int, result: int, given: AxisGiven) -> tuple[Axis, ...]:
    if result > size and given.sides is None:
        return ()
    step = max(1, size // result)
    sides = given.sides or (0, 0)
    larger: dict[Axis, None] = {}
    for stride in sorted({1, step, step + 1} if given.stride is None else {given.stride}):
        least, most = (kernel + sum(sides) for kernel in kernel_range(size, result, stride))
        least = max(least, stride)
        for kernel in (least, least | 1, most):
            if least <= kernel <= most:
                larger[Axis(kernel, stride, *sides)] = None
    return tuple(axis for axis in larger if given.allows(axis))


@dataclass(frozen=True)
class _OnAxis:
    """A prior on one axis: its points, and how often it applies to a window on so many pixels."""

    points: int
    why: str
    kinds: tuple[str, ...]
    times: Callable[[Axis, int], int]


def _divides(axis: Axis, size: int) -> bool:
    """Is the result the size divided by the stride, as where a map halves?"""
    return axis.stride > 1 and axis.output(size) > 1 and axis.output(size) * axis.stride == size


def _is_odd(axis: Axis, size: int) -> bool:
    return bool(axis.kernel % 2) and not axis.unread(size)


def _is_rare_padding(axis: Axis, size: int) -> bool:
    return axis.padding > 0 and not axis.is_same


_BOTH: Final = (CONV, POOL)
ON_AXIS: Final = (
    _OnAxis(+2, "odd kernel that reads every pixel", (CONV,), _is_odd),
    _OnAxis(+3, "stride 1", (CONV,), lambda axis, size: axis.stride == 1),
    _OnAxis(+3, "the stride divides the size", (CONV,), _divides),
    _OnAxis(+8, "channels stay, the map shrinks", (POOL,), lambda axis, size: axis.stride > 1),
    _OnAxis(+2, "windows side by side", (POOL,), lambda axis, size: axis.is_tile),
    _OnAxis(+3, "no padding", _BOTH, lambda axis, size: axis.padding == 0),
    _OnAxis(+2, "half the kernel padded", (CONV,), lambda axis, size: axis.is_same),
    _OnAxis(-1, "padding other than half the kernel", (CONV,), _is_rare_padding),
    _OnAxis(+1, "both sides padded alike", _BOTH, lambda axis, size: axis.before == axis.after > 0),
    _OnAxis(-1, "each 2 beyond kernel 3", _BOTH, lambda axis, size: axis.kernel // 2 - 1),
    _OnAxis(-3, "each pixel of overlap beyond 1", (POOL,), lambda axis, size: axis.overlap - 1),
    _OnAxis(-2, "each unread pixel at the end", _BOTH, lambda axis, size: axis.unread(size)),
    _OnAxis(-3, "kernel exceeds the map", _BOTH, lambda axis, size: axis.kernel > size),
    _OnAxis(-4, "kernel sees no neighbours", _BOTH, lambda axis, size: axis.kernel == 1 < size),
)

#: Priors on a whole layer.
_SQUARE: Final = (+4, "square kernel")
_ONE_STRIDE: Final = (+2, "square stride")
_WHOLE: Final = (+8, "one window covers the map")
_DENSE: Final = (+6, "numbers without height and width are a dense layer's")
_FLAT: Final = (+8, "as many numbers as the map has: laid flat")
_GLOBAL: Final = (+8, "as many numbers as channels: the mean of each map")
_NAMED: Final = (+12, "the figure's name says so")
_SAME: Final = (+10, "padded as SAME pads, where all sizes are so")
_SAME_TILE: Final = (+4, "windows side by side, where all sizes are so")
_AGAIN: Final = (+3, "the same as another layer")
ON_LAYERS: Final = (
    *(_SQUARE, _ONE_STRIDE, _WHOLE, _DENSE, _FLAT, _GLOBAL),
    *(_NAMED, _SAME, _SAME_TILE, _AGAIN),
)

AVERAGE, MAXIMUM = "average", "maximum"
#: How figures call their layers: LeNet-5's C1, S2, F6 and today's words.
_NAMES: Final = {
    CONV: re.compile(r"conv|c\d"),
    POOL: re.compile(r"(max|avg|average|mean|global|gap|sub|s\d|p\d|.*pool)"),
    DENSE: re.compile(r"fc|f\d|dense|linear|full|ip\d"),
    FLAT: re.compile(r"flat|reshape|view|ravel"),
    AVERAGE: re.compile(r".*(avg|average|mean)|gap"),
    MAXIMUM: re.compile(r".*max"),
}
#: What stands in figures and tables between layers.
_IDLE: Final = re.compile(
    r"(leaky|[pcs])?[-_ ]?relu|[gs]?elu|silu|swish|mish|sigmoid|(hard)?tanh|(log)?[-_ ]?softmax"
    r"|softplus|activation|((spatial|alpha)[-_ ]?)?dropout|((batch|layer)[-_ ]?)?norm|bn\d"
    r"|identity|rescaling"
)


@dataclass(frozen=True)
class Candidate:
    """One way to make a step."""

    kind: str  # "conv", "pool", "dense" or "flatten"
    axes: tuple[Axis, ...] = ()  # its window on the height and on the width; none if dense
    reasons: tuple[tuple[int, str], ...] = ()  # points and priors that add up to ``score``

    @cached_property
    def score(self) -> int:
        return sum(points for points, _ in self.reasons)

    @property
    def form(self) -> Form:
        return self.kind, self.axes

    @property
    def _window(self) -> tuple[Pair, Pair, Sides]:
        height, width = self.axes
        sides = height.before, height.after, width.before, width.after
        return (height.kernel, width.kernel), (height.stride, width.stride), sides

    @property
    def window(self) -> tuple[str, str, str]:
        """The kernel, the stride and one side's padding as text; no padding is empty."""
        kernel, stride, sides = self._window
        return pair_text(kernel), size_text(stride), padding_text(sides) if any(sides) else ""

    def describe(self) -> str:
        """Write ``convolution 5x5, stride 1, no padding``."""
        if not self.axes:
            return spelled(self.kind)
        kernel, stride, padding = self.window
        none = ", no padding" if self.kind == CONV else ""
        padded = f", padding {padding}" if padding else none
        return f"{SPELLED[self.kind]} {kernel}, stride {stride}{padded}"

    def layer(
        self, width: int, activation: str, average: bool = False, **conv: Any
    ) -> Layer | None:
        """Return the layer, with so many channels or units; None where a map is laid flat.

        ``conv`` are other values of a convolution.
        """
        if self.kind == FLAT:
            return None
        if not self.axes:
            return Dense(width, activation)
        if self.kind == CONV:
            return Conv2d(width, *self._window, activation, **conv)
        return (AvgPool2d if average else MaxPool2d)(*self._window)


def kinds(source: Shape, target: Shape) -> tuple[str, ...]:
    """Return the kinds of layer that can lead from one shape to the next; a vector has no maps."""
    if len(source) < len(target):
        return ()
    if len(target) == 1:
        return (DENSE,) if len(source) == 1 else (DENSE, CONV, *_no_weights(source, target))
    return (CONV, POOL) if source[0] == target[0] else (CONV,)


def _no_weights(source: Shape, target: Shape) -> Iterator[str]:
    """The ways from maps to a vector that no weights are needed for."""
    if source[0] == target[0] < elements(source):
        yield POOL
    if elements(source) == target[0]:
        yield FLAT


def spelled(kind: str) -> str:
    """Write a kind of step in words."""
    return SPELLED.get(kind, "laid flat")


def is_named(kind: str | None, name: str) -> bool:
    """Does the figure's name say that a layer is of this kind, or of any (None)?"""
    if kind is None:
        return any(is_named(known, name) for known in (*SPELLED, FLAT))
    return bool(_NAMES[kind].match(name.lower()))


def is_idle(name: str) -> bool:
    """Is it the name of something that changes no shape?"""
    return bool(_IDLE.match(name.lower()))


def rank(
    source: Shape,
    target: Shape,
    name: str,
    allowed: Collection[str],
    axes: Axes,
    others: Container[Form],
    is_same: bool = False,
) -> tuple[Candidate, ...]:
    """Return the candidates of these kinds with these windows, best first.

    ``name`` is what the figure calls the layer, ``others`` are the forms of other steps,
    ``is_same`` says that the figure's padding is TensorFlow's "SAME".
    """

    def order(candidate: Candidate) -> tuple[int, ...]:
        """Most points first; of equals, what reads most, pads least, is smallest."""
        axes = candidate.axes
        unread = sum(axis.unread(size) for axis, size in zip(axes, source[1:], strict=False))
        padding, kernel = sum(axis.padding for axis in axes), sum(axis.kernel for axis in axes)
        return -candidate.score, unread, padding, kernel, candidate.kind == POOL

    candidates = []
    for kind in allowed:
        for pair, reasons in _scored(kind, source, target, axes):
            reasons += [_NAMED] * is_named(kind, name)
            reasons += [_AGAIN] * (len(target) == 3 and (kind, pair) in others)
            reasons += _same(pair, source) if is_same else []
            candidates.append(Candidate(kind, pair, tuple(reasons)))
    return tuple(sorted(candidates, key=order))


def _scored(
    kind: str, source: Shape, target: Shape, axes: Axes
) -> Iterator[tuple[tuple[Axis, ...], list[tuple[int, str]]]]:
    """The windows that a layer of this kind can have, with their points."""
    if kind == DENSE:
        yield (), [_DENSE]
    elif kind == FLAT:
        yield (), [_FLAT]
    elif len(target) == 1:  # its only window covers the map: nothing to choose
        # A pooling's stride is its window, as the notation writes it shortest.
        for pair in product(*axes):
            if all(axis.stride == (axis.kernel if kind == POOL else 1) for axis in pair):
                yield pair, [_GLOBAL] * (kind == POOL)
    else:
        for height, width in _pairs(source, target, axes):
            # No side of a pooling's padding may be as large as its window.
            if kind == POOL and any(max(a.before, a.after) >= a.kernel for a in (height, width)):
                continue
            reasons = [*_reasons(kind, height, source[1]), *_reasons(kind, width, source[2])]
            if height.kernel == width.kernel:
                reasons += [_SQUARE] + [_ONE_STRIDE] * (height.stride == width.stride)
            reasons += [_WHOLE] * _is_whole((height, width), source)
            yield (height, width), reasons


def _pairs(source: Shape, target: Shape, axes: Axes) -> list[tuple[Axis, Axis]]:
    """Windows as alike on both axes as these allow."""
    heights, widths = axes
    is_square = source[1] == source[2] and target[1] == target[2]
    if is_square and (same := [(axis, axis) for axis in heights if axis in widths]):
        return same
    pairs = list(product(heights, widths))
    likely = [pair for pair in pairs if pair[0].kernel == pair[1].kernel or _is_whole(pair, source)]
    return likely or pairs


def _is_whole(pair: tuple[Axis, Axis], source: Shape) -> bool:
    both = zip(pair, source[1:], strict=True)
    return all(axis.kernel == size and not axis.padding for axis, size in both)


def _same(axes: tuple[Axis, ...], source: Shape) -> list[tuple[int, str]]:
    pairs = list(zip(axes, source[1:], strict=False))
    is_padded = any(axis.padding for axis in axes)
    if not (is_padded and all(axis.is_tensorflow(size) for axis, size in pairs)):
        return []
    return [_SAME, *[_SAME_TILE] * all(axis.kernel == axis.stride for axis in axes)]


@lru_cache(maxsize=16_384)
def _reasons(kind: str, axis: Axis, size: int) -> tuple[tuple[int, str], ...]:
    return tuple(
        (prior.points * times, prior.why)
        for prior in ON_AXIS
        if kind in prior.kinds and (times := int(prior.times(axis, size))) > 0
    )
