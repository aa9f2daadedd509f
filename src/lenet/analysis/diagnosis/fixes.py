"""Changes that make a network fit: found by the size formula backwards, and each one tried.

A larger input, more padding, a smaller kernel and a smaller stride never make a map smaller, and a
larger map never makes a later layer fit worse. So there is one least size for every layer's input
(:func:`~lenet.analysis.diagnosis.changes.least_sizes`), and each change is computed from it instead
of searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from lenet.analysis.diagnosis.changes import (
    Fix,
    Misfit,
    first_dense,
    first_misfit,
    least_sizes,
    tried,
)
from lenet.errors import UsageError
from lenet.net import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Network
from lenet.net.layers import Sides, Windowed, padding_text
from lenet.net.network import rebuilt
from lenet.net.shapes import Pair, pair_text, size_text
from lenet.net.words import listed

#: Of one kind of change, so many layers are tried: beyond them it hardly helps, and a network of
#: thousands of layers stays quick.
_TRIES = 16


def find_fixes(network: Network) -> tuple[Fix, ...]:
    """Changes that make ``network`` fit, the best first; none if it fits already."""
    misfit = first_misfit(network)
    if misfit is None:
        return ()
    if len(misfit.shapes[-1]) != 3 or any(
        isinstance(layer, Windowed) for layer in network.layers[first_dense(network.layers) :]
    ):
        return tuple(_order_fixes(network))
    return tuple(_distinct(_size_fixes(network, misfit)))


def _distinct(fixes: Iterable[Fix]) -> Iterator[Fix]:
    seen = set()
    for fix in fixes:
        if fix.network not in seen:
            seen.add(fix.network)
            yield fix


def _size_fixes(network: Network, misfit: Misfit) -> Iterator[Fix]:
    """One of each kind, the nearest to the layer that does not fit; a larger input comes last."""
    single = list(_single_fixes(_Search(network, misfit)))
    yield from single or filter(None, _joint_fixes(network, misfit))
    if larger := _larger_input(network, misfit):
        yield larger


class _Search:
    """What the single fixes look at, and the way they are tried."""

    def __init__(self, network: Network, misfit: Misfit) -> None:
        self.network, self.misfit = network, misfit
        self.least = least_sizes(network.layers)

    def layer(self, index: int) -> Windowed:
        layer = self.network.layers[index]
        assert isinstance(layer, Windowed)
        return layer

    def room(self, index: int) -> Iterator[tuple[int, int]]:
        """For each axis: the size that layer gets, and the least that it must give."""
        return zip(self.misfit.shapes[index][1:], self.least[index + 1], strict=True)

    def earlier(self, kind: type[Conv2d] | tuple[type[MaxPool2d], type[AvgPool2d]]) -> list[int]:
        """The layers of a kind before the one that does not fit, the nearest first."""
        return [i for i in reversed(range(self.misfit.index)) if isinstance(self.layer(i), kind)]

    def replace(self, index: int, layer: Layer | None, what: str) -> Fix | None:
        """The fix that puts ``layer`` (None: nothing) at a place, if it makes all fit."""
        place: int | None = self.misfit.index
        if layer is None:
            place = None if index == place else self.misfit.index - 1
        new = () if layer is None else (layer,)
        return tried(what, lambda: rebuilt(self.network, {index: new}), place)


def _single_fixes(search: _Search) -> Iterator[Fix]:
    index = search.misfit.index
    convs, pools = search.earlier(Conv2d), search.earlier((MaxPool2d, AvgPool2d))
    if isinstance(search.layer(index), Conv2d):
        yield from _first([_pad(search, index)])
        yield from _first([_shrink(search, index)])
        yield from _first(_drop(search, i) for i in pools)
        yield from _first(_pad(search, i) for i in convs)
        yield from _first(_shrink(search, i) for i in convs)
        yield from _first(_drop(search, i) for i in (index, *convs))
    else:
        yield from _first(_drop(search, i) for i in (index, *pools))
        yield from _first(_pad(search, i) for i in (index, *convs))
        yield from _first(_shrink(search, i) for i in (index, *pools))
        yield from _first(_shrink(search, i) for i in convs)
        yield from _first(_drop(search, i) for i in convs)
    yield from _first(_slow(search, i) for i in convs)


def _first(fixes: Iterable[Fix | None]) -> Iterator[Fix]:
    """The first that there is."""
    yield from islice(filter(None, islice(fixes, _TRIES)), 1)


def _drop(search: _Search, index: int) -> Fix | None:
    return search.replace(index, None, f"drop {search.network.names[index]}")


def _pad(search: _Search, index: int) -> Fix | None:
    """The least padding of one layer that helps, as long as every window still sees the map."""
    layer = search.layer(index)
    sides = list(layer.padding)
    for axis, (size, least) in enumerate(search.room(index)):
        kernel, stride = layer.kernel_size[axis], layer.stride[axis]
        lacking = (least - 1) * stride + kernel - size - layer.total_padding[axis]
        if lacking <= 0:
            continue
        for side in (2 * axis, 2 * axis + 1):
            sides[side] += -(-lacking // 2)
            if sides[side] > _most_padding(layer, kernel):
                return None
    top, bottom, left, right = sides
    padding: Sides = (top, bottom, left, right)
    what = f"give {search.network.names[index]} padding {padding_text(padding)}"
    return search.replace(index, layer.replace(padding=padding), what)


def _most_padding(layer: Windowed, kernel: int) -> int:
    """A pooling of 2 is not padded: its windows would see one pixel and nothing else."""
    if isinstance(layer, Conv2d):
        return kernel - 1
    return kernel // 2 if kernel > 2 else 0


def _shrink(search: _Search, index: int) -> Fix | None:
    """The largest smaller kernel of one layer that helps; odd ones stay odd, squares square."""
    layer = search.layer(index)
    # A pooling whose windows do not overlap keeps that: its stride shrinks with it.
    tiles = not isinstance(layer, Conv2d) and layer.stride == layer.kernel_size
    sizes = []
    for axis, (size, least) in enumerate(search.room(index)):
        kernel, padded = layer.kernel_size[axis], size + layer.total_padding[axis]
        most = padded // least if tiles else padded - (least - 1) * layer.stride[axis]
        shrunk = most - (kernel - most) % 2 if isinstance(layer, Conv2d) else most
        sizes.append(min(kernel, shrunk))
    if layer.kernel_size[0] == layer.kernel_size[1]:
        sizes = [min(sizes)] * 2
    kernel_size = (sizes[0], sizes[1])
    if min(kernel_size) < 1 or (max(kernel_size) < 2 and not _may_be_one(search, index)):
        return None
    name = search.network.names[index]
    what = f"use a {pair_text(kernel_size)} {layer.window_noun} in {name}"
    stride = kernel_size if tiles else layer.stride
    try:
        smaller = layer.replace(kernel_size=kernel_size, stride=stride)
    except UsageError:  # a pooling's padding is as large as its window now
        return None
    return search.replace(index, smaller, what)


def _may_be_one(search: _Search, index: int) -> bool:
    """A 1x1 window changes what a layer is for: proposed only to the convolution in question."""
    return index == search.misfit.index and isinstance(search.layer(index), Conv2d)


def _slow(search: _Search, index: int) -> Fix | None:
    """The largest smaller stride of one layer that helps."""
    layer = search.layer(index)
    strides = []
    for axis, (size, least) in enumerate(search.room(index)):
        span = size - layer.kernel_size[axis] + layer.total_padding[axis]
        most = span // (least - 1) if least > 1 else layer.stride[axis]
        strides.append(min(layer.stride[axis], most))
    stride = (strides[0], strides[1])
    if min(stride) < 1 or stride == layer.stride:
        return None
    what = f"give {search.network.names[index]} stride {size_text(stride)}"
    return search.replace(index, layer.replace(stride=stride), what)


def _larger_input(network: Network, misfit: Misfit) -> Fix | None:
    size = _least_input(network)
    larger = (network.input_shape[0], *size)
    what = f"start from {pair_text(size)} or more"
    return tried(what, lambda: replace(network, input_shape=larger), misfit.index)


def _least_input(network: Network) -> Pair:
    """The least (height, width) that fits and is at least the network's own; a square stays one."""
    _, height, width = network.input_shape
    least = least_sizes(network.layers)[0]
    if height == width:
        return (max(height, *least),) * 2
    return max(height, least[0]), max(width, least[1])


