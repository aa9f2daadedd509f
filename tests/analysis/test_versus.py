"""Dense against convolution: the article's 3 GB, and what a convolution does not save."""

import json

import pytest

import lenet
from lenet.analysis import render
from lenet.analysis.versus import dense_versus_conv
from lenet.errors import UsageError
from lenet.writing import FORMATS
from pages import read_page
from refusals import refused


def test_the_articles_image() -> None:
    found = dense_versus_conv("3x1000x1000", units=256)
    dense, conv, small = found.dense, found.conv, found.small
    assert dense.counts.weights == 768_000_000
    assert dense.weights == 4 * 768_000_256
    assert dense.training("sgd") == 2 * dense.weights
    assert dense.training("adamw") == 4 * dense.weights
    assert (conv.counts.parameters, conv.weights) == (19_456, 77_824)
    assert conv.activations == 1_024_000_000
    assert dense.activations == 1024
    assert small is not None
    assert small.name == "lenet-60"
    assert small.network.blocks == lenet.zoo.get("lenet-60").blocks
    text = " ".join(str(found).split())
    for words in (
        "768,000,000 weights: 3.07 GB, with",
        "gradients 6.14 GB",
        "AdamW's state 12.3",
        "19,456 parameters, 77.8 kB",
        "A convolution saves weights, not activations: it gives 256@1000x1000, 1.02 GB",
    ):
        assert words in text


def test_the_table_fits_80_columns() -> None:
    assert max(map(len, str(dense_versus_conv("3x1000x1000")).splitlines())) <= 80


def test_as_json() -> None:
    document = dense_versus_conv((1, 28, 28), units=10, kernel_size=3).to_dict()
    assert json.loads(json.dumps(document)) == document
    dense, conv, _ = document["cases"]
    assert dense["network"] == "1x28x28 | dense 10"
    assert conv["network"] == "1x28x28 | conv 10 k3 p1"
    assert dense["training_bytes"] == {
        "sgd": 62_800,
        "momentum": 94_200,
        "nesterov": 94_200,
        "adamw": 125_600,
        "levenberg-marquardt": 94_200,
    }
    assert dense["momentum_bytes"] == dense["weight_bytes"] == 31_400
    assert conv["activation_bytes"] == 4 * 10 * 28 * 28
    page = read_page("explain.md")
    for key in [*document, *dense, *dense["training_bytes"]]:
        assert f"`{key}`" in page, key


@pytest.mark.parametrize("text", ["1000x1000x3", "480x640x3", "28x28x1"])
def test_channels_last_are_refused(text: str) -> None:
    image, _, channels = text.rpartition("x")
    for given in (text, tuple(map(int, text.split("x")))):
        with refused(UsageError, f"did you mean {channels}x{image}?") as caught:
            dense_versus_conv(given)
        assert caught.value.parameter == "input_shape"


def test_every_spelling_of_an_image() -> None:
    for text in ("1x28x28", "1@28x28", "28x28", "28x28@1"):
        assert dense_versus_conv(text, units=9).dense.network.input_shape == (1, 28, 28)
    found = dense_versus_conv("28@28x1", units=10)
    assert str(found.conv.network) == "28@28x1 | conv 10 k5 p2"
    assert "28@28x1 in, float32" in str(found)


def test_a_small_image() -> None:
    found = dense_versus_conv("1x4x4", units=10)
    assert found.small is None
    assert [case["name"] for case in found.to_dict()["cases"]] == ["dense 10", "conv 10 k5"]
    text = " ".join(str(found).split())
    assert "no fewer: the image has no more pixels than the kernel" in text
    assert "saves weights" not in text
    assert "lenet-60 does not fit on 1@4x4." in text


def test_one_unit_is_one() -> None:
    text = " ".join(str(dense_versus_conv("1x1x1", units=1)).split())
    assert "Dense: 1 unit times 1 number of the image are 1 weight: 8 B, with" in text
    assert "Convolution: 1 kernel used at every place has 26 parameters, no fewer: the" in text


def test_the_largest_image() -> None:
    text = str(dense_versus_conv("3x100000x100000", units=1000))
    assert "30,000,000,000,000 weights: 120 TB" in " ".join(text.split())


@pytest.mark.parametrize(("shape", "units"), [("3x", 1), ("0x1x1", 1), ("1x1x1", 0)])
def test_what_is_out_of_range(shape: str, units: int) -> None:
    with pytest.raises(UsageError):
        dense_versus_conv(shape, units=units)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format(form: str) -> None:
    text = render(dense_versus_conv("1x28x28", units=10), form)
    assert "conv 10 k5" in text
    assert "7850" in text.replace(",", "")
