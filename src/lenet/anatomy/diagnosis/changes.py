"""Changing a network, and finding where it does not fit: what every diagnosis is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lenet.errors import ShapeError, UsageError
from lenet.net import AvgPool2d, Block, Conv2d, Dense, Layer, MaxPool2d, Network, Shape
from lenet.net.layers import Pair, Sides
from lenet.net.shapes import output_shape, shape_text

Window = Conv2d | MaxPool2d | AvgPool2d


@dataclass(frozen=True)
class Fix:
    """A change that makes the whole network fit.

    Attributes:
        what: the change as a request, "give conv2 padding 1".
        effect: what the layer that did not fit then does, "16@4x4 -> 32@2x2"; empty if it is gone.
        network: the changed network; it fits.
    """

    what: str
    effect: str
    network: Network


@dataclass(frozen=True)
class Misfit:
    """The first layer that does not fit: its place from 0, and what each layer up to it gets."""

    index: int
    shapes: tuple[Shape, ...]


def first_misfit(network: Network) -> Misfit | None:
    """The first layer that does not fit, or None where all do."""
    shapes: list[Shape] = [network.input_shape]
    for index, layer in enumerate(network.layers):
        try:
            shapes.append(output_shape(layer, shapes[-1], ""))
        except ShapeError:
            return Misfit(index, tuple(shapes))
    return None


def least_sizes(layers: Iterable[Layer]) -> list[Pair]:
    """The least (height, width) of each layer's input with which it and all later layers fit.

    The last entry is what must come out at least, one by one.
    """
    least = [(1, 1)]
    for layer in reversed(tuple(layers)):
        if isinstance(layer, Dense):
            least.append((1, 1))
            continue
        # floor((n - k + p + s) / s) >= m holds from n = (m - 1) s + k - p on.
        height, width = (
            max(1, (m - 1) * s + k - p)
            for m, s, k, p in zip(
                least[-1], layer.stride, layer.kernel_size, layer.total_padding, strict=True
            )
        )
        least.append((height, width))
    return least[::-1]


def rebuilt(
    network: Network,
    changes: Mapping[int, tuple[Layer, ...]],
    input_shape: tuple[int, ...] | None = None,
) -> Network:
    """``network`` with the layers at some places (from 0) replaced by none, one or more.

    Raises:
        UsageError: no layer is left.
    """
    index, blocks = 0, []
    for block in network.blocks:
        layers: list[Layer] = []
        for layer in block:
            layers += changes.get(index, (layer,))
            index += 1
        if layers:
            blocks.append(Block(layers))
    return Network(input_shape or network.input_shape, blocks)


def first_dense(layers: tuple[Layer, ...]) -> int:
    """The place of the first dense layer; behind the end where there is none."""
    return next((i for i, one in enumerate(layers) if isinstance(one, Dense)), len(layers))


def tried(what: str, build: Callable[[], Network], place: int | None) -> Fix | None:
    """The fix whose network ``build`` makes, or None if that does not fit after all.

    ``place`` is where the layer that did not fit stands then.
    """
    try:
        network = build()
        effect = ""
        if place is not None:
            placed = network.placed[place]
            effect = f"{shape_text(placed.input_shape)} -> {shape_text(placed.output_shape)}"
        return Fix(what, effect, network) if network.placed else None
    except UsageError:
        return None


def with_window(
    layer: Window,
    kernel_size: Pair | None = None,
    stride: Pair | None = None,
    padding: Sides | None = None,
) -> Window:
    """``layer`` with another kernel, stride or padding.

    Raises:
        UsageError: a pooling's padding is as large as its window.
    """
    kernel_size, stride = kernel_size or layer.kernel_size, stride or layer.stride
    padding = layer.padding if padding is None else padding
    if isinstance(layer, Conv2d):
        return Conv2d(layer.channels, kernel_size, stride, padding, layer.activation)
    return type(layer)(kernel_size, stride, padding)


def listed(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
