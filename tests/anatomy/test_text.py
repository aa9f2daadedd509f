"""The report as text: the golden table of lenet, and every width and length."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.anatomy import explain, render_text
from lenet.net import Network, parse_network, zoo
from random_networks import networks

LENET = """\
lenet    in 1@28x28    out 10
5 layers: 2 conv + 3 dense (pooling belongs to its convolution)

block layer  kernel stride pad output  size            parameters multiply-adds
1     conv0  5x5    1      0   6@24x24 (28-5+0+1)/1=24    156 <1%    86,400 31%
      pool0  2x2    2      0   6@12x12 (24-2+0+2)/2=12      -             -
2 = 1 conv1  5x5    1      0   16@8x8  (12-5+0+1)/1=8   2,416  5%   153,600 55%
      pool1  2x2    2      0   16@4x4  (8-2+0+2)/2=4        -             -
3     dense0                   120                     30,840 69%    30,720 11%
      dense1                   84                      10,164 23%    10,080  4%
      dense2                   10                         850  2%       840 <1%
                                                 total 44,426       281,640

Stands out
- dense0 holds the most parameters, 69 %, and does 11 % of the work.
- Maps shrink 28 -> 12 -> 4 while channels grow 1 -> 6 -> 16.
- pool0 864 and conv1 1,024 activations are near each other (1.19x); 13.5
  channels in conv1 would make them equal.
- Sigmoid in 4 of 5 layers: its slope is at most 1/4 and near 0 where it
  saturates, so gradients fade on their way back.

As notation, to copy and change
  1x28x28
  | conv 6 k5 sigmoid, maxpool 2
  | conv 16 k5 sigmoid, maxpool 2
  | dense 120 sigmoid, dense 84 sigmoid, dense 10"""

WIDE = """\
network    in 1@9x7    out 3    2 layers: 1 conv + 1 dense

block  layer   kernel  stride  pad      output  size                                  parameters  multiply-adds
1      conv0   3x2     2x1     1.0.0.2  2@4x8   floor((9-3+1+2)/2)=4 x (7-2+2+1)/1=8      14  7%        384 67%
2      dense0                           3                                                195 93%        192 33%
                                                                               total     209            576

Stands out
- dense0 holds the most parameters, 93 %, and does 33 % of the work.

As notation, to copy and change
  1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2 | dense 3"""  # noqa: E501

NARROW = """\
network    in 1@9x7    out 3    2 layers: 1 conv + 1 dense

block  layer   kernel  stride  pad      output  parameters  multiply-adds
1      conv0   3x2     2x1     1.0.0.2  2@4x8       14  7%        384 67%
2      dense0                           3          195 93%        192 33%
                                         total     209            576

Sizes
  conv0  floor((9-3+1+2)/2)=4 x (7-2+2+1)/1=8

Stands out
- dense0 holds the most parameters, 93 %, and does 33 % of the work.

As notation, to copy and change
  1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2 | dense 3"""


def test_lenet_in_80_columns() -> None:
    assert render_text(explain(zoo.lenet(), "lenet")) == LENET


def test_formulas_stand_beside_the_layers_or_below_them() -> None:
    report = explain(parse_network("1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2 | dense 3"))
    assert render_text(report, 120) == WIDE
    assert render_text(report, 80) == NARROW


@pytest.mark.parametrize("name", zoo.names())
def test_the_zoo_fits_80_columns(name: str) -> None:
    text = render_text(explain(zoo.get(name), name))
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(f"{name}    in 1@28x28    out 10\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1x8x8 | dense 10", "1 layer: 1 dense\n"),
        ("1x8x8 | maxpool 2, dense 10", "1 layer: 1 dense (pooling not counted)\n"),
        ("1x8x8 | maxpool 2", "0 layers (pooling not counted)\n"),
        ("1x8x8 | conv 1 k1, maxpool 2", "1 layer: 1 conv (pooling belongs to its convolution)\n"),
    ],
)
def test_the_layer_count(text: str, line: str) -> None:
    assert line in render_text(explain(parse_network(text)), 40)


@given(networks(ends_dense=False), st.integers(-5, 200))
def test_any_network_in_any_width(network: Network, width: int) -> None:
    text = render_text(explain(network), width)
    assert not any(line != line.rstrip() for line in text.splitlines())
    notation = text.partition("As notation, to copy and change\n")[2]
    assert parse_network(notation) == network
    for placed in network.placed:
        assert f" {placed.name} " in text


def test_a_hundred_layers_are_readable_and_quick() -> None:
    text = (
        "3x224x224" + " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense 9, dense 9"
    )
    start = time.perf_counter()
    rendered = render_text(explain(parse_network(text), "long"))
    assert time.perf_counter() - start < 0.5  # some 10 ms on a quiet machine
    assert "100 layers: 98 conv + 2 dense" in rendered
    assert "\n49 = 1 conv96 " in rendered
    assert max(map(len, rendered.splitlines())) <= 100
