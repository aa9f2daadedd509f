"""What a training step does with the gradient: the readable twin of the native update.

Steps and rounding follow PyTorch 2: ``torch.optim.SGD`` (no dampening, no Nesterov) and
``torch.optim.AdamW``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Final

import numpy as np

from lenet.engine.plan import Floats
from lenet.errors import UsageError

#: Every kind, with how many table-sized arrays of state it keeps.
STATE_ROWS: Final = {"sgd": 0, "momentum": 1, "adamw": 2}


@dataclass(frozen=True)
class Optimizer:
    """One way to turn gradients into updates; settings another kind uses are ignored.

    Raises:
        UsageError: an unknown kind or a number out of range.
    """

    kind: str  # sgd, momentum or adamw
    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in STATE_ROWS:
            raise UsageError(
                f"the optimizer is {self.kind!r}; it must be one of {', '.join(STATE_ROWS)}."
            )
        for name in ("momentum", "beta1", "beta2"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UsageError(f"{name} is {value!r}; it must be at least 0 and below 1.")
        if not (self.epsilon > 0 and isfinite(self.epsilon)):
            raise UsageError(f"epsilon is {self.epsilon!r}; it must be a number above 0.")
        if not (self.weight_decay >= 0 and isfinite(self.weight_decay)):
            raise UsageError(f"weight_decay is {self.weight_decay!r}; it must be 0 or more.")

    @property
    def state_rows(self) -> int:
        """How many table-sized arrays of state it keeps."""
        return STATE_ROWS[self.kind]

    def update(
        self,
        parameters: Floats,
        gradient: Floats,
        state: Floats,
        rate: float,
        step: int,
    ) -> None:
        """Take one step, in place, in the arrays' own precision.

        Args:
            parameters: (T,), changed.
            gradient: (T,), kept.
            state: (state_rows, T), changed; zeros before the first step.
            rate: the learning rate.
            step: which step this is, from 1.
        """
        rate = float(rate)  # a float64 scalar of NumPy would lift float32 arrays to float64
        if self.kind == "adamw":
            self._adamw(parameters, gradient, state, rate, step)
            return
        if self.weight_decay:
            gradient = gradient + self.weight_decay * parameters
        if self.kind == "momentum":
            state[0] *= self.momentum
            state[0] += gradient
            gradient = state[0]
        parameters -= rate * gradient

    def _adamw(
        self, parameters: Floats, gradient: Floats, state: Floats, rate: float, step: int
    ) -> None:
        """Loshchilov and Hutter 2019, algorithm 2: the decay stays out of the moments."""
        mean, square = state
        mean += (1 - self.beta1) * (gradient - mean)
        square *= self.beta2
        square += (1 - self.beta2) * gradient * gradient
        # Both moments start at zero; their corrections are folded into the rate and the root.
        root = np.sqrt(square) / sqrt(1 - self.beta2**step) + self.epsilon
        parameters *= 1 - rate * self.weight_decay
        parameters -= rate / (1 - self.beta1**step) * (mean / root)
