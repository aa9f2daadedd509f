"""The real MNIST and Fashion-MNIST, where the environment says they are."""

import hashlib
import os

import numpy as np
import pytest

from lenet.data import load

FOLDER = os.environ.get("LENET_DATA")

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="LENET_DATA names no folder with MNIST and Fashion-MNIST"
)

# MD5 of the original file, decompressed: header and pixels
ORIGINALS = {
    "mnist": "6bbc9ace898e44ae57da46a324031adb",
    "fashion-mnist": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
}


@pytest.fixture(scope="module", params=["mnist", "fashion-mnist"])
def data(request):
    return load(request.param, FOLDER)


def test_counts(data):
    expected = "70,000 images of 28x28, 10 classes · 60,000 to train on, 10,000 to test"
    assert data.summary() == f"{data.name} · {expected}"
    assert set(np.unique(data.test.labels)) == set(range(10))


def test_train_images_are_the_originals(data):
    header = bytes.fromhex("00000803 0000ea60 0000001c 0000001c")
    digest = hashlib.md5(header)
    digest.update(data.train.images.data)
    assert digest.hexdigest() == ORIGINALS[data.name]


def test_known_first_samples(data):
    expected = {"mnist": "5", "fashion-mnist": "Ankle boot"}
    assert data.classes[data.train.labels[0]] == expected[data.name]
