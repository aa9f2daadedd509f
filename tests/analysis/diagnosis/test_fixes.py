"""Networks that do not fit: why, and changes that make them fit, each tried again here."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis.diagnosis import diagnose, explain_misfit
from lenet.analysis.diagnosis.fixes import least_sizes
from lenet.errors import ShapeError, UsageError
from lenet.net import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Network, parse_network
from lenet.writing import render
from pages import read_page
from random_networks import networks
from refusals import refused

DEEP = "1x28x28 | conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | conv 32 k5, maxpool 2 | dense 10"


DEEP_TEXT = """\
conv2 gets 16@4x4 and its 5x5 kernel does not fit: (4 - 5 + 0 + 1) / 1 = 0.
Any one of these makes it fit (each was tried):
  1  give conv2 padding 1       16@4x4 -> 32@2x2
  2  use a 3x3 kernel in conv2  16@4x4 -> 32@2x2
  3  drop pool1                 16@8x8 -> 32@4x4
  4  give conv1 padding 2       16@6x6 -> 32@2x2
  5  drop conv2
  6  start from 36x36 or more   16@6x6 -> 32@2x2
The first, to copy and change (--fix 2 prints the second, and so on):
  1x28x28
  | conv 6 k5, maxpool 2
  | conv 16 k5, maxpool 2
  | conv 32 k5 p1, maxpool 2
  | dense 10"""


def test_the_text() -> None:
    assert str(diagnose(DEEP)) == DEEP_TEXT


def test_what_books_do_with_a_lenet_for_32x32() -> None:
    """LeNet-5 on the digits' 28x28: padding 2 in the first convolution, and all is as before."""
    found = diagnose("1x28x28 | conv 6 k5, avgpool 2, conv 16 k5, avgpool 2, conv 120 k5 | dense 9")
    effects = {fix.what: fix.effect for fix in found.fixes}
    assert effects["give conv0 padding 2"] == "16@5x5 -> 120@1x1"
    assert list(effects).index("give conv0 padding 2") == 4  # behind the nearest of each kind
    assert "give conv0 padding 4" not in {fix.what for fix in diagnose(DEEP).fixes}  # of 5
    pooled = diagnose("1x12x12 | conv 6 k5, maxpool 2, conv 16 k3, maxpool 4 | dense 9")
    assert "give conv0 padding 2" in {fix.what for fix in pooled.fixes}


def test_a_network_that_fits_says_what_comes_out() -> None:
    assert str(diagnose("lenet")) == (
        "lenet fits: 1@28x28 in, 10 out.\n"
        "1@28x28 -> 6@24x24 -> 6@12x12 -> 16@8x8 -> 16@4x4 -> 120 -> 84 -> 10\n"
        "It fits every input of 16x16 or more."
    )
    assert diagnose("1x8x8 | dense 10").fits


def test_a_page() -> None:
    html = render(diagnose(DEEP), "html")
    assert "<td>give conv2 padding 1</td>" in html
    assert diagnose(DEEP)._repr_html_() in html
    assert "<title>network</title>" in html


def test_another_input() -> None:
    assert diagnose("lenet", input_shape=(3, 16, 16)).fits
    found = diagnose("lenet", input_shape=(3, 16, 15))
    assert found.layer == "pool1"
    assert found.problem == (
        "pool1 gets 16@2x1 and its 2x2 window does not fit the width: "
        "floor((1 - 2 + 0 + 2) / 2) = 0."
    )
    assert diagnose("lenet", input_shape="3x16x15") == found
    for shape in ((3, 0, 16), "16"):
        with refused(UsageError, "16"):
            diagnose("lenet", input_shape=shape)


def test_maps_after_a_dense_layer() -> None:
    found = diagnose("1x9x9 | dense 20, dense 5, conv 16 k5, avgpool 2 | dense 10")
    assert found.problem == (
        "conv0 is a convolution and needs feature maps (channels, height, width), but a "
        "dense layer before it leaves only 5 numbers."
    )
    assert found.least_input is None
    assert found.fixes[0].what == "put conv0 and pool0 before dense0"
    assert str(found.fixes[0].network) == (
        "1x9x9 | conv 16 k5, avgpool 2 | dense 20, dense 5, dense 10"
    )
    assert "needs feature maps" in diagnose("1x9x9 | dense 20, avgpool 2").problem
    assert "pool0 is an average pooling" in diagnose("1x9x9 | dense 20, avgpool 2").problem


def test_an_error_without_its_network_keeps_its_sentence() -> None:
    assert explain_misfit(ShapeError("conv0 does not fit.", "conv0")) == "conv0 does not fit."


