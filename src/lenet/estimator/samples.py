"""A training set in one form, however its samples were given.

Equal samples of one class become one whose weight is their sum, and all stand in the order of their
bytes. What is trained on it then depends neither on the order of the samples nor on whether one was
repeated or weighted: weight 3 is three times the same, weight 0 is none, exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lenet.data import Split


def canonical(
    images: NDArray[np.uint8], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> Split:
    """Merge and order samples; their weights then are 1 on average, or None if all are equal.

    Args:
        images: (N, C, H, W).
        labels: (N,).
        weights: (N,), above 0.
    """
    keys = _keys(images, labels)
    # By weight as well: a sum's last bit depends on the order of its terms.
    order = np.argsort(weights, kind="stable")
    order = order[np.argsort(keys[order], kind="stable")]
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    sums = np.add.reduceat(weights[order] / weights.max(), starts)
    first = order[starts]
    same = bool((sums == sums[0]).all())
    return Split(
        np.ascontiguousarray(images[first]),
        labels[first],
        None if same else (sums / sums.mean()).astype(np.float32),
    )


def _keys(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.bytes_]:
    """A sortable word a sample: its bytes, then its label's, the highest first."""
    pixels = images.reshape(len(images), -1)
    words = labels.astype(">i8")[:, None].view(np.uint8)
    rows = np.ascontiguousarray(np.concatenate([pixels, words], axis=1))
    # All have one length, so that the zeros which NumPy takes off a word's end decide nothing.
    return rows.view(f"S{rows.shape[1]}").ravel()
