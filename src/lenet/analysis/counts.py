"""What a network costs: parameters, multiply-adds, activations and connections, layer by layer.

Everything is counted for one image and in exact whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from operator import add

from lenet.net import Network, PlacedLayer
from lenet.net.layers import Trained
from lenet.net.shapes import elements


@dataclass(frozen=True)
class LayerCounts:
    """The counts of one layer, or of a whole network when added up.

    Attributes:
        weights: trainable numbers without the biases and scales.
        biases: one a channel of a convolution, one a unit of a dense layer. Where batch
            normalisation follows, its shift is the bias: another would be taken off with the mean.
        multiply_adds: multiplications followed by an addition, forward. The bias is not counted,
            nor are activations; pooling multiplies nothing, and its comparisons and additions
            are not counted. Positions on padding are, as the work is usually stated. Batch
            normalisation has none: after training it is multiplied into the convolution.
        activations: numbers that come out.
        connections: the lines from inputs and biases to outputs, as LeCun et al. 1998 count
            them: a weight or bias once for every output that uses it. C1 of LeNet-5 has
            (25 + 1) * 28 * 28 * 6 = 122,304. A pooling without trainable numbers has one
            connection for each place of its window, and no bias.
        scales: one a channel of a convolution with batch normalisation.
        statistics: running means and variances of batch normalisation, two a channel: counted
            while training, not trained, and so no parameters (PyTorch calls them buffers).
    """

    weights: int = 0
    biases: int = 0
    multiply_adds: int = 0
    activations: int = 0
    connections: int = 0
    scales: int = 0
    statistics: int = 0

    @property
    def parameters(self) -> int:
        """All trainable numbers."""
        return self.weights + self.biases + self.scales

    def __add__(self, other: LayerCounts) -> LayerCounts:
        return LayerCounts(*map(add, astuple(self), astuple(other)))


def count_layer(placed: PlacedLayer) -> LayerCounts:
    """Count one layer where it stands."""
    layer, shape = placed.layer, placed.input_shape
    sizes = {tensor.name: tensor.size for tensor in placed.tensors}
    return LayerCounts(
        weights=sizes.get("weight", 0),
        biases=sizes.get("bias", 0),
        multiply_adds=layer.multiply_adds(shape),
        activations=elements(placed.output_shape),
        connections=layer.connections(shape),
        scales=sizes.get("scale", 0),
        statistics=sum(tensor.size for tensor in placed.tensors if not tensor.trained),
    )


def count_network(network: Network) -> LayerCounts:
    """The counts of all layers together; the input image is no activation.

    Raises:
        ShapeError: the network does not fit together.
    """
    return total(map(count_layer, network.placed))


def total(counts: Iterable[LayerCounts]) -> LayerCounts:
    """All ``counts`` added up."""
    return sum(counts, LayerCounts())


def count_layers(network: Network) -> int:
    """How many layers the network has: convolutions and dense layers.

    A pooling is not counted: it has nothing to train and belongs to its convolution.
    """
    return sum(isinstance(layer, Trained) for layer in network.layers)
