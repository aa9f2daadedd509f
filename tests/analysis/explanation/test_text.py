"""The report as text: every width and length. Whole reports are in golden/ (test_rendering.py)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis import explain
from lenet.analysis.explanation.text import render_text
from lenet.net import Network, parse_network, zoo
from random_networks import networks

WIDE = """\
network    in 1@9x7    out 3    2 layers: 1 conv + 1 dense
2 blocks: conv0, dense0

block  layer   kind   kernel  stride  pad      both  input  output  size                                  sees  jump     parameters  multiply-adds   activations  connections   kept
1      conv0   conv   3x2     2x1     1.0.0.2  1x2   1@9x7  2@4x8   floor((9-3+1+2)/2)=4 x (7-2+2+1)/1=8  3x2   2x1    14  7% ▍      384 67% ███▍   64 96% ████▊          448  256 B
2      dense0  dense                                 2@4x8  3                                             8x7         195 93% ████▋  192 33% █▋      3  4% ▎              195   12 B
       total                                                                                                          209            576            67                    643  268 B

"""  # noqa: E501

NARROW = """\
What flows
block  layer   kernel  stride  pad      both  output  sees  jump
1      conv0   3x2     2x1     1.0.0.2  1x2   2@4x8   3x2   2x1
2      dense0                                 3       8x7

Sizes
  conv0  floor((9-3+1+2)/2)=4 x (7-2+2+1)/1=8

What it costs
layer      parameters  multiply-adds   activations  connections   kept
conv0    14  7% ▍      384 67% ███▍   64 96% ████▊          448  256 B
dense0  195 93% ████▋  192 33% █▋      3  4% ▎              195   12 B
total   209            576            67                    643  268 B

Memory
float32               one image  256 images
"""


def test_one_table_where_there_is_room_and_two_where_there_is_none() -> None:
    report = explain(parse_network("1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2 | dense 3"))
    assert render_text(report, 200).startswith(WIDE)
    assert NARROW in render_text(report, 80)


def test_less_is_said_where_there_is_less_room() -> None:
    report = explain(zoo.lenet())
    assert "both input" in render_text(report, 80)
    assert "both output" in render_text(report, 72)
    assert "\nSizes\n  conv0  (28-5+0+1)/1=24\n" in render_text(report, 60)
    assert "█" not in render_text(report, 70)
    assert "44.4 k" not in render_text(report, 40)  # numbers below a million stay whole
    large = explain("lenet", input_shape="3x9999x9999")
    assert "\ndense0 12.0 G >99% █████ " in render_text(large, 80)


def test_bars_in_plain_characters() -> None:
    text = render_text(explain(zoo.lenet()), ascii_only=True)
    assert text.isascii()
    assert "dense0 30,840 69% ###  " in text
    assert "conv0     156 <1% #  " in text


@pytest.mark.parametrize("name", zoo.names())
def test_the_zoo_fits_80_columns(name: str) -> None:
    text = render_text(explain(zoo.get(name), name))
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(f"{name}    in 1@28x28    out 10\n")


def test_prose_stays_readable_on_a_wide_terminal() -> None:
    text = render_text(explain(zoo.lenet()), 300)
    assert max(len(line) for line in text.splitlines() if line.startswith(("- ", "Kept"))) <= 100


def test_a_batch_of_one_has_one_column() -> None:
    assert "float32               one image\n" in render_text(explain("lenet", batch=1))


@given(networks(ends_dense=False), st.integers(-5, 250))
def test_any_network_in_any_width(network: Network, width: int) -> None:
    text = render_text(explain(network), width)
    assert not any(line != line.rstrip() for line in text.splitlines())
    notation = text.partition("As notation, to copy and change\n")[2]
    assert parse_network(notation) == network
    for placed in network.placed:
        assert f"\n{placed.name} " in text or f" {placed.name} " in text


def test_a_hundred_layers_are_readable_and_quick() -> None:
    text = (
        "3x224x224" + " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense 9, dense 9"
    )
    start = time.perf_counter()
    rendered = render_text(explain(parse_network(text), "long"))
    assert time.perf_counter() - start < 0.5  # some 15 ms on a quiet machine
    assert "100 layers: 98 conv + 2 dense" in rendered
    assert "\n49 = 1 conv96 " in rendered
    assert max(map(len, rendered.splitlines())) <= 80
