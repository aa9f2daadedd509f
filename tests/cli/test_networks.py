"""A network from whatever a person names."""

import pytest

import lenet
from lenet.cli.networks import network_of
from lenet.errors import ModelFileError, UsageError


def test_every_kind_of_name(here, model):
    network = network_of(model)
    assert network == lenet.Model.load(model).network
    assert network_of(str(network)) == network
    assert network_of("lenet") == lenet.zoo.lenet()


def test_refusals(here):
    with pytest.raises(ModelFileError):
        network_of("nowhere.safetensors")
    with pytest.raises(UsageError):
        network_of("nowhere")
