"""Pictures in a network, layer by layer: the numbers behind every figure and page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lenet.looking.pictures import Picture
from lenet.looking.scales import Numbers
from lenet.looking.unit import Unit
from lenet.model import Model
from lenet.net import PlacedLayer


@dataclass(frozen=True, eq=False, repr=False)
class Inside:
    """What every layer of a model makes of N pictures; see :class:`lenet.looking.Look`."""

    model: Model
    pictures: tuple[Picture, ...]
    inputs: Numbers
    outputs: Mapping[str, Numbers]
    probabilities: npt.NDArray[np.float32]
    layer: str | None = None
    units: tuple[Unit, ...] = ()
    occlusion: npt.NDArray[np.float64] | None = None

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """The most probable class of each picture."""
        return tuple(self.model.classes[place] for place in self.probabilities.argmax(axis=1))

    @property
    def layers(self) -> list[tuple[PlacedLayer, Numbers]]:
        """Each layer with what it makes of the pictures."""
        return list(zip(self.model.network.placed, self.outputs.values(), strict=True))

    def index(self, name: str) -> int:
        """Return a layer's place, from 0."""
        return self.model.network.names.index(name)

    def read_by(self, name: str) -> Numbers:
        """Return what a layer reads: (N, C, H, W) or (N, units)."""
        return [self.inputs, *self.outputs.values()][self.index(name)]

    def weights_of(self, name: str) -> Numbers | None:
        """Return a layer's weights, of an int8 model as whole numbers; None of a pooling."""
        if self.model.integers is None:
            weight = self.model[name].weight
            if weight is None or weight.ndim > 1:
                return weight
            layer = self.model.network.layers[self.index(name)]
            window = layer.values["kernel_size"]  # a subsampling has one weight everywhere
            return np.broadcast_to(weight[:, None, None, None], (len(weight), 1, *window))
        return self.model.integers.steps[self.index(name)].weight
