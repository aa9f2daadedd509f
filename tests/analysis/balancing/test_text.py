"""A balance as text, in every width."""

from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis.balancing.neighbours import balance
from lenet.analysis.balancing.text import render_balance
from lenet.net import Network
from random_networks import networks

TEXT = """\
lenet    activations of one image

conv0   6@24x24  3,456  ████████████████████████████████████████████████████████
pool0   6@12x12    864  ██████████████
conv1   16@8x8   1,024  █████████████████
pool1   16@4x4     256  ████
dense0  120        120  ██
dense1  84          84  █
dense2  10          10  █

Neighbours (a pooling belongs to its convolution)
  pool0 864   conv1 1,024  1.19x  near each other; equal at 13.5 channels
  pool1 256   dense0 120   2.13x  far apart; equal at 256 units
  dense0 120  dense1 84    1.43x  near each other; equal at 120 units
  dense1 84   dense2 10    8.40x  the output's width is the task's

Does it hold here? (about equal: at most 2x apart)
  no   neighbouring layers are about equally large: pool1 256 and dense0 120 are
       2.13x apart
  yes  smaller maps have more channels: 1 -> 6 -> 16
  no   neighbouring convolutions have about as many parameters: conv0 156 and
       conv1 2,416 parameters are 15.5x apart (their multiply-adds 1.78x)"""


def test_the_text() -> None:
    assert str(balance("lenet")) == TEXT


def test_verdicts() -> None:
    assert "2.25x  far apart; even one channel is more" in str(
        balance("1x4x4 | maxpool 2 | conv 1 k2 p1 | dense 3")
    )
    assert "1.00x  near each other\n" in str(balance("1x8x8 | maxpool 2 | conv 1 k1 | dense 3"))


def test_large_numbers_stay_within_the_width() -> None:
    text = str(balance("3x100000x100000 | conv 1000 k7 s2, maxpool 3 s2 | conv 2000 k9 | dense 9"))
    assert max(map(len, text.splitlines())) <= 80
    assert "e9x" in text or "e11x" in text  # no digits that nobody needs
    assert ",000.00x" not in text


@given(networks(ends_dense=False), st.integers(20, 120))
def test_any_network_in_any_width(network: Network, width: int) -> None:
    text = render_balance(balance(network), width, "#")
    assert text.isascii()
    for placed in network.placed:
        assert placed.name in text
