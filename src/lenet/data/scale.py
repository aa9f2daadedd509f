"""Pixels as files give them, whole numbers 0 to 255 or floats 0 to 1, to bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.data.preprocess import Images
from lenet.errors import DataError


class Range:
    """The values of an array, seen piece by piece: the least and the greatest.

    Attributes:
        least: 0 before anything is seen.
        greatest: likewise.
    """

    def __init__(self) -> None:
        self.least = self.greatest = 0.0

    def see(self, values: npt.NDArray[Any]) -> None:
        """Take more values into account; one that is no number stays as the greatest."""
        if values.size and not np.isnan(self.greatest):
            self.least = min(self.least, float(values.min()))
            self.greatest = float(np.maximum(self.greatest, values.max()))

    @property
    def is_unit(self) -> bool:
        """Do the values reach from 0 to 1 instead of 255?"""
        return 0 < self.greatest <= 1

    def require_pixels(self, what: str) -> None:
        """Hold that all are pixels; ``what`` begins the sentence if not.

        Raises:
            DataError: they are not.
        """
        if not (self.least >= 0 and self.greatest <= 255):
            found = (
                "values that are no numbers"
                if np.isnan(self.greatest)
                else f"values from {self.least:g} to {self.greatest:g}"
            )
            raise DataError(f"{what} {found}; give whole numbers 0 to 255, or floats 0 to 1")


def to_bytes(values: npt.NDArray[Any], unit: bool) -> Images:
    """The same as uint8, rounded; ``unit``: from 0 to 1, not 255."""
    if unit:
        return np.rint(values * np.float32(255)).astype(np.uint8)
    if values.dtype.kind == "f":
        values = np.rint(values)
    return values.astype(np.uint8, copy=False)
