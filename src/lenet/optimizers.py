"""The optimizers: what each remembers between steps, and the values that suit it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Steps by each parameter's own curvature (LeCun et al. 1998, appendix C).
LEVENBERG_MARQUARDT: Final = "levenberg-marquardt"
#: How many numbers an optimizer remembers for every parameter, by the optimizer's name. The native
#: engine counts the optimizers in this order.
OPTIMIZERS: Final = {"sgd": 0, "momentum": 1, "nesterov": 1, "adamw": 2, LEVENBERG_MARQUARDT: 1}

#: What a recipe takes for each optimizer where nothing else is said. These values mean something
#: different to each of them: AdamW's decay of 0.1 is decoupled from the gradient, and the same
#: number as an L2 term of plain SGD keeps a network from learning anything.
DEFAULTS: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "sgd": {"lr": 0.1, "weight_decay": 0.0},
        "momentum": {"lr": 0.05, "weight_decay": 0.0},
        "nesterov": {"lr": 0.05, "weight_decay": 0.0},
        "adamw": {"lr": 0.01, "weight_decay": 0.1},
        LEVENBERG_MARQUARDT: {"lr": 0.0005, "weight_decay": 0.0},
    }
)
