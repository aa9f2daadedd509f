"""How much each class should count where some have far more images than others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lenet.errors import DataError


def class_weights(
    labels: npt.NDArray[np.int64], classes: int, weights: npt.NDArray[np.float32] | None = None
) -> npt.NDArray[np.float32]:
    """A weight for each class, so that all classes count alike and an image counts 1 on average.

    Of n images in K classes that have any, one of a class with n_k weighs n / (K n_k), as in
    G. King and L. Zeng, "Logistic Regression in Rare Events Data", 2001 ("balanced" in
    scikit-learn).

    Args:
        labels: (n,) the class of each image.
        classes: how many classes there are.
        weights: (n,) how many images each one stands for; None for 1.

    Returns:
        (classes,) float32; 0 for a class without images.

    Raises:
        DataError: there are no labels, or one names no class.
    """
    if not len(labels) or labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"the labels are none of 0 to {classes - 1}, or there are none at all; give the class "
            "of every image"
        )
    counts = np.bincount(labels, weights, minlength=classes)
    present = np.count_nonzero(counts)
    with np.errstate(divide="ignore"):
        found = np.where(counts, counts.sum() / (present * counts), 0)
    return found.astype(np.float32)
