"""Where a network does not fit, and a change that was tried: what every diagnosis is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lenet.errors import ShapeError, UsageError
from lenet.net import Dense, Layer, Network, Shape
from lenet.net.layers import Windowed
from lenet.net.shapes import Pair, shape_text


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
            shapes.append(layer.output_shape(shapes[-1], ""))
        except ShapeError:
            return Misfit(index, tuple(shapes))
    return None


def least_sizes(layers: Iterable[Layer]) -> list[Pair]:
    """The least (height, width) of each layer's input with which it and all later layers fit.

    The last entry is what must come out at least, one by one.
    """
    least = [(1, 1)]
    for layer in reversed(tuple(layers)):
        if not isinstance(layer, Windowed):
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
