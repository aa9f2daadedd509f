"""Changes of a network that make a file's weights its own; each of them is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Final

from lenet.analysis.diagnosis.fixes import Fix, first_dense
from lenet.analysis.diagnosis.weights import Pairs, Tensor, is_normalised, weight_shapes
from lenet.errors import ShapeError, UsageError
from lenet.net import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Network, rebuilt
from lenet.net.layers import MAX_SIZE, Pool2d, Trained, Windowed, same_padding
from lenet.net.shapes import elements, pair_text
from lenet.net.words import listed
from lenet.writing.numbers import plural

#: So many fixes are enough to choose from.
_MOST_FIXES: Final = 8
#: Padding, strides and windows up to these are tried, in so many layers.
_PADDINGS: Final = range(12)
_STEPS: Final = range(1, 5)
_LAYERS: Final = 16

_Changes = dict[int, tuple[Layer, ...]]


def find_adaptations(network: Network, pairs: Pairs) -> tuple[int, tuple[Fix, ...]]:
    """Return how many changes make every weight agree, and the fixes, the best first.

    A fix is what the weights say directly and, if that is not enough, one change of the sizes.

    Args:
        network: the network to change; it need not fit.
        pairs: which weight belongs to which layer.
    """
    shapes = [tensor.shape for _, tensor in pairs if tensor]
    norms = [tensor.batch_norm for _, tensor in pairs if tensor]

    def agrees(changed: Network) -> bool:
        wanted = weight_shapes(changed)
        have = [is_normalised(changed.layers[place]) for place in wanted]
        return list(wanted.values()) == shapes and have == norms

    inputs = next((tensor.shape[1] for _, tensor in pairs if tensor and not tensor.is_conv), None)
    try:
        bases = [_adapted(network, pairs, pools_go) for pools_go in (False, True)]
    except UsageError:  # a shape in the file that no layer can have, or no layer is left
        return 0, ()
    for told, base in bases:
        if agrees(base):
            return len(told), (Fix(", ".join(told), "", base),)
    for told, base in bases:
        helping = (
            Fix(", ".join([*told, what]), "", changed)
            for what, changed in _size_changes(base, inputs)
            if agrees(changed)
        )
        if fixes := tuple(islice(helping, _MOST_FIXES)):
            return len(told) + 1, fixes
    return 0, ()


def _adapted(network: Network, pairs: Pairs, pools_go: bool) -> tuple[list[str], Network]:
    """The network with all that the weights' shapes say directly, and the changes in words.

    With ``pools_go`` a layer that is dropped takes the poolings right behind it with it.
    """
    told: list[str] = []
    changes: _Changes = {}
    added: dict[int, list[Tensor]] = {}
    for number, (place, tensor) in enumerate(pairs):
        if place is None:
            assert tensor is not None
            added.setdefault(_place_for(network, pairs[number + 1 :], tensor), []).append(tensor)
        elif tensor is None:
            gone = _with_pools(network, place) if pools_go else [place]
            changes |= dict.fromkeys(gone, ())
            told.append(f"drop {listed([network.names[i] for i in gone])}")
        else:
            layer, words = _changed(network.layers[place], tensor, network.names[place])
            changes[place] = (layer,)
            told += words
    told += _norm_words(network, pairs)
    for place, tensors in added.items():
        told += _add(network, changes, place, tensors)
    channels, height, width = network.input_shape
    wanted = next((t.shape[1] for _, t in pairs if t and t.is_conv), channels)
    if wanted != channels:
        told.insert(0, f"start from {plural(wanted, 'channel')}")
    return told, rebuilt(replace(network, input_shape=(wanted, height, width)), changes)


def _with_pools(network: Network, place: int) -> list[int]:
    end = place + 1
    while end < len(network.layers) and isinstance(network.layers[end], Pool2d):
        end += 1
    return list(range(place, end))


def _norm_words(network: Network, pairs: Pairs) -> Iterator[str]:
    """Which convolutions are to be normalised, and which no longer."""
    both = [(place, tensor.batch_norm) for place, tensor in pairs if place is not None and tensor]
    differ = [(p, norm) for p, norm in both if is_normalised(network.layers[p]) != norm]
    for wanted, what in ((True, "normalise"), (False, "do not normalise")):
        if names := [network.names[place] for place, norm in differ if norm == wanted]:
            yield f"{what} {listed(names)}"


def _changed(layer: Layer, tensor: Tensor, name: str) -> tuple[Layer, list[str]]:
    """The layer as its weight says it is, and the changes of its sizes in words."""
    assert isinstance(layer, Trained)
    width, _, *kernel = tensor.shape
    told = []
    if layer.width != width:
        told.append(f"give {name} {plural(width, layer.width_noun)}")
    layer = layer.with_width(width)
    if isinstance(layer, Conv2d):
        size, padding = (kernel[0], kernel[1]), layer.padding
        if layer.kernel_size != size:
            told.append(f"use a {pair_text(size)} {layer.window_noun} in {name}")
        if any(padding) and padding == same_padding(layer.kernel_size):
            padding = same_padding(size)  # what kept the size shall keep it
        norm = tensor.batch_norm
        layer = layer.replace(kernel_size=size, padding=padding, batch_norm=norm)
    return layer, told


def _add(
    network: Network, changes: _Changes, place: int, tensors: Sequence[Tensor]
) -> Iterator[str]:
    """Put new layers before the one at ``place``, or at the end; tells each change."""
    end = place == len(network.layers)
    used = [layer.activation for layer in network.layers if isinstance(layer, Trained)]
    activation = next((word for word in used if word != "identity"), "relu")
    where = "at the end" if end else f"before {network.names[place]}"
    added: list[Layer] = []
    for tensor in tensors:
        width, _, *kernel = tensor.shape
        if tensor.is_conv:
            size, norm = (kernel[0], kernel[1]), tensor.batch_norm
            added.append(Conv2d(width, size, activation=activation, batch_norm=norm))
        else:
            is_output = end and tensor is tensors[-1]
            added.append(Dense(width, "identity" if is_output else activation))
        yield f"add {added[-1].notation()} {where}"
    place -= end
    kept = changes.get(place, (network.layers[place],))
    changes[place] = (*kept, *added) if end else (*added, *kept)


def _place_for(network: Network, later: Pairs, tensor: Tensor) -> int:
    """Where a layer for a weight without one goes: before the next of its kind."""
    for place, _ in later:
        if place is not None and isinstance(network.layers[place], Conv2d) == tensor.is_conv:
            return place
    return first_dense(network.layers) if tensor.is_conv else len(network.layers)


def _size_changes(network: Network, inputs: int | None) -> Iterator[tuple[str, Network]]:
    """Changes of sizes alone, likely ones first; which of them help is for the caller to check.

    Args:
        network: its layers are as the weights want them, its maps may have other sizes.
        inputs: how many inputs the first dense layer should have; None if there is none.
    """
    if inputs is None:
        return
    yield from _inputs(network, inputs)
    for what, changes in chain(_paddings(network), _poolings(network), _strides(network)):
        try:
            yield what, rebuilt(network, changes)
        except UsageError:  # no layer is left
            continue


def _inputs(network: Network, wanted: int) -> Iterator[tuple[str, Network]]:
    """The smallest input whose maps are large enough; by bisection, for maps only grow with it."""
    channels, height, width = network.input_shape
    square = _enlarged(network, wanted, lambda n: (channels, n, n))
    larger = [square]
    if height != width or _first_inputs(square) != wanted:
        tall = _enlarged(network, wanted, lambda n: (channels, n, width))
        larger = [tall, _enlarged(network, wanted, lambda n: (channels, height, n))]
    for changed in larger:
        yield f"start from {pair_text(changed.input_shape[1:])}", changed


def _enlarged(
    network: Network, wanted: int, shape: Callable[[int], tuple[int, int, int]]
) -> Network:
    low, high = 1, MAX_SIZE
    while low < high:
        middle = (low + high) // 2
        enough = _first_inputs(replace(network, input_shape=shape(middle))) >= wanted
        low, high = (low, middle) if enough else (middle + 1, high)
    return replace(network, input_shape=shape(low))


def _first_inputs(network: Network) -> int:
    """How many numbers the first dense layer reads; 0 if the network does not fit."""
    try:
        return elements(network.placed[first_dense(network.layers)].input_shape)
    except ShapeError:
        return 0


def _paddings(network: Network) -> Iterator[tuple[str, _Changes]]:
    for place, name, layer in _windows(network, Conv2d):
        for side in _PADDINGS:
            if side < max(layer.kernel_size):
                yield f"give {name} padding {side}", {place: (layer.replace(padding=side),)}


def _poolings(network: Network) -> Iterator[tuple[str, _Changes]]:
    """A pooling dropped, added behind a convolution, or of another window."""
    pools = list(_windows(network, Pool2d))
    for place, name, _ in pools:
        yield f"drop {name}", {place: ()}
    kind = AvgPool2d if pools and isinstance(pools[0][2], AvgPool2d) else MaxPool2d
    for place, name, conv in _windows(network, Conv2d):
        yield f"add {kind.keyword} 2 after {name}", {place: (conv, kind(2))}
    for place, name, pool in pools:
        for size in _STEPS[1:]:
            other = pool.replace(kernel_size=size, stride=size, padding=0)
            yield f"use a {size}x{size} window in {name}", {place: (other,)}


def _strides(network: Network) -> Iterator[tuple[str, _Changes]]:
    for place, name, layer in _windows(network, (Conv2d, Pool2d)):
        for stride in _STEPS:
            yield f"give {name} stride {stride}", {place: (layer.replace(stride=stride),)}


def _windows(
    network: Network, kind: type[Layer] | tuple[type[Layer], ...]
) -> Iterator[tuple[int, str, Windowed]]:
    """The first layers of a kind: place, name, layer."""
    named = enumerate(zip(network.names, network.layers, strict=True))
    every = [(place, *both) for place, both in named if isinstance(both[1], kind)]
    for place, name, layer in every[:_LAYERS]:
        if isinstance(layer, Windowed):
            yield place, name, layer
