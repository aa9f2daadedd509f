"""Schedules: the learning rate of every step.

    constant   lr throughout
    one-cycle  rises to lr over a quarter of all steps and falls to nearly nothing, both along half
               a cosine (Smith and Topin 2018)
    cosine     falls from lr to nothing along half a cosine (Loshchilov and Hutter 2017, without
               restarts)
    step       is multiplied by ``step_factor`` after every ``step_every`` epochs

A warm-up of some epochs raises the rate in a straight line from nothing (Goyal et al. 2017); the
cosine falls over what is left. A rate is taken in the middle of its step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SCHEDULES: Final = ("constant", "one-cycle", "cosine", "step")

#: The one-cycle schedule's shape: rise for this share of all steps, from peak / START to the peak,
#: then fall to peak / END.
RISE: Final = 0.25
START: Final = 25.0
END: Final = 1000.0


@dataclass(frozen=True)
class Schedule:
    """A learning rate over epochs; the values are checked by the recipe they come from.

    Attributes:
        kind: one of :data:`SCHEDULES`.
        lr: the rate, or its peak.
        epochs: all there are.
        warm_up: epochs of rise; 0 for one-cycle, which rises by itself.
        step_every: epochs between two steps.
        step_factor: what the rate is multiplied by.
    """

    kind: str
    lr: float
    epochs: int
    warm_up: float = 0.0
    step_every: int = 10
    step_factor: float = 0.1

    def rates(self, steps: int, begin: int = 0, end: int | None = None) -> NDArray[np.float64]:
        """The rates of steps [begin, end) of ``steps`` in all the epochs; (end - begin,)."""
        at = np.arange(begin, steps if end is None else end, dtype=np.float64) + 0.5
        if self.kind == "one-cycle":
            return self._one_cycle(at / steps)
        each = steps / self.epochs
        warm = self.warm_up * each
        rate = np.full(len(at), float(self.lr))
        if self.kind == "cosine":
            rate = _half_cosine(self.lr, 0.0, (at - warm) / max(steps - warm, 1.0))
        elif self.kind == "step":
            rate *= self.step_factor ** (at // each // self.step_every)
        if warm:
            rate *= np.minimum(at / warm, 1.0)
        return rate

    def _one_cycle(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        rising = _half_cosine(self.lr / START, self.lr, at / RISE)
        falling = _half_cosine(self.lr, self.lr / END, (at - RISE) / (1 - RISE))
        return np.where(at < RISE, rising, falling)


def _half_cosine(start: float, end: float, at: Any) -> NDArray[np.float64]:
    found: NDArray[np.float64] = end + (start - end) * (1 + np.cos(np.pi * np.clip(at, 0, 1))) / 2
    return found
