"""A few images of noise that can be learned by heart, in a moment."""

import numpy as np
import pytest

from lenet.data import Dataset, Split

NET = "1x4x4 | dense 8 relu, dense 3"


@pytest.fixture(scope="session")
def noise() -> Dataset:
    random = np.random.default_rng(0)

    def split(count: int) -> Split:
        labels = np.arange(count) % 3
        images = random.integers(0, 200, (count, 1, 4, 4)) + 25 * labels[:, None, None, None]
        return Split(images.astype(np.uint8), labels)

    return Dataset("noise", split(60), split(30), ("a", "b", "c"))
