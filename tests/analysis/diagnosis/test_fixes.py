"""Changes that make a network fit: each is tried again here."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis.diagnosis.problem import diagnose, explain_misfit
from lenet.errors import ShapeError
from lenet.net import (
    AvgPool2d,
    Conv2d,
    Dense,
    Layer,
    MaxPool2d,
    Network,
    parse_network,
)


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


def fits(network: Network) -> bool:
    try:
        return bool(network.placed)
    except ShapeError:
        return False


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


def test_what_comes_behind_a_first_dense_layer_may_go_before_it() -> None:
    found = diagnose("1x3x3 | dense 1 | conv 6 k5 | dense 10")
    assert [fix.what for fix in found.fixes] == [
        "put conv0 before dense0, then give conv0 padding 1",
        "drop conv0",
        "drop dense0, then give conv0 padding 1",
    ]
