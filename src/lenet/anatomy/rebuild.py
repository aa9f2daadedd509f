"""A network with some of its layers replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lenet.net import Block, Layer, Network


def rebuilt(network: Network, changes: Mapping[int, Sequence[Layer]]) -> Network:
    """``network`` with the layers at some places (from 0) replaced by none, one or more.

    The blocks stay as they are; one that has no layer left goes.

    Raises:
        UsageError: no layer is left, or there are too many.
    """
    place, blocks = 0, []
    for block in network.blocks:
        layers: list[Layer] = []
        for layer in block:
            layers += changes.get(place, (layer,))
            place += 1
        if layers:
            blocks.append(Block(layers))
    return network.changed(blocks=blocks)
