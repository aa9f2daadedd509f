"""What training makes small: cross-entropy, with what is done to it against overfitting."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from lenet.errors import UsageError
from lenet.randomness import DROPOUT, random_bits

_GOLDEN = np.uint32(0x9E3779B1)
_PRIME = np.uint32(0x85EBCA77)
_MIX_1 = np.uint32(0x85EBCA6B)
_MIX_2 = np.uint32(0xC2B2AE35)


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss of one image is weight * cross-entropy(softmax(scores), target); a batch's is the
    mean over its images.

    Attributes:
        smoothing: share of the target spread evenly over all classes (Szegedy et al. 2016,
            section 7); 0 to below 1.
        dropout: share of the outputs of every dense layer but the last that are put to zero, the
            rest growing by 1 / (1 - dropout) (Srivastava et al. 2014); 0 to below 1.
        seed: decides which.
        weights: (N,) float32, each image's weight in the loss, 0 or more; None for 1 each.

    Raises:
        UsageError: a value out of range.
    """

    smoothing: float = 0.0
    dropout: float = 0.0
    seed: int = 0
    weights: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        for name in ("smoothing", "dropout"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UsageError(f"{name} is {value!r}; it must be at least 0 and below 1.")
        if self.weights is not None and (
            self.weights.dtype != np.float32
            or self.weights.ndim != 1
            or not (self.weights >= 0).all()
            or not isfinite(float(self.weights.sum(dtype=np.float64)))
        ):
            raise UsageError(
                "the images' weights must be one row of float32 numbers, each 0 or more."
            )

    @property
    def threshold(self) -> int:
        """A random 32-bit word below this drops its output."""
        return round(self.dropout * 2**32)

    def check(self, images: int) -> None:
        """Is there a weight for each of so many images?

        Raises:
            UsageError: there is not.
        """
        if self.weights is not None and len(self.weights) != images:
            raise UsageError(
                f"there are {len(self.weights):,} weights for {images:,} images; give one each."
            )

    def kept(self, step: int, layer: int, rows: NDArray[np.int64], units: int) -> NDArray[np.bool_]:
        """Which outputs of a dense layer stay in training step ``step``.

        A function of (seed, step, layer, row, unit) alone, so that any engine on any number of
        threads drops the same: the finaliser of MurmurHash3 (Appleby 2011) over a key.

        Args:
            step: which step this is, from 1.
            layer: the plan step's index.
            rows: (n,), the samples' places in their batch.
            units: outputs of the layer.

        Returns:
            (n, units).
        """
        key = np.uint32(random_bits(self.seed, DROPOUT, step, layer, count=1)[0] >> np.uint64(32))
        words = rows.astype(np.uint32)[:, None] * _GOLDEN
        words = words + np.arange(units, dtype=np.uint32) * _PRIME + key
        words ^= words >> np.uint32(16)
        words *= _MIX_1
        words ^= words >> np.uint32(13)
        words *= _MIX_2
        words ^= words >> np.uint32(16)
        return words >= self.threshold


#: Plain cross-entropy.
PLAIN = Objective()
