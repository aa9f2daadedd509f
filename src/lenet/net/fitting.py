"""A network known by name, for images and classes of another kind than it was written for."""

from __future__ import annotations

from lenet.errors import ShapeError, UsageError
from lenet.net.layers import Dense
from lenet.net.network import Block, Network
from lenet.net.shapes import shape_text


def fitted(network: Network, input_shape: tuple[int, int, int], classes: int) -> Network:
    """``network`` with another input, and as many units in its last layer as there are classes.

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
    new = network.changed(
        input_shape=input_shape, blocks=(*blocks, Block((*layers, output.changed(units=classes))))
    )
    try:
        assert new.placed
    except ShapeError as error:
        _, height, width = network.input_shape
        raise UsageError(
            f"the images are {shape_text(input_shape)}, too small for the network: {error.layer} "
            f"would have nothing left; enlarge them to what it is made for (--size "
            f"{height if height == width else f'{height}x{width}'}), or write a smaller network."
        ) from error
    return new
