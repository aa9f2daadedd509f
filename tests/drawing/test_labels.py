"""The words in the pictures."""

import pytest

import lenet
from lenet.drawing.labels import (
    FACTS,
    OPERATIONS,
    block_label,
    box_label,
    description,
    layer_title,
    operation_label,
    read_names,
    renamed,
    stage_label,
    title,
)
from lenet.errors import UsageError
from lenet.net.layers import LAYERS
from lenet.net.notation import parse_network
from refusals import refused


@pytest.mark.parametrize(
    ("layer", "below", "inside"),
    [
        ("conv 6 k5", ("Convolutions", "5x5, stride 1"), "5x5, stride 1, padding 0"),
        (
            "conv 6 k5x3 s2x1 p2 relu",
            ("Convolutions", "5x3, stride 2x1", "padding 2", "relu"),
            "5x3, stride 2x1, padding 2, relu",
        ),
        (
            "conv 6 k3 p0.1.0.1",
            ("Convolutions", "3x3, stride 1", "padding 0.1.0.1"),
            "3x3, stride 1, padding 0.1.0.1",
        ),
        (
            "conv 6 k3 batchnorm silu",
            ("Convolutions", "3x3, stride 1", "batch norm", "silu"),
            "3x3, stride 1, padding 0, batch norm, silu",
        ),
        ("avgpool 9", ("Global average pooling", "9x9, stride 9"), "9x9, stride 9, padding 0"),
        ("maxpool 2", ("Max pooling", "2x2, stride 2"), "2x2, stride 2, padding 0"),
        ("avgpool 3x2 s1", ("Average pooling", "3x2, stride 1"), "3x2, stride 1, padding 0"),
        ("dense 84 sigmoid", ("Full connection", "sigmoid"), "84 units, sigmoid"),
        ("dense 1", ("Full connection",), "1 unit"),
    ],
)
def test_a_layer(layer, below, inside):
    (placed,) = parse_network(f"1x9x9 | {layer}").placed
    assert operation_label(placed) == below
    assert box_label(placed.layer) == inside


def test_labels_are_in_the_papers_manner():
    assert stage_label("conv0", (6, 24, 24)) == ("conv0", "feature maps", "6@24x24")
    assert stage_label("conv0", (1, 24, 24)) == ("conv0", "feature map", "1@24x24")
    assert stage_label("input", (3, 28, 28)) == ("input", "image", "3@28x28")
    assert stage_label("dense0", (1200,)) == ("dense0", "layer", "1,200")
    assert stage_label("dense2", (10,), is_output=True) == ("dense2", "output", "10")


def test_a_repeated_block_says_so():
    network = lenet.zoo.lenet()
    assert block_label(network, 0) == ("block 1", "1")
    assert block_label(network, 1) == ("block 2 = block 1 again", "block 2 = 1", "2 = 1")


def test_the_picture_in_words():
    network = lenet.zoo.lenet()
    assert title(network, "lenet") == "lenet: 1@28x28 to 10 in 5 layers"
    # What has no name is called by what it does.
    assert title(network, "") == "1@28x28 to 10 in 5 layers"
    assert layer_title(network.placed[0]) == (
        "conv0: convolution, 5x5, stride 1, padding 0, sigmoid; 1@28x28 to 6@24x24; "
        "156 parameters, 86,400 multiply-adds."
    )
    pooled = lenet.parse("1x8x8 | conv 2 k1 batchnorm, avgpool 8").placed
    assert layer_title(pooled[0]) == (
        "conv0: convolution, 1x1, stride 1, padding 0, batch norm; 1@8x8 to 2@8x8; 6 parameters, "
        "128 multiply-adds."
    )
    assert layer_title(pooled[1]).startswith("pool0: global average pooling, 8x8, stride 8")
    words = description(network)
    assert all(name in words for name in ("conv0", "pool1", "dense2", "44,426", "281,640"))
    assert "pool0: max pooling, 2x2, stride 2, padding 0; 6@24x24 to 6@12x12; nothing" in words
    assert description(network, note="Not to scale.").endswith("multiply-adds. Not to scale.")


PAPER = ("C1", "S2", "C3", "S4", "C5", "F6", "OUT")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("C1,S2,C3,S4,C5,F6,OUT", PAPER),
        (" C1, S2,C3 ,S4,\tC5,F6,OUT\n", PAPER),
        (PAPER, PAPER),
        (iter(PAPER), PAPER),
        ("C1,S2,C3,S4,C5,F6", (*PAPER[:-1], "output")),
        ("a  b,S2,C3,S4,C5,F6,OUT", ("a b", *PAPER[1:])),
        ("x" * 40 + ",図,<&>,\\,%,#,~", ("x" * 40, "図", "<&>", "\\", "%", "#", "~")),
        ("", lenet.zoo.lenet().names),
        ((), lenet.zoo.lenet().names),
    ],
)
def test_names_of_ones_own(given, read):
    assert read_names(given, lenet.zoo.lenet()) == read


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("C1,S2", ["2 names for 7 layers", "conv0, pool0, conv1", "one for each layer"]),
        (["a"] * 8, ["8 names for 7 layers"]),
        ("C1,,C3,S4,C5,F6,OUT", ["name 2 is ''", "1 to 40 characters"]),
        (["a"] * 6 + ["b" * 41], ["name 7 is 'bbb"]),
        ([None] * 7, ["name 1 is None"]),
        (7, ["names is 7", "commas"]),
    ],
)
def test_names_that_do_not_belong(given, words):
    with refused(UsageError, *words) as caught:
        read_names(given, lenet.zoo.lenet())
    assert caught.value.parameter == "names"


def test_a_layer_that_is_the_only_one_keeps_a_name():
    assert read_names("F1", parse_network("1x9x9 | dense 2")) == ("F1",)
    many = parse_network("1x9x9 | " + ", ".join(["conv 1 k1"] * 30))
    with refused(UsageError, "(conv0 to conv29)"):
        read_names("a", many)


def test_names_stand_in_every_sentence():
    network = lenet.zoo.lenet()
    assert [placed.name for placed in renamed(network, PAPER)] == list(PAPER)
    assert renamed(network) == network.placed
    words = description(network, PAPER)
    assert "S4: max pooling" in words
    assert "pool1" not in words
    assert stage_label("output", (10,), is_output=True) == ("output", "layer", "10")


def test_no_layer_and_no_field_is_forgotten():
    fields = {field.name for layer in LAYERS.values() for field in layer.fields}
    assert set(OPERATIONS) == set(LAYERS)
    assert set(FACTS) == fields
