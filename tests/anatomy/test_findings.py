"""What stands out: each sentence where it is true, silence where it is not."""

import pytest

from lenet.anatomy import explain
from lenet.anatomy.findings import percent
from lenet.net import parse_network, zoo


def _findings(text: str) -> str:
    return "\n".join(explain(parse_network(text)).findings)


def test_lenet() -> None:
    assert explain(zoo.lenet()).findings == (
        "dense0 holds the most parameters, 69 %, and does 11 % of the work.",
        "Maps shrink 28 -> 12 -> 4 while channels grow 1 -> 6 -> 16.",
        "pool0 864 and conv1 1,024 activations are near each other (1.19x); 13.5 channels in conv1 "
        "would make them equal.",
        "Sigmoid in 4 of 5 layers: its slope is at most 1/4 and near 0 where it saturates, so "
        "gradients fade on their way back.",
    )


def test_one_layer_does_not_stand_out() -> None:
    assert _findings("1x8x8 | dense 10") == ""


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("1x9x8 | conv 4 k3 | conv 8 k3", "9x8 -> 7x6 -> 5x4 while channels grow 1 -> 4 -> 8."),
        ("1x9x9 | conv 4 k3 | conv 4 k3", "9 -> 7 -> 5 while channels grow 1 -> 4."),
        ("3x9x9 | conv 2 k3 | conv 8 k3", ""),  # the channels shrink first
        ("1x9x9 | conv 4 k3 p3 | conv 8 k3", ""),  # the maps grow first
        ("1x9x9 | conv 4 k3 same", ""),
        ("1x9x9 | maxpool 2", ""),
        (
            "1x99x99" + "".join(f" | conv {n} k3" for n in range(2, 20)),
            "99 -> 97 -> 95 -> ... -> 65 -> 63 while channels grow 1 -> 2 -> 3 -> ... -> 18 -> 19.",
        ),
    ],
)
def test_maps_shrink_while_channels_grow(text: str, chain: str) -> None:
    found = _findings(text)
    assert (f"Maps shrink {chain}" in found) if chain else ("Maps" not in found)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("6x4x4 | maxpool 2 | conv 6 k3 same", "pool0 and conv0 have 24 activations each."),
        ("6x9x9 | maxpool 3 | conv 2 k3", "far apart (27.00x); 54 channels in conv0 would"),
        ("6x8x8 | avgpool 2 | conv 7 k2", "(1.52x); about 10.7 channels in conv0 would make them"),
        ("1x6x6 | maxpool 2 | conv 2 k2 p1", "a single channel in conv0 is already more."),
        ("1x8x8 | maxpool 2 | conv 16 k4 p6", "a single channel in conv0 is already more."),
        ("1x8x8 | maxpool 2 | conv 4 k1", "(4.00x); 1 channel in conv0 would make them equal."),
    ],
)
def test_a_pooling_and_the_convolution_after_it(text: str, sentence: str) -> None:
    assert sentence in _findings(text)


def test_no_pair_no_balance() -> None:
    assert "activations" not in _findings("1x8x8 | conv 4 k3, maxpool 2 | dense 10")


def test_saturating_activations() -> None:
    found = _findings("1x8x8 | conv 4 k3 tanh, maxpool 2 | dense 8 sigmoid, dense 9 relu")
    assert "Sigmoid in 1 of 3 layers: its slope is at most 1/4" in found
    assert "Tanh in 1 of 3 layers: its slope is at most 1 and" in found
    assert "1 of 1 layer:" in _findings("1x8x8 | dense 1 tanh")
    assert "slope" not in _findings("1x8x8 | dense 1 relu")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0"),
        (0.001, "<1"),
        (0.005, "<1"),
        (0.69, "69"),
        (0.994, "99"),
        (0.996, ">99"),
        (1, "100"),
    ],
)
def test_percent_never_rounds_to_nothing_or_all(share: float, text: str) -> None:
    assert percent(share) == text
