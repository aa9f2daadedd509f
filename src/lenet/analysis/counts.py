"""What a network costs and sees, layer by layer: counts, memory and receptive fields.

Everything is counted for one image and in exact whole numbers; memory is in bytes of float32.

**Memory.** A training step holds at once: parameters, their gradients, the optimizer's state, and
of every image what the backward pass needs. The last follows one rule, ``KEPT_RULE``. It is what
the derivatives themselves ask for; frameworks keep this much or more.

**Receptive field.** Per axis, with kernel k and stride s of layer l, from r = j = 1 at the input:

    r_l = r_{l-1} + (k - 1) j_{l-1}        j_l = j_{l-1} s

r is the field's size in input pixels, j (the jump) how many input pixels apart neighbouring units
look. Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016; Araujo, Norris
& Sim, "Computing receptive fields of convolutional neural networks", Distill 2019. A dense layer
sees what all units of the last map see together. That is less than the input where windows leave
pixels at the border out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from operator import add
from typing import Final

from lenet.arguments import plain
from lenet.errors import UsageError
from lenet.net import Network, PlacedLayer
from lenet.net.layers import ACTIVATIONS, MAX_SIZE, Windowed
from lenet.net.shapes import Pair, elements
from lenet.net.words import check_choice, shown
from lenet.optimizers import OPTIMIZERS

FLOAT_BYTES: Final = 4
#: The batch size of the article's recipe.
DEFAULT_BATCH: Final = 256
KEPT_RULE: Final = (
    "Kept for the backward pass, each once: what every convolution and dense layer reads (the "
    "image too), what every activation function gives (silu: what it gets), the network's "
    "output, and of a max pooling the place of each maximum (a byte for windows of up to 256 "
    "pixels). An average pooling needs nothing."
)
#: The rule where there is batch normalisation.
NORMALISED_RULE: Final = (
    "A normalised convolution keeps its maps before normalisation in place of what its "
    "activation function gives or gets: both follow from them."
)
#: Strides multiply: thousands of them on padded maps would make numbers of thousands of digits.
_MOST: Final = 10**15


@dataclass(frozen=True)
class LayerCounts:
    """Counts of one layer, or of a whole network when added up.

    Attributes:
        weights: trainable numbers without the biases and scales.
        biases: one per channel of a convolution, one per unit of a dense layer. Where batch
            normalisation follows, its shift is the bias: subtracting the mean would remove
            another.
        multiply_adds: multiplications followed by an addition, forward. The bias is not counted,
            nor are activations; pooling multiplies nothing, and its comparisons and additions
            are not counted. Positions on padding are, as the work is usually stated. Batch
            normalisation has none: after training it is multiplied into the convolution.
        activations: numbers that come out.
        connections: the lines from inputs and biases to outputs, as LeCun et al. 1998 count
            them: a weight or bias once for every output that uses it. C1 of LeNet-5 has
            (25 + 1) * 28 * 28 * 6 = 122,304. A pooling without trainable numbers has one
            connection for each place of its window, and no bias.
        scales: one per channel of a convolution with batch normalisation.
        statistics: running means and variances of batch normalisation, two per channel: counted
            while training, not trained, and so no parameters (PyTorch calls them buffers).
        fixed: the targets of an RBF layer, which never change.
    """

    weights: int = 0
    biases: int = 0
    multiply_adds: int = 0
    activations: int = 0
    connections: int = 0
    scales: int = 0
    statistics: int = 0
    fixed: int = 0

    @property
    def parameters(self) -> int:
        """All trainable numbers."""
        return self.weights + self.biases + self.scales

    def __add__(self, other: LayerCounts) -> LayerCounts:
        return LayerCounts(*map(add, vars(self).values(), vars(other).values()))


def count_layer(placed: PlacedLayer) -> LayerCounts:
    """Count one layer where it stands."""
    layer, shape = placed.layer, placed.input_shape
    sizes = {tensor.name: tensor.size for tensor in placed.tensors if tensor.trained}
    still = {tensor.name: tensor.size for tensor in placed.tensors if not tensor.trained}
    return LayerCounts(
        weights=sizes.get("weight", 0),
        biases=sizes.get("bias", 0),
        multiply_adds=layer.multiply_adds(shape),
        activations=elements(placed.output_shape),
        connections=layer.connections(shape),
        scales=sizes.get("scale", 0),
        statistics=still.get("mean", 0) + still.get("variance", 0),
        fixed=still.get("weight", 0),
    )


def count_network(network: Network) -> LayerCounts:
    """Count all layers together; the input image is no activation."""
    return total(map(count_layer, network.placed))


def total(counts: Iterable[LayerCounts]) -> LayerCounts:
    return sum(counts, LayerCounts())


def count_layers(network: Network) -> int:
    """Count convolutions, dense and RBF layers; a pooling belongs to its convolution."""
    return sum(layer.counts for layer in network.layers)


@dataclass(frozen=True)
class Memory:
    """Bytes; those that grow with the batch are for one image.

    Attributes:
        optimizer: the name of one of ``OPTIMIZERS``.
        batch: images per training step.
        parameters: weights, biases and scales.
        statistics: running means and variances of batch normalisation.
        optimizer_state: what the optimizer remembers of earlier steps.
        image: the input image, if the first layer's backward pass needs it.
        kept: what each layer adds to what is kept, in the network's order.
        largest_pair: input and output of the layer where they are largest together.
        largest_layer: that layer's name.
    """

    optimizer: str
    batch: int
    parameters: int
    statistics: int
    optimizer_state: int
    image: int
    kept: tuple[int, ...]
    largest_pair: int
    largest_layer: str

    @property
    def gradients(self) -> int:
        """One number per parameter."""
        return self.parameters

    def activations(self, images: int = 1) -> int:
        """Return what is kept of so many images for the backward pass."""
        return images * (self.image + sum(self.kept))

    def training(self, images: int = 1) -> int:
        """Return all that a training step on so many images holds, without work space."""
        step = self.parameters + self.gradients + self.optimizer_state
        return step + self.statistics + self.activations(images)

    def inference(self, images: int = 1) -> int:
        """Return what inference on so many images holds, when layers run one after the other.

        That is parameters, statistics, and input and output of the largest layer.
        """
        return self.parameters + self.statistics + images * self.largest_pair


def measure_memory(network: Network, batch: int = DEFAULT_BATCH, optimizer: str = "sgd") -> Memory:
    """Measure what ``network`` takes in training and in use."""
    batch = plain(batch)
    if isinstance(batch, bool) or not isinstance(batch, int) or not 0 < batch <= MAX_SIZE:
        allowed = f"it must be a whole number from 1 to {MAX_SIZE:,}"
        raise UsageError(f"the batch is {shown(batch)}; {allowed}.", parameter="batch")
    check_choice(optimizer, OPTIMIZERS, "the optimizer", "optimizer")
    placed = network.placed
    counts = count_network(network)
    parameters = FLOAT_BYTES * counts.parameters
    largest = max(placed, key=_pair)
    return Memory(
        optimizer=optimizer,
        batch=batch,
        parameters=parameters,
        statistics=FLOAT_BYTES * counts.statistics,
        optimizer_state=OPTIMIZERS[optimizer] * parameters,
        image=FLOAT_BYTES * elements(network.input_shape) * placed[0].layer.keeps_input,
        kept=tuple(map(_kept, placed, (*placed[1:], None))),
        largest_pair=FLOAT_BYTES * _pair(largest),
        largest_layer=largest.name,
    )


def _pair(placed: PlacedLayer) -> int:
    return elements(placed.input_shape) + elements(placed.output_shape)


def _kept(placed: PlacedLayer, reader: PlacedLayer | None) -> int:
    """Return the bytes that ``placed`` adds to what is kept; ``reader`` is the layer after it."""
    layer, outputs = placed.layer, elements(placed.output_shape)
    keeps = ACTIVATIONS[layer.values.get("activation", "identity")].keeps
    is_read = reader is None or reader.layer.keeps_input
    if layer.is_normalised:
        floats = 1 + is_read
    else:
        floats = (is_read or keeps == "output") + (keeps == "input")
    places = 0
    if layer.keeps_places:  # whole bytes for a number from 0 to the window's last pixel
        last = prod(layer.values["kernel_size"]) - 1
        places = max(1, (last.bit_length() + 7) // 8)
    return outputs * (FLOAT_BYTES * floats + places)


@dataclass(frozen=True)
class ReceptiveField:
    """What one unit sees, in input pixels as (height, width).

    Attributes:
        size: from the first pixel to the last. Of a map's unit, padding counts as pixels, so that
            it can be larger than the input; a dense layer's has no padding in it.
        jump: how far the fields of neighbouring units lie apart; None after a dense layer, whose
            units have no place.
    """

    size: Pair
    jump: Pair | None

    def covers(self, input_shape: tuple[int, int, int]) -> bool:
        """Is the field at least as large as an input of this (channels, height, width)?"""
        return self.size[0] >= input_shape[1] and self.size[1] >= input_shape[2]


def receptive_fields(network: Network) -> tuple[ReceptiveField, ...]:
    """Return the field of every layer in order. Numbers above 10^15 are given as 10^15."""
    size, jump = (1, 1), (1, 1)
    dense: ReceptiveField | None = None  # the same for all of them
    fields = []
    for index, placed in enumerate(network.placed):
        layer = placed.layer
        if not isinstance(layer, Windowed):
            dense = dense or ReceptiveField(_reached(network, network.placed[:index]), None)
            fields.append(dense)
            continue
        (height, width), (down, along) = layer.kernel_size, layer.stride
        size = _capped(size[0] + (height - 1) * jump[0], size[1] + (width - 1) * jump[1])
        jump = _capped(jump[0] * down, jump[1] * along)
        fields.append(ReceptiveField(size, jump))
    return tuple(fields)


def _capped(height: int, width: int) -> Pair:
    return min(height, _MOST), min(width, _MOST)


def _reached(network: Network, maps: Sequence[PlacedLayer]) -> Pair:
    """Return how many rows and columns of the input lie between the first and the last seen."""
    shape = maps[-1].output_shape if maps else network.input_shape
    sizes = []
    for axis, size in enumerate(shape[1:]):
        first, last = 0, size - 1
        for placed in reversed(maps):
            layer = placed.layer
            assert isinstance(layer, Windowed)
            stride, before = layer.stride[axis], layer.padding[2 * axis]
            first = max(0, first * stride - before)
            last = last * stride - before + layer.kernel_size[axis] - 1
            last = min(placed.input_shape[1 + axis] - 1, last)
            if last < first:  # nothing but padding is seen: what lies before it is not
                break
        sizes.append(max(0, last - first + 1))
    return sizes[0], sizes[1]
