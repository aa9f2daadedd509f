"""Where a network does not fit, and changes that make it fit; each of them is tried.

A larger input, more padding, a smaller kernel and a smaller stride never make a map smaller, and a
larger map never makes a later layer fit worse. So there is one least size for every layer's input
(:func:`least_sizes`), and each change is computed from it instead of searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import gcd
from typing import Any, Final

from lenet.errors import ShapeError, UsageError
from lenet.net import Conv2d, Layer, Network, Shape, rebuilt
from lenet.net.layers import MAX_SIZE, Trained, Windowed, padding_text
from lenet.net.shapes import (
    ChannelsFirst,
    Pair,
    channels_first,
    input_text,
    is_channels_last,
    pair_text,
    shape_text,
    size_text,
)
from lenet.net.words import listed
from lenet.writing.numbers import plural

#: Of one kind of change, so many layers are tried: beyond them it hardly helps, and a network of
#: thousands of layers stays quick.
_TRIES: Final = 16


@dataclass(frozen=True)
class Fix:
    """A change that makes the whole network fit."""

    what: str  # as a request, "give conv2 padding 1"
    effect: str  # what the layer that did not fit then does, "16@4x4 -> 32@2x2"
    network: Network


@dataclass(frozen=True)
class Misfit:
    """The first layer that does not fit: its place from 0, what each layer up to it gets, why."""

    place: int
    shapes: tuple[Shape, ...]
    problem: str


def find_misfit(network: Network) -> Misfit | None:
    """Return the first layer that does not fit, or None where all do."""
    shapes: list[Shape] = [network.input_shape]
    for place, (name, layer) in enumerate(zip(network.names, network.layers, strict=True)):
        try:
            shapes.append(layer.output_shape(shapes[-1], name))
        except ShapeError as error:
            return Misfit(place, tuple(shapes), f"{error.problem}.")
    return None


def least_sizes(layers: Iterable[Layer]) -> list[Pair]:
    """Return the least (height, width) of each layer's input for it and all later ones, and 1x1."""
    least = [(1, 1)]
    for layer in reversed(tuple(layers)):
        height, width = 1, 1
        if isinstance(layer, Windowed):
            # floor((n - k + p + s) / s) >= m holds from n = (m - 1) s + k - p on.
            axes = least[-1], layer.stride, layer.kernel_size, layer.total_padding
            height, width = (max(1, (m - 1) * s + k - p) for m, s, k, p in zip(*axes, strict=True))
        least.append((height, width))
    return least[::-1]


def least_input(network: Network) -> Pair | None:
    """Return the least (height, width) that fits, each axis by itself; None where no size does."""
    if _has_late_maps(network):
        return None
    least = least_sizes(network.layers)[0]
    if max(least) > MAX_SIZE:
        return least
    # Channels that do not fit do so at no size.
    return None if find_misfit(network.on((network.input_shape[0], *least))) else least


def _has_late_maps(network: Network) -> bool:
    """Does a layer that needs maps come after a dense one?"""
    late = network.layers[first_dense(network.layers) :]
    return any(isinstance(layer, Windowed) for layer in late)


def first_dense(layers: Sequence[Layer]) -> int:
    """Return the place of the first dense layer; behind the end where there is none."""
    return next((i for i, layer in enumerate(layers) if layer.flattens), len(layers))


def find_fixes(network: Network) -> tuple[Fix, ...]:
    """Return changes that make ``network`` fit, the best first; none if it fits already."""
    if is_channels_last(network.input_shape):
        return tuple(_turn(network))
    misfit = find_misfit(network)
    if misfit is None:
        return ()
    if _has_late_maps(network):
        return tuple(_order_fixes(network))
    by_network: dict[Network, Fix] = {}
    for fix in _Changes(network, misfit).all():
        by_network.setdefault(fix.network, fix)
    return tuple(by_network.values())


def _turn(network: Network) -> Iterator[Fix]:
    """The channels put first; or, if they are first, said so. Then what sizes still need."""
    shape = network.input_shape
    for right in (channels_first(shape), ChannelsFirst(shape)):
        changed = network.on(right)
        what = f"write the input as {input_text(right)}, {plural(right[0], 'channel')}"
        if find_misfit(changed) is None:
            yield Fix(what, "", changed)
        for fix in find_fixes(changed)[:1]:
            yield Fix(f"{what}, then {fix.what}", "", fix.network)


def _tried(what: str, build: Callable[[], Network], place: int | None) -> Fix | None:
    """Return the fix whose network ``build`` makes, or None if that does not fit after all."""
    try:
        network = build()
        placed = network.placed
    except UsageError:
        return None
    shapes = [] if place is None else [placed[place].input_shape, placed[place].output_shape]
    return Fix(what, " -> ".join(map(shape_text, shapes)), network)


