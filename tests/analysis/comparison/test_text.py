"""A comparison as text, in every width."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis.comparison.columns import compare
from lenet.analysis.comparison.text import render_comparison
from lenet.analysis.counts import count_network
from lenet.net import Network, parse_network, zoo
from random_networks import networks

TEXT = """\
                 lenet    lenet-60
input            1@28x28  1@28x28
output           10       10
layers           5        4
parameters       44,426   18,602 0.42x
multiply-adds    281,640  255,960 0.91x
activations      5,814    5,670 0.98x
memory in use    195 kB   91.7 kB 0.47x
in training      7.40 MB  7.04 MB 0.95x
receptive field  16x16    16x16

layer   lenet    lenet-60
conv0   6@24x24  6@24x24
pool0   6@12x12  6@12x12
conv1   16@8x8   16@8x8
pool1   16@4x4   16@4x4
dense0  120      -
dense1  84       60
dense2  10       10

lenet -> lenet-60
  - dense0           dense 120 sigmoid
    dense1 (dense0)  units 84 -> 60

Memory in use is for one image, in training for 256 with plain SGD; ratios are
to the first network."""


def test_the_text() -> None:
    assert str(compare("lenet", "lenet-60")) == TEXT


def test_added_layers_have_a_row_of_their_own() -> None:
    text = str(compare("1x9x9 | dense 5", "1x9x9 | conv 2 k3 | dense 5", "1x9x9 | maxpool 3"))
    assert "\n+ conv0  -  2@7x7  -\ndense0   5  5      -\n+ pool0  -  -      1@3x3\n" in text
    assert "\n  + pool0   maxpool 3" in text


def test_more_than_four_are_a_list() -> None:
    text = str(compare(*["lenet"] * 5))
    assert text.count("  parameters       44,426\n") == 5
    assert text.count("the same input and layers") == 4


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_zoo_fits_80_columns(count: int) -> None:
    lines = str(compare(*zoo.names()[:count])).splitlines()
    assert max(map(len, lines)) <= 80
    assert not any(line != line.rstrip() for line in lines)


@given(st.lists(networks(ends_dense=False), min_size=2, max_size=5), st.integers(20, 120))
def test_any_networks_in_any_width(some: list[Network], width: int) -> None:
    found = compare(*some)
    assert render_comparison(found, width)
    document = json.loads(json.dumps(found.to_dict()))
    for network, values in zip(some, document["networks"], strict=True):
        assert parse_network(values["network"]) == network
        assert values["parameters"] == count_network(network).parameters
    for network, one in zip(some[1:], found.differences, strict=True):
        same = network.input_shape == some[0].input_shape and network.layers == some[0].layers
        assert same == (not one)


def test_ratios_have_three_digits() -> None:
    text = str(compare("1x1x1 | dense 1", "1x100000x100000 | dense 100"))
    assert "1,000,000,000,100 5.00e11x\n" in text
