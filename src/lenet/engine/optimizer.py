"""What a training step does with the gradient: the readable twin of the native update.

Steps and rounding follow PyTorch 2: ``torch.optim.SGD`` (no dampening), ``torch.optim.AdamW`` and
``torch.nn.utils.clip_grad_norm_``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Final

import numpy as np

from lenet.engine.plan import Floats
from lenet.errors import UsageError
from lenet.net.words import check_choice
from lenet.optimizers import LEVENBERG_MARQUARDT, OPTIMIZERS

#: Added to a gradient's norm before something is divided by it.
CLIP_EPSILON: Final = 1e-6
#: What a share may be, such as of outputs that are dropped; :func:`is_share` holds it.
SHARE: Final = "a number of at least 0 and below 1, after rounding to 32 bits too"


def is_share(value: float) -> bool:
    """Return whether ``value`` is :data:`SHARE`.

    The engine has it in 32 bits, and divides by 1 - value.
    """
    return 0 <= value < 1 and float(np.float32(value)) < 1


@dataclass(frozen=True)
class Optimizer:
    """One way to turn gradients into updates; settings another kind uses are ignored.

    With ``ema_decay`` the state's last row is a moving average of the parameters (Polyak and
    Juditsky 1992).
    """

    kind: str  # sgd, momentum, nesterov, adamw or levenberg-marquardt
    momentum: float = 0.9  # of momentum and nesterov
    beta1: float = 0.9  # adamw's decay of the gradient's mean
    beta2: float = 0.999  # adamw's decay of its square's mean
    epsilon: float = 1e-8  # adamw's floor under the root
    weight_decay: float = 0.0  # adamw's decoupled decay; for others an L2 term in the gradient
    max_grad_norm: float = 0.0  # the largest Euclidean norm of a whole gradient; 0 for any
    ema_decay: float = 0.0  # 0 keeps no average

    def __post_init__(self) -> None:
        check_choice(self.kind, OPTIMIZERS, "the optimizer")
        for name in ("momentum", "beta1", "beta2", "ema_decay"):
            value = getattr(self, name)
            if not is_share(value):
                raise UsageError(f"{name} is {value!r}; it must be {SHARE}.")
        if not (self.epsilon > 0 and isfinite(self.epsilon)):
            raise UsageError(f"epsilon is {self.epsilon!r}; it must be a number above 0.")
        for name in ("weight_decay", "max_grad_norm"):
            value = getattr(self, name)
            if not (value >= 0 and isfinite(value)):
                raise UsageError(f"{name} is {value!r}; it must be 0 or more.")

    @property
    def state_rows(self) -> int:
        """How many table-sized arrays of state it keeps."""
        return OPTIMIZERS[self.kind] + bool(self.ema_decay)

    def update(
        self, parameters: Floats, gradient: Floats, state: Floats, rate: float, step: int
    ) -> None:
        """Take one step in the arrays' own precision: change ``parameters`` (T,) and ``state``.

        The state (state_rows, T) is zeros before step 1. The average is not updated.
        """
        rate = float(rate)  # a float64 scalar of NumPy would lift float32 arrays to float64
        if self.max_grad_norm:
            norm = float(np.linalg.norm(gradient.astype(np.float64)))
            gradient = gradient * min(1.0, self.max_grad_norm / (norm + CLIP_EPSILON))
        if self.kind == LEVENBERG_MARQUARDT:  # the state is what each parameter's rate is times
            parameters -= rate * (state[0] * gradient)
            return
        if self.kind == "adamw":
            self._adamw(parameters, gradient, state, rate, step)
            return
        if self.weight_decay:
            gradient = gradient + self.weight_decay * parameters
        if self.kind != "sgd":
            state[0] *= self.momentum
            state[0] += gradient
            gradient = gradient + self.momentum * state[0] if self.kind == "nesterov" else state[0]
        parameters -= rate * gradient

    @property
    def decay(self) -> float:
        """Return ``ema_decay`` in 32 bits, as the native engine has it for every step."""
        return float(np.float32(self.ema_decay))

    def update_average(self, parameters: Floats, state: Floats) -> None:
        """Take ``parameters`` (T,) into the average, which starts from zero as moments do."""
        if self.ema_decay:
            state[-1] *= self.decay
            state[-1] += (1 - self.decay) * parameters

    def averaged(self, state: Floats, steps: int) -> Floats:
        """Return the moving average (T,) after ``steps`` updates, its start from zero taken out."""
        return np.asarray(state[-1] / (1 - self.decay**steps), state.dtype)

    def _adamw(
        self, parameters: Floats, gradient: Floats, state: Floats, rate: float, step: int
    ) -> None:
        """Take a step of Loshchilov and Hutter 2019, algorithm 2: moments know no decay."""
        mean, square = state[:2]
        mean += (1 - self.beta1) * (gradient - mean)
        square *= self.beta2
        square += (1 - self.beta2) * gradient * gradient
        # Both moments start at zero; their corrections are folded into the rate and the root.
        root = np.sqrt(square) / sqrt(1 - self.beta2**step) + self.epsilon
        parameters *= 1 - rate * self.weight_decay
        parameters -= rate / (1 - self.beta1**step) * (mean / root)
