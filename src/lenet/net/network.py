"""A network: what goes in, and blocks of layers. Immutable; everything else is computed from it.

Names and block structure follow the article: convolutions, poolings and dense layers are counted
each by themselves from zero (conv0, pool0, conv1, pool1, dense0, ...), and a block that is like
an earlier one but for its number of channels is "the same block again".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any, Final

from lenet.arguments import plain
from lenet.errors import ShapeError, UsageError
from lenet.net.layers import (
    LAYERS,
    MAX_SIZE,
    Conv2d,
    Dense,
    Layer,
    Pool2d,
    Rbf,
    TensorShape,
    Trained,
)
from lenet.net.shapes import (
    ChannelsFirst,
    Shape,
    channels_last_problem,
    input_text,
    is_channels_last,
    read_shape,
    shape_text,
)
from lenet.net.words import listed, shown

MAX_LAYERS: Final = 10_000
#: The figure of a longer network would be larger than a page: it is not shown unasked.
MOST_DRAWN: Final = 40
#: A longer notation is not shown in full at the prompt: so much of its beginning and its end is.
_LONGEST: Final = 400
_HEAD, _TAIL = 300, 60
#: What an error calls the place of a network before its first layer.
INPUT: Final = "input"


@dataclass(frozen=True, init=False)
class Block:
    """Layers that belong together, e.g. a convolution and its pooling."""

    layers: tuple[Layer, ...]

    def __init__(self, layers: Iterable[Layer]) -> None:
        """Group ``layers``; a UsageError says that there are none, or that one is no layer."""
        if not isinstance(layers, Iterable):
            raise UsageError(f"the layers are {shown(layers)}; give a list of them, even of one.")
        object.__setattr__(self, "layers", tuple(layers))
        if not self.layers:
            raise UsageError("a block has no layers; give it at least one or leave it out.")
        for layer in self.layers:
            if not isinstance(layer, Layer):
                known = listed([known.__name__ for known in LAYERS.values()])
                raise UsageError(f"{shown(layer)} is no layer; a network is made of {known}.")

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __repr__(self) -> str:
        return f"<Block {', '.join(layer.notation() for layer in self)}>"

    def repeats(self, other: Block) -> bool:
        """Is this the same block again: equal but for the number of channels or units?"""
        return _without_widths(self) == _without_widths(other)


@dataclass(frozen=True)
class PlacedLayer:
    """A layer where it stands in its network: its name, its block, and what flows through."""

    name: str
    block: int  # from 0
    layer: Layer
    input_shape: Shape
    output_shape: Shape

    @property
    def tensors(self) -> tuple[TensorShape, ...]:
        """The tensors that the layer owns here, in the parameter table's order."""
        return self.layer.tensors(self.input_shape)


