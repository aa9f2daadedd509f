"""Random networks whose layers fit, the one place that draws them for every test.

``networks(...)`` is a hypothesis strategy, ``random_network(seed, ...)`` a plain seeded draw;
both take the keywords of :class:`Bounds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lenet.engine.plan import Floats, Plan
from lenet.formats.names import ACTIVATIONS
from lenet.net import AvgPool2d, Block, Conv2d, Dense, Layer, MaxPool2d, Network, Shape
from lenet.net.layers import ACTIVATIONS as OURS
from lenet.net.layers import Rbf, Sides, Subsample
from lenet.net.shapes import ChannelsFirst
from lenet.net.tables import TABLES


@dataclass(frozen=True)
class Bounds:
    """What may be drawn; every maximum is included.

    Attributes:
        channels: most channels of the input and of a convolution.
        units: most units of a dense layer.
        size: largest height and width of the input.
        window: largest kernel and pooling window, where the map is not smaller.
        stride: largest stride.
        padding: most padding on one side.
        maps: most layers (convolutions and poolings) before the dense ones.
        dense: most dense layers.
        ends_dense: the last layer is a dense one; without it, it may be any.
        activations: those to choose from.
        batch_norm: share of the convolutions that are normalised.
        groups: share of the convolutions that have more than one group, where that can be.
        old: how many layers are those of LeCun et al. 1998.
    """

    channels: int = 6
    units: int = 12
    size: int = 14
    window: int = 5
    stride: int = 3
    padding: int = 2
    maps: int = 5
    dense: int = 3
    ends_dense: bool = True
    activations: tuple[str, ...] = tuple(ACTIVATIONS)  # those that every framework has
    batch_norm: float = 0.3
    groups: float = 0.3
    old: float = 0.0


#: Half of the layers are those of 1998, on images where a second convolution fits.
OLD = {"old": 0.5, "activations": tuple(OURS), "size": 20, "stride": 2, "batch_norm": 0.1}


def networks(**bounds: Any) -> st.SearchStrategy[Network]:
    """A strategy for networks within ``Bounds(**bounds)``; it shrinks towards small ones."""
    limits = Bounds(**bounds)
    return st.randoms(use_true_random=False).map(lambda random: _draw(random, limits))


def random_network(seed: int, **bounds: Any) -> Network:
    """The network that belongs to ``seed`` within ``Bounds(**bounds)``, always the same."""
    return _draw(Random(seed), Bounds(**bounds))


def draw_norms(plan: Plan, table: Floats, random: np.random.Generator) -> None:
    """Give every normalisation in ``table`` (T,) scales and running variances it could have."""
    for norm in (step.norm for step in plan.steps if step.norm):
        norm.scale.view(table)[...] += 1
        norm.variance.view(table)[...] = random.uniform(0.3, 3, norm.variance.shape)


def clear_unlinked(plan: Plan, table: Floats) -> None:
    """Put the weights in ``table`` (T,) to zero that connection tables leave out."""
    for step in plan.steps:
        if step.weight and step.links is not None:
            step.weight.view(table)[...] *= step.links[:, :, None, None]


def _draw(random: Random, bounds: Bounds) -> Network:
    sizes = (bounds.channels, bounds.size, bounds.size)
    start = ChannelsFirst(random.randint(1, most) for most in sizes)
    layers: list[Layer] = []
    shape: Shape = start
    for _ in range(random.randint(0, bounds.maps)):
        layers.append(_map_layer(random, bounds, shape))
        shape = layers[-1].output_shape(shape, "drawn")
    least = 1 if bounds.ends_dense or not layers else 0
    for _ in range(random.randint(least, max(least, bounds.dense))):
        layers.append(Dense(random.randint(1, bounds.units), random.choice(bounds.activations)))
    if bounds.old > 0 and random.random() < bounds.old:
        layers.append(Rbf(random.randint(1, bounds.units)))
    return Network(start, layers if random.random() < 0.5 else _blocks(random, layers))


def _map_layer(random: Random, bounds: Bounds, shape: Shape) -> Layer:
    """A convolution or a pooling that fits on ``shape``."""
    pool = random.choice((None, None, MaxPool2d, AvgPool2d))
    stride = (random.randint(1, bounds.stride), random.randint(1, bounds.stride))
    # A pooling's window must be larger than the padding of every side.
    sides: Sides | str = _padding(
        random, min(bounds.padding, bounds.window - 1) if pool else bounds.padding
    )
    height, width = (
        random.randint(max(both) + 1 if pool else 1, min(bounds.window, size + sum(both)))
        for size, both in zip(shape[1:], (sides[:2], sides[2:]), strict=True)
    )
    is_old = bounds.old > 0 and random.random() < bounds.old
    if pool and is_old:
        return Subsample((height, width), stride, sides, random.choice(bounds.activations))
    if pool:
        return pool((height, width), stride, sides)
    fitting = [name for name, table in TABLES.items() if max(map(max, table)) == shape[0] - 1]
    if is_old and fitting:
        activation, table = random.choice(bounds.activations), random.choice(fitting)
        return Conv2d(len(TABLES[table]), (height, width), stride, sides, activation, table=table)
    if is_old:  # so that a table fits behind it
        activation = random.choice(bounds.activations)
        return Conv2d(random.choice((4, 6)), (height, width), stride, sides, activation)
    channels, activation = random.randint(1, bounds.channels), random.choice(bounds.activations)
    if stride == (1, 1) and random.random() < 0.3:
        sides = "same"
    # Drawn only where it may come out: without, a seed stands for the network it always did.
    norm = bounds.batch_norm > 0 and random.random() < bounds.batch_norm
    groups = 1
    if bounds.groups > 0 and random.random() < bounds.groups:
        groups = random.choice([n for n in range(1, shape[0] + 1) if shape[0] % n == 0])
        channels = groups * random.randint(1, max(1, bounds.channels // groups))
    return Conv2d(channels, (height, width), stride, sides, activation, norm, groups)


def _padding(random: Random, most: int) -> Sides:
    """None, the same on all sides, or each side for itself."""
    top, bottom, left, right = (random.randint(0, most) for _ in range(4))
    return random.choice(((0, 0, 0, 0), (top, top, top, top), (top, bottom, left, right)))


def _blocks(random: Random, layers: list[Layer]) -> list[Block]:
    """The layers in blocks cut anywhere, as a person may write them."""
    cuts = [i for i in range(1, len(layers)) if random.random() < 0.5]
    return [
        Block(layers[start:end])
        for start, end in zip([0, *cuts], [*cuts, len(layers)], strict=True)
    ]