def _joint_fixes(network: Network, misfit: Misfit) -> Iterator[Fix | None]:
    """Where no change of one layer is enough: the same change of several."""
    yield _drop_several(network, pools=True)
    yield _pad_all(network, misfit)
    yield _drop_several(network, pools=False)


def _pad_all(network: Network, misfit: Misfit) -> Fix | None:
    """Padding of half the kernel everywhere: with odd kernels and stride 1 no map shrinks."""
    changes: dict[int, tuple[Layer, ...]] = {}
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Conv2d):
            down, along = (kernel // 2 for kernel in layer.kernel_size)
            wanted = (down, down, along, along)
            top, bottom, left, right = map(max, layer.padding, wanted)
            changes[index] = (layer.replace(padding=(top, bottom, left, right)),)
    what = "give every convolution padding of half its kernel"
    return tried(what, lambda: rebuilt(network, changes), misfit.index)


def _drop_several(network: Network, pools: bool) -> Fix | None:
    """Drop what does not fit until all fits; with ``pools`` the nearest pooling at or before it."""
    kept = list(range(len(network.layers)))
    dropped: list[int] = []
    current = network
    while misfit := first_misfit(current):
        place = misfit.index
        while pools and place >= 0 and isinstance(current.layers[place], Conv2d):
            place -= 1
        if place < 0 or len(kept) == 1 or len(dropped) == _TRIES:
            return None
        dropped.append(kept.pop(place))
        current = rebuilt(network, dict.fromkeys(dropped, ()))
    return tried(
        f"drop {listed([network.names[i] for i in sorted(dropped)])}", lambda: current, None
    )


def _order_fixes(network: Network) -> Iterator[Fix]:
    """Maps after a dense layer: change the order or the kind, then whatever sizes still need."""
    for what, build in _orders(network):
        try:
            changed = build()
        except UsageError:  # nothing is left, or too large a number of units
            continue
        misfit = first_misfit(changed)
        if misfit is None:
            yield Fix(what, "", changed)
        elif set(changed.names) <= set(network.names):
            # The second change names layers, so only where none has got another's name.
            for fix in list(_size_fixes(changed, misfit))[:1]:
                yield Fix(f"{what}, then {fix.what}", "", fix.network)


def _orders(network: Network) -> Iterator[tuple[str, Callable[[], Network]]]:
    layers, names = network.layers, network.names
    start = first_dense(layers)
    late = [i for i in range(start, len(layers)) if not isinstance(layers[i], Dense)]
    early = [i for i in range(start, late[-1]) if isinstance(layers[i], Dense)]
    late_names, early_names = (_short([names[i] for i in some]) for some in (late, early))
    order = [*range(start), *late, *(i for i in range(start, len(layers)) if i not in set(late))]
    yield (
        f"put {late_names} before {names[start]}",
        lambda: Network(network.input_shape, [layers[i] for i in order]),
    )
    yield f"drop {late_names}", lambda: rebuilt(network, dict.fromkeys(late, ()))
    yield f"drop {early_names}", lambda: rebuilt(network, dict.fromkeys(early, ()))
    one = "a 1x1 convolution" if len(early) == 1 else "1x1 convolutions"
    yield (
        f"make {early_names} {one}",
        lambda: rebuilt(network, {i: (_as_convolution(layers[i]),) for i in early}),
    )


def _short(names: list[str]) -> str:
    return listed(names) if len(names) <= 4 else f"{names[0]} to {names[-1]}"


def _as_convolution(layer: Layer) -> Conv2d:
    assert isinstance(layer, Dense)
    return Conv2d(layer.units, 1, activation=layer.activation)
