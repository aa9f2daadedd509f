"""A network changed until its weights have given shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from lenet.analysis.diagnosis.changes import first_dense
from lenet.errors import ShapeError, UsageError
from lenet.net import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Network, Shape
from lenet.net.layers import MAX_SIZE, Trained, Windowed, same_padding
from lenet.net.network import rebuilt
from lenet.net.shapes import elements, pair_text
from lenet.net.words import listed
from lenet.writing.numbers import plural

#: Padding, strides and windows up to these are tried, in so many layers.
_PADDINGS: Final = range(12)
_STEPS: Final = range(1, 5)
_LAYERS: Final = 16


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file: its name and shape, and of a convolution's weight if what it gives is
    normalised over the batch."""

    name: str
    shape: Shape
    batch_norm: bool = False


#: (a layer's place in the network, its weight), convolutions first; either may be missing.
Pairs = list[tuple[int | None, Tensor | None]]


def adapt(network: Network, pairs: Pairs, pools_go: bool = False) -> tuple[list[str], Network]:
    """The network with all that the weights' shapes say directly, and the changes in words.

    Args:
        network: the network to change.
        pairs: which weight belongs to which layer.
        pools_go: a convolution that is dropped takes the poolings right behind it with it.

    Raises:
        UsageError: a shape that no layer can have, or no layer is left.
    """
    told: list[str] = []
    changes: dict[int, tuple[Layer, ...]] = {}
    for place, tensor in pairs:
        if place is not None and tensor is None:
            gone = _with_pools(network, place) if pools_go else [place]
            changes |= dict.fromkeys(gone, ())
            told.append(f"drop {listed([network.names[i] for i in gone])}")
        elif place is not None and tensor is not None:
            changes[place], words = _adapted(network, place, tensor)
            told += words
    told += _norm_words(network, pairs)
    new: dict[int, list[Tensor]] = {}
    for number, (place, tensor) in enumerate(pairs):
        if place is None and tensor is not None:
            new.setdefault(_place_for(network, pairs, number), []).append(tensor)
    for place, tensors in new.items():
        told += _add(network, changes, place, tensors)
    shape = _input_shape(network, pairs)
    if shape != network.input_shape:
        told.insert(0, f"start from {plural(shape[0], 'channel')}")
    return told, rebuilt(replace(network, input_shape=shape), changes)


def _with_pools(network: Network, place: int) -> list[int]:
    end = place + 1
    while end < len(network.layers) and isinstance(network.layers[end], MaxPool2d | AvgPool2d):
        end += 1
    return list(range(place, end))


def _norm_words(network: Network, pairs: Pairs) -> Iterator[str]:
    """Which convolutions are to be normalised, and which no longer."""
    for wanted, what in ((True, "normalise"), (False, "do not normalise")):
        if places := [
            place
            for place, tensor in pairs
            if place is not None
            and tensor is not None
            and normalised(network.layers[place]) != tensor.batch_norm == wanted
        ]:
            yield f"{what} {listed([network.names[place] for place in places])}"


def normalised(layer: Layer) -> bool:
    """Are the layer's maps normalised over the batch?"""
    return isinstance(layer, Conv2d) and layer.batch_norm


def _adapted(network: Network, place: int, tensor: Tensor) -> tuple[tuple[Layer, ...], list[str]]:
    """A layer as its weight says it is, and the changes of its sizes in words."""
    layer, name, shape = network.layers[place], network.names[place], tensor.shape
    told = []
    if isinstance(layer, Dense):
        if layer.units != shape[0]:
            told.append(f"give {name} {plural(shape[0], 'unit')}")
        return (layer.replace(units=shape[0]),), told
    assert isinstance(layer, Conv2d)
    kernel, padding = (shape[2], shape[3]), layer.padding
    if layer.channels != shape[0]:
        told.append(f"give {name} {plural(shape[0], 'channel')}")
    if layer.kernel_size != kernel:
        told.append(f"use a {pair_text(kernel)} kernel in {name}")
        if any(padding) and padding == same_padding(layer.kernel_size):
            padding = same_padding(kernel)  # what kept the size shall keep it
    changed = replace(
        layer, channels=shape[0], kernel_size=kernel, padding=padding, batch_norm=tensor.batch_norm
    )
    return (changed,), told


def _add(
    network: Network, changes: dict[int, tuple[Layer, ...]], place: int, tensors: list[Tensor]
) -> Iterator[str]:
    """Put new layers before the one at ``place``, or at the end; tells each change."""
    end = place == len(network.layers)
    used = [one.activation for one in network.layers if isinstance(one, Trained)]
    activation = next((one for one in used if one != "identity"), "relu")
    where = "at the end" if end else f"before {network.names[place]}"
    added: list[Layer] = []
    for tensor in tensors:
        shape = tensor.shape
        if len(shape) == 4:
            kernel = shape[2], shape[3]
            norm = tensor.batch_norm
            added.append(Conv2d(shape[0], kernel, activation=activation, batch_norm=norm))
        else:
            is_output = end and tensor is tensors[-1]
            added.append(Dense(shape[0], "identity" if is_output else activation))
        yield f"add {added[-1].notation()} {where}"
    place -= end
    kept = changes.get(place, (network.layers[place],))
    changes[place] = (*kept, *added) if end else (*added, *kept)