@dataclass(frozen=True, init=False)
class Network:
    """An input shape (channels, height, width) and the blocks it flows through.

    ``Network((1, 28, 28), [Conv2d(6, 5), MaxPool2d(2), Dense(10)])`` groups plain layers into
    blocks by itself; give :class:`Block` objects to group them yourself. ``str(network)`` is its
    notation, and ``lenet.parse`` reads that back to an equal network.
    """

    input_shape: tuple[int, int, int]
    blocks: tuple[Block, ...]

    def __init__(self, input_shape: Iterable[int], blocks: Iterable[Block | Layer]) -> None:
        """Describe a network; that its layers fit is checked by :attr:`placed`.

        Raises:
            UsageError: the input shape is impossible, there are no layers or too many, or blocks
                and plain layers are mixed.
        """
        object.__setattr__(self, "input_shape", _input_shape(input_shape))
        object.__setattr__(self, "blocks", _blocks(blocks))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers in order."""
        return tuple(layer for block in self.blocks for layer in block)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every layer's name in order: conv0, pool0, conv1, ..."""
        counts = {layer.stem: count() for layer in LAYERS.values()}
        return tuple(f"{layer.stem}{next(counts[layer.stem])}" for layer in self.layers)

    @cached_property
    def placed(self) -> tuple[PlacedLayer, ...]:
        """Every layer with its name, block, input and output shape.

        Raises:
            ShapeError: the input has its channels last, or a layer does not fit on what it is
                given; it carries this network.
        """
        try:
            if is_channels_last(self.input_shape):
                problem, remedy = channels_last_problem(self.input_shape)
                raise ShapeError(problem, INPUT, remedy)
            return tuple(_place(self))
        except ShapeError as error:
            error.network = self
            raise

    @property
    def output_shape(self) -> Shape:
        """The shape of the output: (classes,) for a classifier."""
        return self.placed[-1].output_shape

    def first_like(self, index: int) -> int | None:
        """Return the earliest block that block ``index`` repeats, or None if it is new."""
        first = self._first_likes[index]
        return None if first == index else first

    @cached_property
    def _first_likes(self) -> tuple[int, ...]:
        # One pass over a table: comparing every pair of blocks would take seconds at 10,000 layers.
        seen: dict[tuple[Layer, ...], int] = {}
        return tuple(
            seen.setdefault(_without_widths(block), i) for i, block in enumerate(self.blocks)
        )

    def __str__(self) -> str:
        """Write the notation, as short as possible."""
        blocks = (", ".join(layer.notation() for layer in block) for block in self.blocks)
        return " | ".join([input_text(self.input_shape), *blocks])

    def __repr__(self) -> str:
        return f"<Network {self.short}>"

    @property
    def short(self) -> str:
        """The notation; of a long one, its beginning and its end."""
        text = str(self)
        return text if len(text) <= _LONGEST else f"{text[:_HEAD]} ... {text[-_TAIL:]}"

    def on(self, input_shape: Iterable[int]) -> Network:
        """Return the network on another input, which is (channels, height, width) for certain."""
        return replace(self, input_shape=ChannelsFirst(input_shape))

    # Short cuts to rows above, through the root's map of public names.

    def explain(self, **options: Any) -> Any:
        """Explain the network: ``lenet.explain(network, ...)``."""
        import lenet

        return lenet.explain(self, **options)

    def draw(self, **options: Any) -> Any:
        """Draw the network: ``lenet.draw(network, ...)``."""
        import lenet

        return lenet.draw(self, **options)

    def _repr_html_(self) -> str:
        """Show the figure and the explanation in a notebook; or what is wrong, and what helps."""
        import lenet

        try:
            shown = [self.explain()]
        except ShapeError:
            shown = [lenet.diagnose(self)]
        else:
            if len(self.layers) <= MOST_DRAWN:
                shown.insert(0, self.draw())
        return "\n".join(part._repr_html_() for part in shown)


def group_blocks(layers: Iterable[Layer]) -> tuple[Block, ...]:
    """Group plain layers: a convolution after a pooling opens a block; dense layers are one."""
    groups: list[list[Layer]] = []
    previous: Layer | None = None
    for layer in layers:
        is_next = type(layer) is not type(previous) and isinstance(layer, Conv2d)
        if is_next or not groups or _is_flat(layer) != _is_flat(previous):
            groups.append([])
        groups[-1].append(layer)
        previous = layer
    return tuple(map(Block, groups))


def _is_flat(layer: object) -> bool:
    return isinstance(layer, Layer) and layer.flattens


def rebuilt(network: Network, changes: Mapping[int, Sequence[Layer]]) -> Network:
    """Replace the layers at some places (from 0) by none, one or more; an empty block goes."""
    place, blocks = 0, []
    for block in network.blocks:
        layers: list[Layer] = []
        for layer in block:
            layers += changes.get(place, (layer,))
            place += 1
        if layers:
            blocks.append(Block(layers))
    return replace(network, blocks=tuple(blocks))


def _would_fit(layer: Layer, shape: Shape) -> bool:
    """Would a layer fit on larger maps of as many channels?"""
    try:
        layer.output_shape((shape[0], MAX_SIZE, MAX_SIZE))
    except ShapeError:
        return False
    return True


