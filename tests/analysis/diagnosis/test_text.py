"""A diagnosis as text."""

from lenet.analysis.diagnosis.problem import diagnose

DEEP = "1x28x28 | conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | conv 32 k5, maxpool 2 | dense 10"


DEEP_TEXT = """\
conv2 gets 16@4x4 and a 5x5 kernel does not fit: (4 - 5 + 0 + 1) / 1 = 0.
Any one of these makes it fit (each was tried):
  1  give conv2 padding 1         16@4x4 -> 32@2x2
  2  use a 3x3 kernel in conv2    16@4x4 -> 32@2x2
  3  drop pool1                   16@8x8 -> 32@4x4
  4  give conv1 padding 2         16@6x6 -> 32@2x2
  5  drop conv2
  6  start from 36x36 or more     16@6x6 -> 32@2x2
The first, to copy and change (--fix 2 prints the second, and so on):
  1x28x28
  | conv 6 k5, maxpool 2
  | conv 16 k5, maxpool 2
  | conv 32 k5 p1, maxpool 2
  | dense 10"""


def test_the_text() -> None:
    assert str(diagnose(DEEP)) == DEEP_TEXT


def test_a_network_that_fits_says_what_comes_out() -> None:
    assert str(diagnose("lenet")) == (
        "lenet fits: 1@28x28 in, 10 out.\n"
        "  1@28x28 -> 6@24x24 -> 6@12x12 -> 16@8x8 -> 16@4x4 -> 120 -> 84 -> 10\n"
        "It fits every input of 16x16 or more."
    )
    assert diagnose("1x8x8 | dense 10").fits
