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
    stage_label,
    title,
)
from lenet.net.layers import LAYERS
from lenet.net.notation import parse_network


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
    (found,) = parse_network(f"1x9x9 | {layer}").placed
    assert operation_label(found) == below
    assert box_label(found.layer) == inside


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
    assert title(network, "").startswith("Network: ")
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


def test_no_layer_and_no_field_is_forgotten():
    fields = {field.name for layer in LAYERS.values() for field in layer.fields}
    assert set(OPERATIONS) == set(LAYERS)
    assert set(FACTS) == fields
