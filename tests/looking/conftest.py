"""A trained model, and its data."""

import pytest

import lenet


@pytest.fixture(scope="session")
def digits():
    return lenet.load("digits")


@pytest.fixture(scope="session")
def model(digits):
    network = "1x8x8 | conv 4 k3 relu, maxpool 2 | conv 6 k2 relu | dense 10"
    return lenet.train(network, digits, epochs=4)