def test_the_error_of_every_command() -> None:
    with pytest.raises(ShapeError) as caught:
        _ = parse_network(DEEP).placed
    text = explain_misfit(caught.value)
    assert text.startswith("conv2 gets 16@4x4 and its 5x5 kernel does not fit:\n(4 - 5 + 0 + 1)")
    assert "\n  1  give conv2 padding 1       16@4x4 -> 32@2x2\n" in text
    assert parse_network(text.partition("copy and change:\n")[2]).placed


def test_the_first_line_leaves_room_for_the_commands_name() -> None:
    with pytest.raises(ShapeError) as caught:
        _ = parse_network("1x9x9 | dense 20, avgpool 2").placed
    lines = f"lenet: {explain_misfit(caught.value)}".splitlines()
    assert lines[:2] == [
        "lenet: pool0 is an average pooling and needs feature maps (channels, height,",
        "width), but a dense layer before it leaves only 20 numbers.",
    ]
    with pytest.raises(ShapeError) as caught:
        _ = parse_network("6x9x10 | conv 16 k11x3 s3x2 p0.1.0.0").placed
    # A formula is not torn apart.
    assert explain_misfit(caught.value).splitlines()[:2] == [
        "conv0 gets 6@9x10 and its 11x3 kernel does not fit the height:",
        "floor((9 - 11 + 1 + 3) / 3) = 0.",
    ]


def test_large_numbers_neither_overflow_nor_hang() -> None:
    found = diagnose(Network((1, 100_000, 100_000), [MaxPool2d(10)] * 6 + [Dense(10**6)]))
    assert found.fixes[0].what == "drop pool5"
    huge = diagnose(Network((1, 5, 5), [Conv2d(10**6, 10**7), MaxPool2d(10**7), Dense(10)]))
    assert all(fits(fix.network) for fix in huge.fixes)
    assert diagnose("3x60x60" + " | conv 64 k3 relu, conv 64 k3 relu" * 49 + " | dense 9").fixes


def fits(network: Network) -> bool:
    try:
        return bool(network.placed)
    except ShapeError:
        return False


def _drawn(random: Random) -> Network:
    """Layers that were never asked whether they fit."""
    layers: list[Layer] = []
    for _ in range(random.randint(1, 7)):
        kernel = random.choice((1, 2, 3, 3, 5, 7, (3, 1), (2, 5)))
        stride = random.choice((1, 1, 2, 3, (1, 2)))
        padding = random.choice((0, 0, 0, 1, (0, 1, 1, 0)))
        match random.randint(0, 9):
            case 0:
                layers.append(Dense(random.randint(1, 9)))
            case 1 | 2 | 3:
                window = random.choice((2, 3, (2, 1)))
                layers.append(random.choice((MaxPool2d, AvgPool2d))(window))
            case _:
                layers.append(Conv2d(random.randint(1, 9), kernel, stride, padding))
    size = random.randint(1, 16), random.choice((1, 8, 16))
    return Network((random.randint(1, 3), *size), [*layers, Dense(10)])


def drawn_networks() -> st.SearchStrategy[Network]:
    return st.randoms(use_true_random=False).map(_drawn)


@pytest.mark.parametrize(
    ("text", "fixes"),
    [
        ("1x8x8 | conv 2 k3, maxpool 4, maxpool 2 | dense 9", ["drop pool1", "give conv0 padding 1",
         "use a 3x3 window in pool0", "drop conv0", "start from 10x10 or more"]),
        ("1x8x8 | conv 6 k5, maxpool 2, maxpool 2, maxpool 2, maxpool 2 | dense 10",
         ["drop pool2 and pool3", "start from 20x20 or more"]),
        ("1x9x90 | conv 2 k5 | conv 2 k7 | dense 10",
         ["give conv1 padding 1x0", "use a 5x5 kernel in conv1", "give conv0 padding 1x0",
          "use a 3x3 kernel in conv0", "drop conv1", "start from 11x90 or more"]),
        ("1x9x9 | conv 2 k3 s4, conv 2 k3 | dense 9",
         ["give conv1 padding 1", "use a 1x1 kernel in conv1", "give conv0 padding 1", "drop conv1",
          "give conv0 stride 3", "start from 11x11 or more"]),
        ("1x1x1 | maxpool 2", ["start from 2x2 or more"]),
        ("1x1x1 | maxpool 3, dense 10",
         ["drop pool0", "give pool0 padding 1", "start from 3x3 or more"]),
        ("1x9x9 | conv 2 k3, dense 20 relu, conv 16 k5, maxpool 2 | dense 10",
         ["put conv1 and pool0 before dense0", "drop conv1 and pool0", "drop dense0",
          "make dense0 a 1x1 convolution"]),
        ("1x9x9 | rbf 3, maxpool 2", ["put pool0 before rbf0", "drop pool0", "drop rbf0"]),
        ("1x9x9 | dense 4, rbf 3, conv 2 k1",
         ["put conv0 before dense0", "drop conv0", "drop dense0 and rbf0"]),
    ],
)  # fmt: skip
def test_the_fixes_and_their_order(text: str, fixes: list[str]) -> None:
    assert [fix.what for fix in diagnose(text).fixes] == fixes


