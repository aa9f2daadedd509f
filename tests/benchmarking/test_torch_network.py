"""Our layers in PyTorch: same weights, same scores. Gradients: tests/parity."""

import numpy as np
import pytest

from lenet.benchmarking.workload import Workload
from lenet.net import layers, parse_network
from random_networks import random_network

torch = pytest.importorskip("torch")
from lenet.formats.torch_module import (  # noqa: E402
    MODULES,
    torch_network,
    torch_table,
)


def test_every_layer_has_its_modules():
    assert MODULES.keys() == layers.LAYERS.keys()


def build(notation):
    work = Workload(parse_network(notation))
    return torch_network(work.network, work.plan, work.parameters)


@pytest.mark.parametrize("seed", range(60))
def test_scores_of_random_networks(seed, expected_scores):
    work = Workload(random_network(seed, ends_dense=seed % 3 > 0), batch=3)
    network = torch_network(work.network, work.plan, work.parameters).eval()
    with torch.no_grad():
        scores = network(torch.from_numpy(work.pixels[:3])).numpy()
    np.testing.assert_allclose(scores, expected_scores(work, 3), rtol=1e-5, atol=1e-5)


def test_a_plain_network_is_written_plainly():
    names = [
        type(module).__name__
        for module in build("1x8x8 | conv 4 k3 p1 silu, maxpool 3 p1 | dense 2")
    ]
    assert names == ["Conv2d", "SiLU", "MaxPool2d", "Flatten", "Linear"]


def test_a_normalised_network_has_no_bias_before():
    conv, norm, *_ = build("1x8x8 | conv 4 k3 p1 batchnorm silu, maxpool 2 | dense 2")
    assert conv.bias is None
    assert type(norm).__name__ == "BatchNorm2d"
    assert (norm.eps, norm.momentum) == (1e-5, 0.1)


NORMALISED = "2x8x8 | conv 4 k3 p1 batchnorm silu, maxpool 2, conv 3 k2 batchnorm | dense 2"


def test_normalised_scores(expected_scores):
    work = Workload(parse_network(NORMALISED), batch=6)
    network = torch_network(work.network, work.plan, work.parameters).eval()
    with torch.no_grad():
        scores = network(torch.from_numpy(work.pixels[:6])).numpy()
    np.testing.assert_allclose(scores, expected_scores(work, 6), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("notation", [NORMALISED, "1x4x4 | maxpool 2", "1x4x4 | dense 3"])
def test_weights_there_and_back(notation):
    work = Workload(parse_network(notation))
    table = torch_table(torch_network(work.network, work.plan, work.parameters), work.plan)
    np.testing.assert_array_equal(table, work.parameters)
    assert table.dtype == np.float32


@pytest.mark.parametrize(
    ("layer", "value"),
    [
        ("conv 4 k3 p0.1.0.1", 0.0),
        ("maxpool 3 p2", -torch.inf),  # PyTorch pads a pooling by half its window at most
        ("avgpool 2x3 p0x2", 0.0),
        ("maxpool 2 p0.1.0.1", -torch.inf),
    ],
)
def test_other_paddings_are_modules(layer, value):
    pad, *_ = build(f"1x8x8 | {layer} | dense 2")
    assert isinstance(pad, torch.nn.ConstantPad2d)
    assert pad.value == value


def test_maps_at_the_end_are_flattened():
    assert build("1x4x4 | conv 3 k2")(torch.zeros(2, 1, 4, 4)).shape == (2, 27)


def test_the_parameters_precision():
    work = Workload(parse_network("1x4x4 | conv 3 k2 relu | dense 2"))
    network = torch_network(work.network, work.plan, work.parameters.astype(np.float64))
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}
