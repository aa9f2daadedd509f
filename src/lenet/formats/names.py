"""What our activations are called in the other frameworks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
