"""``lenet.compare``: what differs, and the result as text and JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis import count_network, render
from lenet.analysis.comparison import compare
from lenet.errors import UsageError
from lenet.net import Network, parse_network, zoo
from lenet.writing import FORMATS
from pages import read_page
from random_networks import networks
from refusals import refused

PAGE = read_page("compare.md")
TEXT = """\
                 lenet    lenet-60
input            1@28x28  1@28x28
output           10       10
layers           5        4
parameters       44,426   18,602 0.42x
multiply-adds    281,640  255,960 0.91x
activations      5,814    5,670 0.98x
memory in use    195 kB   91.7 kB 0.47x
in training      7.40 MB  7.04 MB 0.95x
receptive field  16x16    16x16

layer   lenet    lenet-60
conv0   6@24x24  6@24x24
pool0   6@12x12  6@12x12
conv1   16@8x8   16@8x8
pool1   16@4x4   16@4x4
dense0  120      -
dense1  84       60
dense2  10       10

lenet -> lenet-60
  - dense0           dense 120 sigmoid
    dense1 (dense0)  units 84 -> 60

Memory in use is for one image, in training for 256 with plain SGD; ratios are
to the first network."""


def test_the_text() -> None:
    assert str(compare("lenet", "lenet-60")) == TEXT


def test_added_layers_have_a_row_of_their_own() -> None:
    text = str(compare("1x9x9 | dense 5", "1x9x9 | conv 2 k3 | dense 5", "1x9x9 | maxpool 3"))
    assert "\n+ conv0  -  2@7x7  -\ndense0   5  5      -\n+ pool0  -  -      1@3x3\n" in text
    assert "\n  + pool0   maxpool 3" in text


def test_more_than_four_are_a_list() -> None:
    text = str(compare(*["lenet"] * 5))
    assert text.count("  parameters       44,426\n") == 5
    assert text.count("the same input and layers") == 4


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_zoo_fits_80_columns(count: int) -> None:
    lines = str(compare(*zoo.names()[:count])).splitlines()
    assert max(map(len, lines)) <= 80
    assert not any(line != line.rstrip() for line in lines)


@given(st.lists(networks(ends_dense=False), min_size=2, max_size=5), st.integers(20, 120))
def test_any_networks_in_any_width(some: list[Network], width: int) -> None:
    found = compare(*some)
    assert render(found, "text", width)
    document = json.loads(json.dumps(found.to_dict()))
    for network, values in zip(some, document["networks"], strict=True):
        assert parse_network(values["network"]) == network
        assert values["parameters"] == count_network(network).parameters
    for network, one in zip(some[1:], found.differences, strict=True):
        same = network.input_shape == some[0].input_shape and network.layers == some[0].layers
        assert same == (not one)


def test_ratios_have_three_digits() -> None:
    text = str(compare("1x1x1 | dense 1", "1x100000x100000 | dense 100"))
    assert "1,000,000,000,100 5.00e11x\n" in text


def test_as_json() -> None:
    document = compare("lenet", "1x28x28 | maxpool 2 | dense 10").to_dict()
    assert json.loads(json.dumps(document)) == document
    first, other = document.pop("networks")
    assert first["ratios"] == dict.fromkeys(first["ratios"], 1.0)
    assert other == {
        "name": "B",
        "network": "1x28x28 | maxpool 2 | dense 10",
        "input_shape": [1, 28, 28],
        "output_shape": [10],
        "layer_count": 1,
        "parameters": 1970,
        "multiply_adds": 1960,
        "activations": 206,
        "inference_bytes": 4 * (1970 + 784 + 196),
        "training_bytes": 8 * 1970 + 256 * (4 * 196 + 196 + 40),
        "training_batch": 256,
        "receptive_field": [2, 2],
        "ratios": {name: other[name] / first[name] for name in other["ratios"]},
    }
    assert (document["format"], document["version"]) == ("lenet-comparison", 1)
    (difference,) = document["differences"]
    assert difference["name"] == "B"
    assert difference["layers"][0] == {
        "first": "conv0",
        "other": None,
        "kind": "dropped",
        "what": "conv 6 k5 sigmoid",
    }
    for key in [*document, *other, *difference, *difference["layers"][0]]:
        assert f"`{key}`" in PAGE, key


def test_no_ratio_to_nothing() -> None:
    networks = compare("1x8x8 | maxpool 2", "lenet").to_dict()["networks"]
    assert [one["ratios"]["parameters"] for one in networks] == [None, None]


def changes(first: str, other: str) -> list[str]:
    (found,) = compare(parse_network(first), parse_network(other)).differences
    return [f"{one.kind} {one.first or one.other}: {one.what}" for one in found]


@pytest.mark.parametrize(
    ("first", "other", "found"),
    [
        ("1x9x9 | dense 10", "1x9x9 | dense 10", []),
        ("1x9x9 | dense 10", "3x9x9 | dense 10", ["changed input: 1@9x9 -> 3@9x9"]),
        ("1x9x9 | dense 120 relu", "1x9x9 | dense 60 tanh",
         ["changed dense0: units 120 -> 60, activation relu -> tanh"]),
        ("1x9x9 | conv 6 k5", "1x9x9 | conv 1,6 k3 s2 p1".replace("1,6", "16"),
         ["changed conv0: channels 6 -> 16, kernel 5 -> 3, stride 1 -> 2, padding 0 -> 1"]),
        ("1x9x9 | conv 6 k5 relu", "1x9x9 | conv 6 k5 batchnorm silu",
         ["changed conv0: batch normalisation no -> yes, activation relu -> silu"]),
        ("1x9x9 | maxpool 2", "1x9x9 | avgpool 3x2 s1",
         ["changed pool0: maxpool -> avgpool, window 2 -> 3x2, stride 2 -> 1"]),
        ("1x9x9 | conv 6 k5 | dense 10", "1x9x9 | dense 5 relu, dense 10",
         ["dropped conv0: conv 6 k5", "added dense0: dense 5 relu"]),
        ("1x9x9 | dense 9, dense 8, dense 7", "1x9x9 | dense 9, dense 7",
         ["dropped dense1: dense 8"]),
    ],
)  # fmt: skip
def test_what_differs(first: str, other: str, found: list[str]) -> None:
    assert changes(first, other) == found


def test_names() -> None:
    net, own = zoo.lenet(), parse_network("1x9x9 | dense 9, dense 8")
    assert [c.name for c in compare(own, own, own).columns] == ["A", "B", "C"]
    assert [c.name for c in compare("lenet", net, own).columns] == ["lenet", "lenet (2)", "C"]
    assert [c.name for c in compare(net, net, names=("x", "y")).columns] == ["x", "y"]
    with refused(UsageError, "3 names"):
        compare(net, net, names=("x", "y", "z"))
    with refused(UsageError, "names is 1"):
        compare(net, net, names=[1, 2])  # type: ignore[list-item]
    with refused(UsageError, "not 1"):
        compare(net)
    with refused(UsageError, "5"):
        compare(net, 5)  # type: ignore[arg-type]


def test_long_networks() -> None:
    text = "3x40x40" + " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense {}, dense 9"
    assert len(compare(text.format(9), text.format(8)).differences[0]) == 1
    assert compare(text.format(9).replace("64", "63"), text.format(8))
    most = [
        Network((1, 9, 9), parse_network("1x9x9 | dense 9, dense 8").layers * n) for n in (2, 900)
    ]
    assert compare(*most)
    assert compare(Network((1, 9, 9), most[1].layers[::-1]), most[1])


def test_another_input_batch_and_optimizer() -> None:
    found = compare("lenet", "lenet-60", input_shape="1x32x32", batch=8, optimizer="nesterov")
    first, other = found.to_dict()["networks"]
    assert (first["input_shape"], first["training_batch"]) == ([1, 32, 32], 8)
    assert other["training_bytes"] == found.columns[1].memory.training(8)
    assert "in training for 8 with nesterov" in " ".join(str(found).split())


@pytest.mark.parametrize("form", FORMATS)
def test_every_format(form: str) -> None:
    text = render(compare("lenet", "lenet-60"), form)
    assert "18602" in text.replace(",", "")
    if form != "csv":
        assert "84 -> 60" in text.replace("&gt;", ">").replace(r"$\to$", "->")
