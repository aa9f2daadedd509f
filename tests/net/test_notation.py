"""The notation: round trips, everything it accepts, and errors that point at the place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.errors import NotationError, UsageError
from lenet.net import AvgPool2d, Block, Conv2d, Dense, MaxPool2d, Network, parse_network, zoo
from lenet.net.layers import MAX_SIZE
from lenet.net.network import MAX_LAYERS
from random_networks import networks
from refusals import refused

LENET = (
    "1x28x28 | conv 6 k5 sigmoid, maxpool 2 | conv 16 k5 sigmoid, maxpool 2 "
    "| dense 120 sigmoid, dense 84 sigmoid, dense 10"
)


@given(networks(ends_dense=False))
def test_a_network_is_read_back_from_its_text(network: Network) -> None:
    assert parse_network(str(network)) == network


@given(networks(ends_dense=False))
def test_spaces_and_case_do_not_matter(network: Network) -> None:
    text = str(network)
    loose = text.upper().replace(" ", "\n\t ").replace(",", " ,")
    assert parse_network(loose) == network
    assert parse_network(text.replace(" | ", "|").replace(", ", ",")) == network


def test_the_canonical_text() -> None:
    assert str(zoo.lenet()) == LENET
    assert str(parse_network(LENET)) == LENET


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("conv 6 k5", Conv2d(6, 5)),
        ("conv 6 relu p2 s2 k5x3", Conv2d(6, (5, 3), 2, 2, "relu")),
        ("conv 6 k4 same", Conv2d(6, 4, padding="same")),
        ("conv 6 k5 p2x1", Conv2d(6, 5, padding=(2, 1))),
        ("conv 6 k5 p0.1.2.3 leaky-relu", Conv2d(6, 5, 1, (0, 1, 2, 3), "leaky-relu")),
        ("conv 06 k5 identity s1x1 p0", Conv2d(6, 5)),
        ("conv 6 k5 batchnorm", Conv2d(6, 5, batch_norm=True)),
        ("conv 6 silu BatchNorm k5 p1", Conv2d(6, 5, 1, 1, "silu", batch_norm=True)),
        ("conv 6 k5 g1 relu", Conv2d(6, 5, activation="relu")),
        ("conv 6 G3 k5 same batchnorm", Conv2d(6, 5, 1, "same", batch_norm=True, groups=3)),
        ("maxpool 2", MaxPool2d(2)),
        ("maxpool 3x2 s2 p1", MaxPool2d((3, 2), 2, 1)),
        ("avgpool 2 s2x1", AvgPool2d(2, (2, 1))),
        ("dense 10 silu", Dense(10, "silu")),
    ],
)
def test_layers(text: str, layer: Conv2d | MaxPool2d | AvgPool2d | Dense) -> None:
    assert parse_network(f"1x28x28 | {text}") == Network((1, 28, 28), [Block([layer])])


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("conv 6 k5x5 s1 p0 identity", "conv 6 k5"),
        ("conv 6 k5 same", "conv 6 k5 p2"),
        ("conv 6 k4 same", "conv 6 k4 p1.2.1.2"),
        ("conv 6 k5x3 p2x1", "conv 6 k5x3 p2x1"),
        ("conv 6 k3 silu batchnorm p1", "conv 6 k3 p1 batchnorm silu"),
        ("maxpool 2 s2", "maxpool 2"),
        ("maxpool 2 s1", "maxpool 2 s1"),
        ("avgpool 3x2 s3x2 p1.1.1.1", "avgpool 3x2 p1"),
    ],
)
def test_defaults_are_left_out(text: str, canonical: str) -> None:
    assert str(parse_network(f"1x28x28 | {text}")) == f"1x28x28 | {canonical}"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "", "the network is empty"),
        (" \n ", "", "the network is empty"),
        ("| dense 10", "| dense", "the input is missing"),
        ("1x28x28", "", "the network has no layers"),
        ("28 | dense 10", "28", "'28' is no input; the first part is channels x"),
        ("1@28x28@1 | dense 10", "1@28", "is no input"),
        ("1@28 | dense 10", "1@28", "is no input"),
        ("1@2x99999999999 | dense 10", "1@2", "a number of too many digits"),
        ("lenet", "lenet", "'lenet' is no input"),
        ("1x28x28x1 | dense 10", "1x28", "is no input"),
        ("1x28x28 conv 6 k5", "conv", "a | must follow the input"),
        ("1x28x28, dense 10", ", dense", "a | must follow the input"),
        ("0x28x28 | dense 10", "0x28x28", "the input shape is (0, 28, 28)"),
        ("1x28x28 |", "", "a block has no layers"),
        ("1x28x28 || dense 10", "| dense", "a block has no layers"),
        ("1x28x28 | dense 10,", "", "a layer is missing after the comma"),
        ("1x28x28 | , dense 10", ", dense", "a layer is missing before the comma"),
        ("1x28x28 | conf 6 k5", "conf", "'conf' is no layer (did you mean 'conv'?)"),
        ("1x28x28 | lstm 6", "lstm", "write one of conv, maxpool, avgpool, dense, subsample, rbf."),
        ("1x28x28 | linear 6", "linear", "linear is called dense here; write dense 10."),
        ("1x28x28 | Flatten(), dense 6", "Flatten", "flatten is not written: a dense layer lays"),
        ("1x28x28 | dense 6, dropout 0.5", "dropout", "belongs to the training"),
        ("1x28x28 | dense 6 dropout0.5", "dropout0.5", "a recipe that has dropout=0.5"),
        ("1x28x28 | maxpool 2 dropout", "dropout", "belongs to the training"),
        ("1x28x28 | dense 6 | softmax", "softmax", "it is part of the loss"),
        ("1x28x28 | dense 6 log_softmax", "log_softmax", "turns scores into probabilities"),
        ("1x28x28 | conv 6 k5, LeakyReLU", "LeakyReLU", "behind its layer, as in conv 6 k5 relu"),
        ("1x28x28 | conv 6 k5, BatchNorm2d", "BatchNorm2d", "as in conv 6 k5 batchnorm"),
        ("1x28x28 | conv 6 k5 | gap", "gap", "write avgpool 8 for maps of 8x8"),
        ("1x28x28 | dense 6 linear", "linear", "'linear' does not fit here"),
        ("1x28x28 | conv", "conv", "conv needs its number of channels"),
        ("1x28x28 | conv k5", "k5", "conv needs its number of channels first"),
        ("1x28x28 | conv 5x5 k5", "5x5", "one whole number, not '5x5'"),
        ("1x28x28 | conv 6", "conv", "a convolution needs its kernel; write k5 or k5x3"),
        ("1x28x28 | maxpool k2", "k2", "maxpool needs its window first"),
        ("1x28x28 | maxpool 2x2x2", "2x2x2", "one number or height x width"),
        ("1x28x28 | dense", "dense", "dense needs its number of units"),
        ("1x28x28 | conv 6 k5 sigmod", "sigmod", "(did you mean 'sigmoid'?)"),
        ("1x28x28 | conv 6 k5 leaky_relu", "leaky_relu", "(did you mean 'leaky-relu'?)"),
        ("1x28x28 | conv 6 k5 batch_norm", "batch_norm", "(did you mean 'batchnorm'?)"),
        (
            "1x28x28 | conv 6 k5 batchnorm2d",
            "batchnorm2d",
            "p0.1.0.1; g2; table:lenet-5; batchnorm; an activation",
        ),
        ("1x28x28 | dense 10 batchnorm", "batchnorm", "here; a dense layer takes an activation"),
        ("1x28x28 | maxpool 2 batchnorm", "batchnorm", "here; a max pooling takes s2 or s2x1"),
        ("1x28x28 | conv 6 k", "k", "a convolution takes same; k5 or k5x3; s2 or s2x1; p2, p1x2"),
        ("1x28x28 | conv 6 k5 7", "7", "'7' does not fit here"),
        ("1x28x28 | conv 6 k5x", "k5x", "'k5x' is no kernel; write k5 or k5x3"),
        ("1x28x28 | conv 6 k5 s2x2x2", "s2x2x2", "is no stride"),
        ("1x28x28 | conv 6 k5 p1.2", "p1.2", "is no padding; write p2, p1x2"),
        ("1x28x28 | maxpool 2 relu", "relu", "a max pooling takes s2 or s2x1; p2"),
        ("1x28x28 | maxpool 2 same", "same", "'same' does not fit here"),
        ("1x28x28 | avgpool 2 k2", "k2", "an average pooling takes"),
        ("1x28x28 | dense 10 k5", "k5", "a dense layer takes an activation: identity,"),
        ("1x28x28 | conv 6 k5 s1 k3", "k3", "the kernel is given twice"),
        ("1x28x28 | conv 6 k5 p2 same", "same", "the padding is given twice"),
        ("1x28x28 | conv 6 k5 relu tanh", "tanh", "the activation is given twice"),
        (
            "1x28x28 | conv 6 k5 batchnorm BATCHNORM",
            "BATCH",
            "the batch normalisation is given twice",
        ),
        ("1x28x28 | conv 6 k5 s2 same", "conv", "padding 'same' needs stride 1"),
        ("4x28x28 | conv 6 k5 g4", "conv", "cannot be cut into 4 equal groups"),
        ("4x28x28 | conv 6 k5 g2x2", "g2x2", "is no groups; write g2"),
        ("1x28x28 | conv 0 k5", "conv", "channels is 0; it must be a whole number from 1"),
        ("1x28x28 | maxpool 2 p2", "maxpool", "every side must be smaller than the window"),
        ("1x28x28 | dense 99999999", "dense", "units is 99999999"),
        ("1x28x28 | dense 999999999", "999999999", "too many digits"),
        ("1x28x28 | dense 1_0", "1_0", "one whole number"),
        ("1x28x28 | dense -1", "-1", "one whole number"),
        ("1x28x28 | dense \u0663", "\u0663", "one whole number"),
        ("1x28x28 | conv 6 k\u0663", "k\u0663", "does not fit here"),
        ("1x28x28 | conv 6 \u212a5", "\u212a5", "does not fit here"),
        ("1\u00d728\u00d7\u00b2 | dense 1", "1\u00d7", "is no input"),
    ],
)
def test_errors_name_the_cause_and_the_place(text: str, place: str, message: str) -> None:
    with pytest.raises(NotationError) as caught:
        parse_network(text)
    error = caught.value
    assert message in str(error)
    assert (error.text, error.position) == (text, _place(text, place))
    assert str(error).splitlines()[-1].index("^") == error.position + 2


def _place(text: str, place: str) -> int:
    return text.index(place) if place else len(text.rstrip())


def test_the_place_is_shown_within_a_long_text() -> None:
    with pytest.raises(NotationError) as caught:
        parse_network("1x28x28\n | " + "dense 10,\n" * 1000 + "dense x," + " dense 10" * 500)
    _, line, arrow = str(caught.value).splitlines()
    assert line.startswith("  ...")
    assert line.endswith("...")
    assert len(line) == 78
    assert line[arrow.index("^")] == "x"


def test_escape_codes_are_not_passed_on() -> None:
    with pytest.raises(NotationError) as caught:
        parse_network("1x28x28 | dense 10 \x1b[31mred")
    assert "\x1b" not in str(caught.value)


def test_the_longest_network_can_be_read_back_but_nothing_longer() -> None:
    size = (MAX_SIZE, MAX_SIZE - 1)
    sides = (MAX_SIZE, MAX_SIZE - 1, MAX_SIZE, MAX_SIZE)
    layer = Conv2d(MAX_SIZE, size, size, sides, "leaky-relu", batch_norm=True)
    network = Network((1, 1, 1), [Block([layer])] * MAX_LAYERS)
    assert parse_network(str(network)) == network
    with refused(UsageError, "at most 2,000,000"):
        parse_network("1" * 2_000_001)
    with refused(UsageError, "not 5"):
        parse_network(5)  # type: ignore[arg-type]


@given(st.text("1x28 |,convkdesp0.maxlu\n", max_size=60) | st.text(max_size=30))
def test_any_text_is_a_network_or_a_notation_error(text: str) -> None:
    try:
        network = parse_network(text)
    except NotationError as error:
        place = error.position
    else:
        place = 0
        assert parse_network(str(network)) == network
    assert 0 <= place <= len(text)
