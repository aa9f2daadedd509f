"""What to train: a network that suits the samples, or the user's with one output a class."""

from __future__ import annotations

from lenet.errors import UsageError
from lenet.estimator.layout import SMALLEST_SIDE, Layout
from lenet.net import Dense, Network, fitted, parse_network, read_network, zoo
from lenet.net.network import rebuilt
from lenet.net.shapes import elements

#: From this height and width on, LeNet's windows leave something of an image.
_LARGE = 20


def choose_network(layout: Layout, classes: int, wish: str = "") -> Network:
    """``net="auto"``: ``lenet-relu``'s layers on images, narrower windows on small ones, and dense
    layers on what is no image.

    Args:
        layout: which image a sample is.
        classes: how many outputs.
        wish: the network for images, if there is one; one of the zoo takes as many channels as
            they have.
    """
    channels, height, width = layout.image_shape
    if wish and layout.is_image:
        network = read_network(wish)
        if wish in zoo.names():
            return fitted(network, (channels, *network.input_shape[1:]), classes)
        return with_outputs(network, classes)
    side = min(height, width)
    if side >= _LARGE:
        middle = (
            "conv 6 k5 relu, maxpool 2 | conv 16 k5 relu, maxpool 2 | dense 120 relu, dense 84 relu"
        )
    elif side >= SMALLEST_SIDE:
        middle = "conv 16 k3 same relu, maxpool 2 | conv 32 k3 same relu, maxpool 2 | dense 64 relu"
    else:
        middle = "dense 64 relu, dense 32 relu"
    return parse_network(f"{channels}x{height}x{width} | {middle}, dense {classes}")


def with_outputs(network: Network, classes: int) -> Network:
    """``network`` with ``classes`` outputs: its last dense layer gets as many units.

    Raises:
        ShapeError: the network does not fit.
        UsageError: it has other outputs and does not end in a dense layer.
    """
    outputs = elements(network.output_shape)
    if outputs == classes:
        return network
    last = network.layers[-1]
    if not isinstance(last, Dense):
        raise UsageError(
            f"the network has {outputs} outputs and y has {classes} classes; end the network with "
            f"'dense {classes}'."
        )
    return rebuilt(network, {len(network.layers) - 1: (Dense(classes, last.activation),)})
