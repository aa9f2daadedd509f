"""What our activations are called in other frameworks, and what those can pad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lenet.net.layers import LEAKY_SLOPE


@dataclass(frozen=True)
class Names:
    """The names of one activation elsewhere."""

    torch: str  # a class of torch.nn
    onnx: str  # an operator
    slope: float | None = None  # below zero, where one has to be given
    gates: bool = False  # in ONNX the operator's result is multiplied by its input


#: By our name; None where nothing is applied.
ACTIVATIONS: Final = {
    "identity": None,
    "sigmoid": Names("Sigmoid", "Sigmoid"),
    "tanh": Names("Tanh", "Tanh"),
    "relu": Names("ReLU", "Relu"),
    "leaky-relu": Names("LeakyReLU", "LeakyRelu", slope=LEAKY_SLOPE),
    "silu": Names("SiLU", "Sigmoid", gates=True),
}
#: Those of them that are one operator without a setting everywhere; Keras and MXNet have our names.
PLAIN: Final = {
    name: names
    for name, names in ACTIVATIONS.items()
    if names and names.slope is None and not names.gates
}


def is_own_padding(layer: Any) -> bool:
    """Can PyTorch's layer pad so? Both sides alike, and a pooling at most half its window."""
    top, bottom, left, right = layer.padding
    sides = zip((top, left), layer.kernel_size, strict=True)
    fits = layer.is_trained or all(2 * side <= size for side, size in sides)
    return (top, left) == (bottom, right) and fits