def test_a_change_of_order_is_followed_by_what_sizes_need() -> None:
    found = diagnose("1x3x3 | conv 6 k5, dense 20 relu, conv 16 k5 | dense 10")
    assert found.fixes[0].what == "put conv1 before dense0, then give conv0 padding 3"


@given(drawn_networks())
def test_every_fix_fits_reads_back_and_changes_something(network: Network) -> None:
    found = diagnose(network)
    assert found.fits == fits(network)
    assert bool(found.fixes) == (not found.fits)
    for fix in found.fixes:
        assert fits(fix.network)
        assert fix.network != network
        assert parse_network(str(fix.network)) == fix.network
    assert len({fix.network for fix in found.fixes}) == len(found.fixes)
    assert len({fix.what for fix in found.fixes}) == len(found.fixes)
    json.dumps(found.to_dict())
    if not found.fits:
        with pytest.raises(ShapeError) as caught:
            _ = network.placed
        assert caught.value.network is network
        assert explain_misfit(caught.value).startswith(f"{found.layer} ")


@pytest.mark.parametrize(
    ("network", "what"),
    [
        ("1x28x28 | conv 4 k3 g4 | dense 10", "give conv0 1 group"),
        ("4x9x9 | conv 6 k3, conv 8 k3 g4 | dense 10", "give conv1 2 groups"),
        ("4x9x9 | conv 6 k3, conv 12 k3 g12 | dense 10", "give conv1 6 groups"),
    ],
)
def test_groups_that_do_not_divide_the_channels(network: str, what: str) -> None:
    found = diagnose(network)
    assert found.fixes[0].what == what
    assert "equal groups of channels" in found.problem


def test_what_comes_behind_a_first_dense_layer_may_go_before_it() -> None:
    found = diagnose("1x3x3 | dense 1 | conv 6 k5 | dense 10")
    assert [fix.what for fix in found.fixes] == [
        "put conv0 before dense0, then give conv0 padding 1",
        "drop conv0",
        "drop dense0, then give conv0 padding 1",
    ]


@given(networks(ends_dense=False, window=7, maps=7))
def test_the_least_input_is_the_least(network: Network) -> None:
    height, width = least_sizes(network.layers)[0]
    channels = network.input_shape[0]
    assert fits(network.on((channels, height, width)))
    for smaller in ((height - 1, width), (height, width - 1)):
        assert min(smaller) == 0 or not fits(network.on((channels, *smaller)))


@given(networks(ends_dense=False), st.integers(0, 9), st.integers(0, 9))
def test_a_larger_input_never_fits_worse(network: Network, taller: int, wider: int) -> None:
    channels, height, width = network.input_shape
    assert fits(network.on((channels, height + taller, width + wider)))
    least = least_sizes(network.layers)[0]
    assert least[0] <= height
    assert least[1] <= width


def test_as_json() -> None:
    page = read_page("diagnose.md")
    document = diagnose("1x9x8 | conv 2 k5 | conv 2 k5 | dense 10", name="mine").to_dict()
    assert json.loads(json.dumps(document)) == document
    fixes = document.pop("fixes")
    assert document == {
        "format": "lenet-diagnosis",
        "version": 1,
        "name": "mine",
        "network": "1x9x8 | conv 2 k5 | conv 2 k5 | dense 10",
        "fits": False,
        "input_shape": [1, 9, 8],
        "output_shape": None,
        "least_input": [9, 9],
        "layer": "conv1",
        "problem": "conv1 gets 2@5x4 and its 5x5 kernel does not fit the width: "
        "(4 - 5 + 0 + 1) / 1 = 0.",
    }
    assert fixes[0] == {
        "what": "give conv1 padding 0x1",
        "effect": "2@5x4 -> 2@1x2",
        "network": "1x9x8 | conv 2 k5 | conv 2 k5 p0x1 | dense 10",
    }
    assert all(f"`{key}`" in page for key in [*document, "fixes", *fixes[0]])
    assert diagnose("lenet").to_dict()["output_shape"] == [10]


@pytest.mark.parametrize(
    "text", ["3x8x8 | conv 4 k3 g2 | dense 10", "1x28x28 | conv 16 k5 table:lenet-5 | dense 10"]
)
def test_no_size_fits_channels_that_do_not(text: str) -> None:
    assert diagnose(text).least_input is None
    assert diagnose(text).fixes
