"""What a network takes in memory, in bytes of float32, for one image and for a batch.

For a training step these are held at once: parameters, their gradients, the optimizer's state, and
of every image what the backward pass needs. The last follows one rule, ``KEPT_RULE``; it is what
the derivatives themselves ask for, and frameworks keep this much or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final

from lenet.analysis.counts import count_network
from lenet.errors import UsageError
from lenet.net import Conv2d, MaxPool2d, Network, PlacedLayer
from lenet.net.layers import MAX_SIZE, Trained
from lenet.net.shapes import elements
from lenet.net.words import did_you_mean, shown

FLOAT_BYTES: Final = 4
#: How many numbers an optimizer remembers for every parameter.
OPTIMIZER_STATES: Final = {"sgd": 0, "momentum": 1, "adamw": 2}
#: Activation functions whose derivative does not follow from what they give.
_NOT_FROM_OUTPUT: Final = ("identity", "silu")
#: The seed's batch.
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


@dataclass(frozen=True)
class Memory:
    """Bytes; those that grow with the batch are for one image.

    Attributes:
        optimizer: sgd, momentum or adamw.
        batch: images a training step.
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
        """One number a parameter."""
        return self.parameters

    def activations(self, images: int = 1) -> int:
        """What is kept of so many images for the backward pass."""
        return images * (self.image + sum(self.kept))

    def training(self, images: int = 1) -> int:
        """All that a training step on so many images holds, without work space."""
        step = self.parameters + self.gradients + self.optimizer_state
        return step + self.statistics + self.activations(images)

    def inference(self, images: int = 1) -> int:
        """Parameters and statistics, and the most that is alive at once when layers run one
        after the other."""
        return self.parameters + self.statistics + images * self.largest_pair


def measure_memory(network: Network, batch: int = DEFAULT_BATCH, optimizer: str = "sgd") -> Memory:
    """What ``network`` takes in training and in use.

    Raises:
        UsageError: an unknown optimizer or an impossible batch.
        ShapeError: the network does not fit together.
    """
    if isinstance(batch, bool) or not isinstance(batch, int) or not 0 < batch <= MAX_SIZE:
        raise UsageError(
            f"the batch is {shown(batch)}; it must be a whole number from 1 to {MAX_SIZE:,}."
        )
    if optimizer not in OPTIMIZER_STATES:
        near = did_you_mean(str(optimizer), OPTIMIZER_STATES)
        known = ", ".join(OPTIMIZER_STATES)
        raise UsageError(f"the optimizer is {shown(optimizer)}{near}; it must be one of {known}.")
    placed = network.placed
    counts = count_network(network)
    parameters = FLOAT_BYTES * counts.parameters
    largest = max(placed, key=_pair)
    return Memory(
        optimizer=optimizer,
        batch=batch,
        parameters=parameters,
        statistics=FLOAT_BYTES * counts.statistics,
        optimizer_state=OPTIMIZER_STATES[optimizer] * parameters,
        image=FLOAT_BYTES * elements(network.input_shape) * isinstance(placed[0].layer, Trained),
        kept=tuple(map(_kept, placed, (*placed[1:], None))),
        largest_pair=FLOAT_BYTES * _pair(largest),
        largest_layer=largest.name,
    )


def _pair(placed: PlacedLayer) -> int:
    return elements(placed.input_shape) + elements(placed.output_shape)


def _kept(placed: PlacedLayer, reader: PlacedLayer | None) -> int:
    """The bytes that ``placed`` adds to what is kept; ``reader`` is the layer after it."""
    layer, outputs = placed.layer, elements(placed.output_shape)
    activation = layer.activation if isinstance(layer, Trained) else "identity"
    is_read = reader is None or isinstance(reader.layer, Trained)
    if isinstance(layer, Conv2d) and layer.batch_norm:
        kept = FLOAT_BYTES * outputs * (1 + is_read)
    else:
        # silu falls, then rises: the same output comes from two inputs with different slopes.
        output_is_needed = is_read or activation not in _NOT_FROM_OUTPUT
        kept = FLOAT_BYTES * outputs * (output_is_needed + (activation == "silu"))
    if isinstance(layer, MaxPool2d):
        kept += outputs * _place_bytes(prod(layer.kernel_size))
    return kept


def _place_bytes(window: int) -> int:
    """The whole bytes that hold a number from 0 to ``window`` - 1."""
    return max(1, ((window - 1).bit_length() + 7) // 8)
