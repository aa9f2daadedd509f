"""What users hand over, in the form that the rest works on."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lenet.errors import UsageError


def rows_of(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Images as rows, and their shape; what has two dimensions or fewer is handed on as it is.

    Raises:
        UsageError: more than four dimensions.
    """
    if not hasattr(X, "shape"):
        try:
            X = np.asarray(X)
        except ValueError:  # ragged: scikit-learn has the words
            return X, None
    shape = tuple(X.shape)
    if len(shape) <= 2:
        return X, None
    if len(shape) > 4:
        raise UsageError(
            f"Found array with dim {len(shape)}; give (N, features), (N, H, W), (N, H, W, C) or "
            "(N, C, H, W)."
        )
    return np.asarray(X).reshape(shape[0], prod(shape[1:])), shape[1:]


def weighted(
    rows: NDArray[Any], labels: NDArray[Any], sample_weight: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """What weighs more than nothing, and what it weighs, (N,) each.

    Raises:
        UsageError: not one finite weight each, or one below zero, or none above.
    """
    if sample_weight is None:
        return rows, labels, np.ones(len(rows))
    weights = np.asarray(sample_weight, np.float64)
    if weights.shape != (len(rows),):
        raise UsageError(
            f"sample_weight has shape {weights.shape} and there are {len(rows):,} samples; give "
            "one weight each."
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise UsageError("sample_weight has negative values, NaN or infinity; give 0 or more.")
    kept = weights > 0
    if not kept.any():
        raise UsageError("All of sample_weight is zero; at least one weight must be above zero.")
    return (rows, labels, weights) if kept.all() else (rows[kept], labels[kept], weights[kept])


def indices_of(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """The place of each label (N,) among the sorted classes.

    Raises:
        UsageError: a label is none of them.
    """
    found = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    strange = labels[classes[found] != labels]
    if len(strange):
        raise UsageError(
            f"y has the label {plain(strange[0])!r}, which is none of the classes "
            f"{listed(classes)}."
        )
    return found


def listed(classes: NDArray[Any]) -> str:
    """The classes, ten of them at most, for an error's sentence."""
    return f"{classes[:10].tolist()}{' and more' * (len(classes) > 10)}"


def plain(value: Any) -> Any:
    """Python's own number for one of NumPy's, as a grid of parameters may hold."""
    return value.item() if isinstance(value, np.generic) else value