class _Changes:
    """Changes of a network that has enough maps, but too small ones."""

    def __init__(self, network: Network, misfit: Misfit) -> None:
        self.network, self.misfit, self.names = network, misfit, network.names
        self.least = least_sizes(network.layers)
        # No layer with a window comes after a dense one, so their places are those in the network.
        self.windows = [layer for layer in network.layers if isinstance(layer, Windowed)]

    def all(self) -> Iterator[Fix]:
        """Yield one of each kind, the nearest to the misfit first; a larger input comes last."""
        fixes: list[Fix | None] = [*self.single()]
        # Several layers are changed alike where no change of one is enough.
        fixes = fixes or [self.drop_several(True), self.pad_all(), self.drop_several(False)]
        yield from filter(None, (*fixes, self.larger_input()))

    def axes(self, place: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield for each axis: the padded size, the least output, the kernel and the stride."""
        layer = self.windows[place]
        sizes, least = self.misfit.shapes[place][1:], self.least[place + 1]
        for axis, padding in enumerate(layer.total_padding):
            yield sizes[axis] + padding, least[axis], layer.kernel_size[axis], layer.stride[axis]

    def single(self) -> Iterator[Fix]:
        """Change one layer: of each kind of change the first that helps."""
        here = self.misfit.place
        yield from filter(None, [self.regroup(here)])
        earlier = range(here)[::-1]
        convs = [place for place in earlier if not self.is_pool(place)]
        pools = [place for place in earlier if self.is_pool(place)]
        tries: list[tuple[Callable[[int], Fix | None], list[int]]]
        if self.is_pool(here):
            tries = [(self.drop, [here, *pools]), (self.pad, [here, *convs])]
            tries += [(self.pad_as_books, convs[-1:])]
            tries += [(self.shrink, [here, *pools]), (self.shrink, convs), (self.drop, convs)]
        else:
            tries = [(self.pad, [here]), (self.shrink, [here]), (self.drop, pools)]
            tries += [(self.pad, convs), (self.pad_as_books, convs[-1:])]
            tries += [(self.shrink, convs), (self.drop, [here, *convs])]
        for change, places in (*tries, (self.slow, convs)):
            yield from islice(filter(None, map(change, places[:_TRIES])), 1)

    def is_pool(self, place: int) -> bool:
        return not self.windows[place].is_trained

    def regroup(self, place: int) -> Fix | None:
        """Give a convolution the most groups, and no more than now, that its channels allow."""
        layer, channels = self.windows[place], self.misfit.shapes[place][0]
        if not isinstance(layer, Conv2d) or channels % layer.groups == 0:
            return None
        both = gcd(channels, layer.channels)
        groups = max(n for n in range(1, min(both, layer.groups) + 1) if both % n == 0)
        what = f"give {self.names[place]} {plural(groups, 'group')}"
        return self.change(place, what, groups=groups)

    def drop(self, place: int) -> Fix | None:
        then = None if place == self.misfit.place else self.misfit.place - 1
        what = f"drop {self.names[place]}"
        return _tried(what, lambda: rebuilt(self.network, {place: ()}), then)

    def change(self, place: int, what: str, **values: Any) -> Fix | None:
        def build() -> Network:
            return rebuilt(self.network, {place: (self.windows[place].replace(**values),)})

        return _tried(what, build, self.misfit.place)

    def pad(self, place: int) -> Fix | None:
        """Give the least padding that helps, as long as every window still sees the map."""
        sides = list(self.windows[place].padding)
        for axis, (padded, least, kernel, stride) in enumerate(self.axes(place)):
            lacking = (least - 1) * stride + kernel - padded
            # A pooling of 2 is not padded: its windows would see one pixel and nothing else.
            most = kernel - 1 if not self.is_pool(place) else kernel // 2 if kernel > 2 else 0
            for side in (2 * axis, 2 * axis + 1) if lacking > 0 else ():
                sides[side] += -(-lacking // 2)
                if sides[side] > most:
                    return None
        padding = (sides[0], sides[1], sides[2], sides[3])
        what = f"give {self.names[place]} padding {padding_text(padding)}"
        return self.change(place, what, padding=padding)

    def pad_as_books(self, place: int) -> Fix | None:
        """Pad the first convolution, by up to half its kernel: LeNet-5 then reads 28x28."""
        fix, kernel = self.pad(place), self.windows[place].kernel_size
        if fix is None:
            return None
        sides = fix.network.layers[place].values["padding"]
        return fix if all(side <= kernel[i // 2] // 2 for i, side in enumerate(sides)) else None

    def shrink(self, place: int) -> Fix | None:
        """Use the largest smaller kernel that helps; odd ones stay odd, squares square."""
        layer, is_pool = self.windows[place], self.is_pool(place)
        # A pooling whose windows do not overlap keeps that: its stride shrinks with it.
        tiles = is_pool and layer.stride == layer.kernel_size
        sizes = []
        for padded, least, kernel, stride in self.axes(place):
            most = padded // least if tiles else padded - (least - 1) * stride
            sizes.append(min(kernel, most if is_pool else most - (kernel - most) % 2))
        if layer.kernel_size[0] == layer.kernel_size[1]:
            sizes = [min(sizes)] * 2
        # A 1x1 window changes what a layer is for: only the convolution in question may get one.
        may_be_one = place == self.misfit.place and not is_pool
        if min(sizes) < 1 or (max(sizes) < 2 and not may_be_one):
            return None
        kernel_size = (sizes[0], sizes[1])
        what = f"use a {pair_text(kernel_size)} {layer.window_noun} in {self.names[place]}"
        stride_now = kernel_size if tiles else layer.stride
        return self.change(place, what, kernel_size=kernel_size, stride=stride_now)

    def slow(self, place: int) -> Fix | None:
        """Give the largest smaller stride that helps."""
        strides = [
            min(stride, (padded - kernel) // (least - 1)) if least > 1 else stride
            for padded, least, kernel, stride in self.axes(place)
        ]
        stride = (strides[0], strides[1])
        if min(stride) < 1 or stride == self.windows[place].stride:
            return None
        what = f"give {self.names[place]} stride {size_text(stride)}"
        return self.change(place, what, stride=stride)

    def larger_input(self) -> Fix | None:
        """Enlarge to the least input that fits and is no smaller; a square stays one."""
        channels, height, width = self.network.input_shape
        size = max(height, self.least[0][0]), max(width, self.least[0][1])
        if height == width:
            size = (max(size),) * 2
        what, shape = f"start from {pair_text(size)} or more", (channels, *size)
        return _tried(what, lambda: self.network.on(shape), self.misfit.place)

    def pad_all(self) -> Fix | None:
        """Pad half the kernel everywhere: with odd kernels and stride 1 no map shrinks."""
        changes = {}
        for place, layer in enumerate(self.windows):
            if not self.is_pool(place):
                down, along = (kernel // 2 for kernel in layer.kernel_size)
                padding = tuple(map(max, layer.padding, (down, down, along, along)))
                changes[place] = (layer.replace(padding=padding),)
        what = "give every convolution padding of half its kernel"
        return _tried(what, lambda: rebuilt(self.network, changes), self.misfit.place)

    def drop_several(self, pools: bool) -> Fix | None:
        """Drop what does not fit until all fits; with ``pools`` the nearest pooling up to it."""
        kept = list(range(len(self.network.layers)))
        dropped: list[int] = []
        current = self.network
        while misfit := find_misfit(current):
            place = misfit.place
            while pools and place >= 0 and not self.is_pool(kept[place]):
                place -= 1
            if place < 0 or len(kept) == 1 or len(dropped) == _TRIES:
                return None
            dropped.append(kept.pop(place))
            current = rebuilt(self.network, dict.fromkeys(dropped, ()))
        names = listed([self.names[place] for place in sorted(dropped)])
        return _tried(f"drop {names}", lambda: current, None)


def _order_fixes(network: Network) -> Iterator[Fix]:
    """Maps after a dense layer: change the order or the kind, then whatever sizes still need."""
    for what, build in _orders(network):
        try:
            changed = build()
        except UsageError:  # nothing is left, or too large a number of units
            continue
        misfit = find_misfit(changed)
        if misfit is None:
            yield Fix(what, "", changed)
        elif set(changed.names) <= set(network.names):
            # The second change names layers, so only where none has got another's name.
            for fix in islice(_Changes(changed, misfit).all(), 1):
                yield Fix(f"{what}, then {fix.what}", "", fix.network)


def _orders(network: Network) -> Iterator[tuple[str, Callable[[], Network]]]:
    layers, names = network.layers, network.names
    start = first_dense(layers)
    late = [place for place in range(start, len(layers)) if isinstance(layers[place], Windowed)]
    dense = sorted({*range(start, len(layers))} - {*late})
    early = [place for place in dense if place < late[-1]]
    order = [layers[place] for place in (*range(start), *late, *dense)]
    late_names, early_names = _short(names, late), _short(names, early)
    put = f"put {late_names} before {names[start]}"
    yield put, lambda: Network(network.input_shape, order)
    yield f"drop {late_names}", lambda: rebuilt(network, dict.fromkeys(late, ()))
    yield f"drop {early_names}", lambda: rebuilt(network, dict.fromkeys(early, ()))
    convolutions: dict[int, tuple[Layer, ...]] = {
        place: (Conv2d(layer.width, 1, activation=layer.activation),)
        for place in early
        if isinstance(layer := layers[place], Trained)
    }
    made = "a 1x1 convolution" if len(early) == 1 else "1x1 convolutions"
    if len(convolutions) == len(early):  # an RBF layer's distances are no convolution
        yield f"make {early_names} {made}", lambda: rebuilt(network, convolutions)


def _short(names: Sequence[str], places: Sequence[int]) -> str:
    some = [names[place] for place in places]
    return listed(some) if len(some) <= 4 else f"{some[0]} to {some[-1]}"
