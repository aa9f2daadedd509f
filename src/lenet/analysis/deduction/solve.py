"""The size formula solved backwards on one axis: which windows make ``result`` of ``size``?

floor((n - k + p + s) / s) = m holds exactly if (m - 1) s <= n - k + p < m s. So kernel and
stride leave at most s values for the padding, and nothing is searched over sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lenet.net.shapes import output_size

#: Where windows are looked for. Total padding is always smaller than the kernel, and the stride
#: not larger than it, so that no window sees padding alone and no pixel falls between windows.
MAX_KERNEL: Final = 11
MAX_STRIDE: Final = 4


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
    def is_same(self) -> bool:
        """Padding of half the kernel on each side: at stride 1 the size stays."""
        return self.before == self.after == (self.kernel - 1) // 2 and self.kernel % 2 == 1

    @property
    def is_even(self) -> bool:
        """Is it padded, and as much before as after?"""
        return self.before == self.after > 0

    @property
    def is_usual(self) -> bool:
        """Is it within the bounds of this module?"""
        return (
            self.kernel <= MAX_KERNEL
            and self.stride <= min(self.kernel, MAX_STRIDE)
            and self.padding < self.kernel
        )

    @property
    def is_tile(self) -> bool:
        """Do windows stand side by side, on pixels alone?"""
        return self.kernel == self.stride and self.padding == 0

    def is_expected(self, size: int) -> bool:
        """Is it within the bounds, or does it tile or cover the axis?"""
        return self.is_usual or (self.is_tile and not self.unread(size)) or self.kernel == size

    def divides(self, size: int) -> bool:
        """Is the result the size divided by the stride, as where a map halves?"""
        result = output_size(size, self.kernel, self.padding, self.stride)
        return self.stride > 1 and result > 1 and result * self.stride == size

    def unread(self, size: int) -> int:
        """How many of ``size`` pixels at the end no window reaches."""
        return max(0, (size + self.padding - self.kernel) % self.stride - self.after)


@dataclass(frozen=True)
class AxisGiven:
    """What is known of a window beforehand; None is not known."""

    kernel: int | None = None
    stride: int | None = None
    sides: tuple[int, int] | None = None
    same: bool = False

    def allows(self, axis: Axis) -> bool:
        """Does ``axis`` agree with all that is known?"""
        return (
            self.kernel in (None, axis.kernel)
            and self.stride in (None, axis.stride)
            and self.sides in (None, (axis.before, axis.after))
            and (not self.same or (axis.stride == 1 and axis.padding == axis.kernel - 1))
        )


FREE: Final = AxisGiven()


@lru_cache(maxsize=4096)
def solve_axis(size: int, result: int, given: AxisGiven = FREE) -> tuple[Axis, ...]:
    """Every window within the bounds that makes ``result`` of ``size``; given values may exceed.

    An odd total padding is split as ``same_padding`` does: the smaller half comes first.
    """
    kernels = range(1, MAX_KERNEL + 1) if given.kernel is None else (given.kernel,)
    return tuple(
        axis
        for kernel in kernels
        for stride in _strides(kernel, given)
        for axis in _padded(size, result, kernel, stride, given)
        if given.allows(axis)
    )


@lru_cache(maxsize=4096)
def windows(size: int, result: int, given: AxisGiven = FREE) -> tuple[Axis, ...]:
    """Every window to consider: those within the bounds, and common ones beyond them.

    Common are a window that tiles the axis (non-overlapping, nothing left) and one that covers
    it whole. Only where none of these fits, the smallest larger ones without padding are taken.
    """
    found = solve_axis(size, result, given)
    common = (axis for axis in _common(size, result) if given.allows(axis) and axis not in found)
    return (*found, *common) or _larger(size, result, given)


def kernel_range(size: int, result: int, stride: int) -> tuple[int, int]:
    """The smallest and largest k - p that make ``result`` of ``size`` at this stride."""
    return size - result * stride + 1, size - (result - 1) * stride


def _strides(kernel: int, given: AxisGiven) -> range:
    if given.stride is None:
        return range(1, min(kernel, MAX_STRIDE) + 1)
    # A stride beyond the kernel skips pixels: only if both are given is it meant.
    if given.stride > kernel and given.kernel is None:
        return range(0)
    return range(given.stride, given.stride + 1)


def _padded(size: int, result: int, kernel: int, stride: int, given: AxisGiven) -> Iterator[Axis]:
    if given.sides is not None:
        axis = Axis(kernel, stride, *given.sides)
        if output_size(size, kernel, axis.padding, stride) == result:
            yield axis
        return
    most_kernel = kernel_range(size, result, stride)[1]
    least = max(0, kernel - most_kernel)
    # A given kernel may be huge: as many paddings as the largest usual kernel has are enough.
    most = min(kernel - 1, kernel - most_kernel + stride - 1, least + MAX_KERNEL - 1)
    for padding in range(least, most + 1):
        yield Axis(kernel, stride, padding // 2, padding - padding // 2)


def _common(size: int, result: int) -> Iterator[Axis]:
    if size % result == 0:
        tile = size // result
        yield Axis(tile, tile)
    if result == 1:
        yield Axis(size, 1)


def _larger(size: int, result: int, given: AxisGiven) -> tuple[Axis, ...]:
    if result > size and given.sides is None:
        return ()
    step = max(1, size // result)
    strides = {1, step, step + 1} if given.stride is None else {given.stride}
    sides = given.sides or (0, 0)
    found: dict[Axis, None] = {}
    for stride in sorted(strides):
        least, most = (kernel + sum(sides) for kernel in kernel_range(size, result, stride))
        least = max(least, stride)
        for kernel in (least, least | 1, most):
            if least <= kernel <= most:
                found[Axis(kernel, stride, *sides)] = None
    return tuple(axis for axis in found if given.allows(axis))