def _place_for(network: Network, pairs: Pairs, number: int) -> int:
    """Where a layer for a weight without one goes: before the next of its kind."""
    tensor = pairs[number][1]
    assert tensor is not None
    for place, _ in pairs[number + 1 :]:
        if place is not None and isinstance(network.layers[place], Conv2d) == (
            len(tensor.shape) == 4
        ):
            return place
    return first_dense(network.layers) if len(tensor.shape) == 4 else len(network.layers)


def _input_shape(network: Network, pairs: Pairs) -> tuple[int, int, int]:
    channels = next((t.shape[1] for _, t in pairs if t and len(t.shape) == 4), None)
    count, height, width = network.input_shape
    return (count if channels is None else channels), height, width


def geometries(network: Network, inputs: int | None) -> Iterator[tuple[str, Network]]:
    """Changes of sizes alone, likely ones first; which of them help is for the caller to check.

    Args:
        network: its layers are as the weights want them, its maps may have other sizes.
        inputs: how many inputs the first dense layer should have.
    """
    if inputs is None:
        return
    yield from _inputs(network, inputs)
    for build in (_paddings, _poolings, _steps):
        for what, changes in build(network):
            try:
                yield what, rebuilt(network, changes)
            except UsageError:  # no layer is left
                continue


def _inputs(network: Network, wanted: int) -> Iterator[tuple[str, Network]]:
    """The smallest input whose maps are large enough; by bisection, for maps only grow with it."""
    channels, height, width = network.input_shape
    square = _enlarged(network, wanted, lambda n: (channels, n, n))
    found = [square]
    if height != width or first_inputs(square) != wanted:
        tall = _enlarged(network, wanted, lambda n: (channels, n, width))
        found = [tall, _enlarged(network, wanted, lambda n: (channels, height, n))]
    for new in found:
        yield f"start from {pair_text(new.input_shape[1:])}", new


def _enlarged(
    network: Network, wanted: int, shape: Callable[[int], tuple[int, int, int]]
) -> Network:
    low, high = 1, MAX_SIZE
    while low < high:
        middle = (low + high) // 2
        enough = first_inputs(replace(network, input_shape=shape(middle))) >= wanted
        low, high = (low, middle) if enough else (middle + 1, high)
    return replace(network, input_shape=shape(low))


def first_inputs(network: Network) -> int:
    """How many numbers the first dense layer reads; 0 if the network does not fit."""
    try:
        return next(elements(p.input_shape) for p in network.placed if isinstance(p.layer, Dense))
    except ShapeError:
        return 0


_Changes = Iterator[tuple[str, dict[int, tuple[Layer, ...]]]]


def _paddings(network: Network) -> _Changes:
    for place, name, layer in _windows(network, Conv2d):
        for side in _PADDINGS:
            if side < max(layer.kernel_size):
                yield f"give {name} padding {side}", {place: (layer.replace(padding=side),)}


def _poolings(network: Network) -> _Changes:
    """A pooling dropped, added behind a convolution, or of another window."""
    pools = list(_windows(network, (MaxPool2d, AvgPool2d)))
    for place, name, _ in pools:
        yield f"drop {name}", {place: ()}
    kind: type[MaxPool2d] | type[AvgPool2d] = MaxPool2d
    if pools and isinstance(pools[0][2], AvgPool2d):
        kind = AvgPool2d
    for place, name, conv in _windows(network, Conv2d):
        yield f"add {kind.keyword} 2 after {name}", {place: (conv, kind(2))}
    for place, name, pool in pools:
        for size in _STEPS[1:]:
            other = pool.replace(kernel_size=size, stride=size, padding=0)
            yield f"use a {size}x{size} window in {name}", {place: (other,)}


def _steps(network: Network) -> _Changes:
    for place, name, layer in _windows(network, (Conv2d, MaxPool2d, AvgPool2d)):
        for step in _STEPS:
            yield f"give {name} stride {step}", {place: (layer.replace(stride=step),)}


def _windows(
    network: Network, kinds: type[Layer] | tuple[type[Layer], ...]
) -> Iterator[tuple[int, str, Windowed]]:
    """The first layers of these kinds: place, name, layer."""
    places = [i for i, layer in enumerate(network.layers) if isinstance(layer, kinds)]
    for place in places[:_LAYERS]:
        layer = network.layers[place]
        if isinstance(layer, Windowed):
            yield place, network.names[place], layer
