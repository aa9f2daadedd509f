"""A network known by name, for images and classes of another kind than it was written for."""

from __future__ import annotations

from lenet.errors import ShapeError, UsageError
from lenet.net.layers import AvgPool2d, Dense, Layer, MaxPool2d
from lenet.net.network import Block, Network, PlacedLayer
from lenet.net.shapes import Shape, output_shape, shape_text


def fitted(network: Network, input_shape: tuple[int, int, int], classes: int) -> Network:
    """``network`` with another input, and as many units in its last layer as there are classes.

    A pooling over the whole map stays one.

    Args:
        network: one that ends in a dense layer.
        input_shape: (channels, height, width) of the images.
        classes: how many there are.

    Raises:
        UsageError: the last layer is not dense, or the images are too small for a layer.
    """
    *blocks, last = network.blocks
    *layers, output = last
    if not isinstance(output, Dense):
        raise UsageError(
            f"the network ends in {output!r}, whose size does not follow from the number of "
            f"classes; end it with 'dense {classes}'."
        )
    shape: Shape = input_shape
    fitting: list[Layer] = []
    try:
        for placed in network.placed[:-1]:
            layer = _global(placed, shape)
            shape = output_shape(layer, shape, placed.name)
            fitting.append(layer)
    except ShapeError as error:
        _, height, width = network.input_shape
        raise UsageError(
            f"the images are {shape_text(input_shape)}, too small for the network: {error.layer} "
            f"would have nothing left; enlarge them to what it is made for (--size "
            f"{height if height == width else f'{height}x{width}'}), or write a smaller network."
        ) from error
    each = iter([*fitting, output.changed(units=classes)])
    return network.changed(
        input_shape=input_shape,
        blocks=tuple(Block(next(each) for _ in block) for block in network.blocks),
    )


def _global(placed: PlacedLayer, shape: Shape) -> Layer:
    """The layer, its window as large as the map if it was so before."""
    layer = placed.layer
    whole = isinstance(layer, MaxPool2d | AvgPool2d) and layer.kernel_size == placed.input_shape[1:]
    return type(layer)((shape[1], shape[2])) if whole and not any(layer.padding) else layer
