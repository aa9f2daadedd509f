"""What stands out: each sentence where it is true, silence where it is not."""

import pytest

from lenet.analysis import explain
from lenet.net import parse_network, zoo


def _findings(text: str) -> str:
    return "\n".join(explain(parse_network(text)).findings)


def test_lenet() -> None:
    assert explain(zoo.lenet()).findings == (
        "dense0 holds the most parameters, 69 %, and does 11 % of the multiply-adds.",
        "Maps shrink 28 -> 12 -> 4 while channels grow 1 -> 6 -> 16.",
        "pool0 864 and conv1 1,024 activations are near each other (1.19x); 13.5 channels in conv1 "
        "would make them equal.",
        "A unit of pool1 sees 16x16 of 28x28 pixels; dense0 is the first to see them all.",
        "Sigmoid in 4 of 5 layers: its derivative is at most 1/4 and near 0 where it saturates, "
        "so gradients fade in the backward pass.",
        "From a batch of 7 on, the activations kept for training (27.5 kB per image) take more "
        "than the parameters (178 kB).",
    )


def test_one_layer_holds_nothing_in_particular() -> None:
    assert "holds the most" not in _findings("1x8x8 | dense 10")


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("1x9x8 | conv 4 k3 | conv 8 k3", "9x8 -> 7x6 -> 5x4 while channels grow 1 -> 4 -> 8."),
        ("1x9x9 | conv 4 k3 | conv 4 k3", "9 -> 7 -> 5 while channels grow 1 -> 4."),
        ("1x9x9 | conv 4 k3 same", ""),
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
        (
            "3x9x9 | conv 2 k3 | conv 8 k3",
            "Maps shrink 9 -> 7 -> 5 but channels do not only grow, 3 -> 2 -> 8.",
        ),
        (
            "1x9x9 | conv 4 k3 p3 | conv 8 k3",
            "Maps do not only shrink, 9 -> 13 -> 11, with channels 1 -> 4 -> 8.",
        ),
        ("1x9x9 | maxpool 2", "Maps shrink 9 -> 4 and the channels stay 1."),
    ],
)
def test_maps_that_do_otherwise(text: str, sentence: str) -> None:
    assert sentence in _findings(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("6x4x4 | maxpool 2 | conv 6 k3 same", "pool0 and conv0 have 24 activations each."),
        ("6x9x9 | maxpool 3 | conv 2 k3", "far apart (27.0x); 54 channels in conv0 would"),
        ("6x8x8 | avgpool 2 | conv 7 k2", "(1.52x); about 10.7 channels in conv0 would make them"),
        ("1x6x6 | maxpool 2 | conv 2 k2 p1", "a single channel in conv0 is already more."),
        ("1x8x8 | maxpool 2 | conv 16 k4 p6", "a single channel in conv0 is already more."),
        ("1x8x8 | maxpool 2 | conv 4 k1", "(4.00x); 1 channel in conv0 would make them equal."),
    ],
)
def test_a_pooling_and_the_convolution_after_it(text: str, sentence: str) -> None:
    assert sentence in _findings(text)


def test_a_ratio_is_judged_as_it_is_printed() -> None:
    found = _findings("1x1999x1 | maxpool 1 | conv 4000 k1999x1")  # 2.001 times
    assert "(2.00x)" in found
    assert "near each other" in found


def test_no_pair_no_balance() -> None:
    assert "make them equal" not in _findings("1x8x8 | conv 4 k3, maxpool 2 | dense 10")


def test_neighbours_that_are_far_apart() -> None:
    found = _findings("1x16x16 | conv 8 k3 same relu, maxpool 2 | dense 20 relu, dense 10")
    assert "dense0 has 20 activations, 25.6x fewer than the 512 of pool0 before it." in found
    found = _findings("1x4x4 | dense 16 relu, dense 64 relu, dense 2")
    assert "dense1 has 64 activations, 4.00x more than the 16 of dense0 before it." in found
    # The output's size is given: dense1 is 8 times smaller than dense0, and nothing is said.
    assert "before it" not in _findings("1x4x4 | dense 16 relu, dense 2")
    assert "before it" not in _findings("1x4x4 | dense 16 relu, dense 63 relu, dense 2")