def fitted(network: Network, input_shape: tuple[int, int, int], classes: int) -> Network:
    """Give ``network`` another input, and its last, dense layer as many units as there are classes.

    A pooling over the whole map stays one.

    Raises:
        UsageError: the last layer is not dense, or the images are too small for a layer.
    """
    *inner, output = network.placed
    if not isinstance(output.layer, Dense | Rbf):
        what = f"{output.layer!r}, whose size does not follow from the number of classes"
        raise UsageError(f"the network ends in {what}; end it with 'dense {classes}'.")
    shape: Shape = input_shape
    changes: dict[int, Sequence[Layer]] = {}
    try:
        for place, placed in enumerate(inner):
            layer = placed.layer
            if isinstance(layer, Pool2d) and layer.covers(placed.input_shape):
                whole = (shape[1], shape[2])
                layer = layer.replace(kernel_size=whole, stride=whole)
                changes[place] = (layer,)
            shape = layer.output_shape(shape, placed.name)
    except ShapeError as error:
        if not _would_fit(layer, shape):
            what = f"the images are {shape_text(input_shape)}: {str(error).rstrip('.')}"
            raise UsageError(f"{what}.") from error
        _, height, width = network.input_shape
        raise UsageError(
            f"the images are {shape_text(input_shape)}, too small for the network: {error.layer} "
            f"would have nothing left; enlarge them to what it is made for (size "
            f"{height if height == width else f'{height}x{width}'}), or write a smaller network.",
            parameter="size",
        ) from error
    changes[len(inner)] = (output.layer.with_width(classes),)
    return rebuilt(network, changes).on(input_shape)


def _place(network: Network) -> Iterator[PlacedLayer]:
    shape: Shape = network.input_shape
    blocks = (index for index, block in enumerate(network.blocks) for _ in block)
    for index, layer, name in zip(blocks, network.layers, network.names, strict=True):
        output = layer.output_shape(shape, name)
        yield PlacedLayer(name, index, layer, shape, output)
        shape = output


def _without_widths(block: Block) -> tuple[Layer, ...]:
    return tuple(one.with_width(one.unit) if isinstance(one, Trained) else one for one in block)


def read_input(given: Iterable[int] | str) -> ChannelsFirst:
    """Read an input's shape, (channels, height, width) or text such as ``3x64x64`` or ``3@64x64``.

    Raises:
        UsageError: it is no shape, is impossible, or has its channels last.
    """
    shape: object = given
    if isinstance(given, str):
        shape = read_shape(given)
        if shape is None:
            what = f"the input is {shown(given)}; it must be channels x height x width"
            raise UsageError(f"{what}, such as 3x64x64 or 3@64x64.")
    sizes = _input_shape(shape)
    if is_channels_last(sizes):
        raise UsageError("{}; {}.".format(*channels_last_problem(sizes)))
    return ChannelsFirst(sizes)


def _input_shape(shape: object) -> tuple[int, int, int]:
    if isinstance(shape, Iterable) and not isinstance(shape, str | ChannelsFirst):
        shape = plain(tuple(shape))
    match shape:
        case (int() as channels, int() as height, int() as width):
            if all(type(n) is not bool and 0 < n <= MAX_SIZE for n in shape):
                return shape if isinstance(shape, ChannelsFirst) else (channels, height, width)
    raise UsageError(
        f"the input shape is {shown(shape)}; it must be (channels, height, width), each a whole "
        f"number from 1 to {MAX_SIZE:,}, such as (1, 28, 28)."
    )


def _blocks(given: Iterable[Block | Layer]) -> tuple[Block, ...]:
    if isinstance(given, Layer) or not isinstance(given, Iterable):
        raise UsageError(f"the layers are {shown(given)}; give a list of them, even of one.")
    parts = tuple(given)
    if not parts:
        raise UsageError("the network has no layers; give it at least one, such as Dense(10).")
    blocks = tuple(part for part in parts if isinstance(part, Block))
    if not blocks:
        blocks = group_blocks(part for part in parts if not isinstance(part, Block))
    elif len(blocks) != len(parts):
        raise UsageError("blocks and plain layers are mixed; give all of one kind.")
    size = sum(len(block.layers) for block in blocks)
    if size > MAX_LAYERS:
        raise UsageError(f"the network has {size:,} layers; at most {MAX_LAYERS:,} are allowed.")
    return blocks