def test_saturating_activations() -> None:
    found = _findings("1x8x8 | conv 4 k3 tanh, maxpool 2 | dense 8 sigmoid, dense 9 relu")
    assert "Sigmoid in 1 of 3 layers: its derivative is at most 1/4" in found
    assert "Tanh in 1 of 3 layers: its derivative is at most 1 and" in found
    assert "1 of 1 layer:" in _findings("1x8x8 | dense 1 tanh")
    assert "derivative" not in _findings("1x8x8 | dense 1 relu")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "1x9x9 | conv 3 k3 relu, maxpool 2 | dense 10",
            "A unit of pool0 sees 4x4 of 9x9 pixels; one of dense0 sees 8x8.",
        ),
        (
            "1x10x10 | conv 3 k3 relu, maxpool 2 | dense 10",
            "A unit of pool0 sees 4x4 of 10x10 pixels; dense0 is the first to see them all.",
        ),
        (
            "1x9x9 | conv 3 k3 relu, conv 3 k7 relu | dense 10",
            "From conv1 on, a unit's receptive field, 9x9, is as large as the 9x9 input.",
        ),
        (
            "1x9x9 | conv 3 k5x9 p4 relu",
            "No unit sees the whole input: one of conv0 sees 5x9 of 9x9 pixels.",
        ),
        ("1x9x9 | conv 3 k5x11 p5", "one of conv0 sees 5x9 of 9x9 pixels."),
        (
            "1x9x9 | conv 3 k9 p4 relu, conv 3 k3 relu | dense 10",
            "From conv0 on, a unit's receptive field, 9x9, is as large as the 9x9 input.",
        ),
        ("1x9x9 | conv 3 k9x11 p4x5", "field, 9x11, is larger than the 9x9 input."),
        # The pooling drops the last of 61 columns, and so the last of the input's 65.
        (
            "1x64x65 | conv 6 k5, avgpool 2 | dense 10",
            "A unit of pool0 sees 6x6 of 64x65 pixels; one of dense0 sees 64x64.",
        ),
        (
            "1x9x9 | conv 3 k1 s2 relu | dense 10",
            "A unit of conv0 sees 1x1 of 9x9 pixels; dense0 is the first to see from edge to edge.",
        ),
    ],
)
def test_where_the_whole_input_is_seen(text: str, sentence: str) -> None:
    assert sentence in _findings(text)


def test_dense_layers_alone_see_everything_anyway() -> None:
    assert "sees" not in _findings("1x9x9 | dense 10 relu, dense 3")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "1x9x9 | conv 4 k3 | conv 8 k3 relu",
            "conv0 has no activation function: it and conv1 together are linear.",
        ),
        ("1x9x9 | conv 4 k3, avgpool 2 | dense 3", "it and dense0 together are linear."),
        ("1x9x9 | dense 4, dense 4, dense 3", "together are linear. Likewise dense1."),
    ],
)
def test_layers_that_stay_linear(text: str, sentence: str) -> None:
    assert sentence in _findings(text)


@pytest.mark.parametrize(
    "text",
    [
        "1x9x9 | conv 4 k3, maxpool 2 | dense 3",
        "1x9x9 | conv 4 k3 relu | dense 3",
        "1x9x9 | dense 3",
    ],
)
def test_layers_that_bend(text: str) -> None:
    assert "linear" not in _findings(text)


def test_batch_normalisation() -> None:
    found = _findings("1x9x9 | conv 4 k3 batchnorm relu, conv 8 k3 batchnorm relu | dense 3")
    assert (
        "conv0 and conv1 are normalised over the batch in training; a shift takes the bias' place, "
        "which the mean would take off again."
    ) in found
    assert (
        "For use, running means and variances (24 numbers, counted and not trained) fold into "
        "weights and biases: normalisation then costs nothing."
    ) in found
    layers = ", ".join(["conv 4 k1 batchnorm relu"] * 6)
    several = _findings(f"1x9x9 | {layers} | dense 3")
    assert "conv0, conv1, conv2 and 3 more layers are normalised over" in several
    assert "conv0 is normalised over" in _findings("1x9x9 | conv 4 k3 batchnorm relu | dense 3")
    assert "normalis" not in _findings("1x9x9 | conv 4 k3 relu | dense 3")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "1x1x1 | dense 5",  # 40 bytes of parameters, 24 of activations
            "From a batch of 2 on, the activations kept for training (24 B per image) take more "
            "than the parameters (40 B).",
        ),
        ("1x99x99 | conv 2 k3 relu", "Already for one image, the activations kept for training ("),
    ],
)
def test_activations_outweigh_parameters(text: str, sentence: str) -> None:
    assert sentence in _findings(text)
    assert "for training" not in _findings("1x8x8 | maxpool 2")
