"""The change that makes weights of another network agree."""

import pytest

from lenet.analysis.diagnosis.adapt import normalised
from lenet.analysis.diagnosis.weights import reconcile, wanted_shapes
from lenet.net import Network, parse_network

Shapes = list[tuple[str, tuple[int, ...]]]


BODY = "conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | dense 120, dense 84, dense 10"


def shapes_of(network: Network) -> Shapes:
    """The tensors that a file of ``network`` holds."""
    found: Shapes = []
    for place, shape in wanted_shapes(network).items():
        name = network.names[place]
        found += [(f"{name}.bias", shape[:1]), (f"{name}.weight", shape)]
        if normalised(network.layers[place]):
            found += [(f"{name}.{word}", shape[:1]) for word in ("scale", "mean", "variance")]
    return found


def whats(given: str, wanted: str) -> list[str]:
    """The fixes of one network for the weights of another."""
    shapes = shapes_of(parse_network(wanted))
    found = reconcile(parse_network(given), shapes)
    for fix in found.fixes:
        assert reconcile(fix.network, shapes).agrees
    return [fix.what for fix in found.fixes]


@pytest.mark.parametrize(
    ("weights", "fix"),
    [
        (f"3x28x28 | {BODY}", "start from 3 channels"),
        (f"1x28x28 | {BODY}".replace("v 6 k5", "v 6 k3"), "use a 3x3 kernel in conv0"),
        (f"1x28x28 | {BODY}".replace("conv 16", "conv 20"), "give conv1 20 channels"),
        (f"1x28x28 | {BODY}".replace("dense 10", "dense 26"), "give dense2 26 units"),
        (f"1x28x28 | {BODY}".replace("84", "60"), "give dense1 60 units"),
        (f"1x28x28 | {BODY}".replace("dense 84, ", ""), "drop dense1"),
        (f"1x28x28 | {BODY}".replace("84,", "84, dense 30,"), "add dense 30 relu before dense2"),
        (f"1x28x28 | {BODY}, dense 3", "add dense 3 at the end"),
        (f"1x28x28 | {BODY}".replace("k5", "k5 batchnorm"), "normalise conv0 and conv1"),
        (
            f"1x28x28 | {BODY}".replace("v 6 k5", "v 6 k3 batchnorm"),
            "use a 3x3 kernel in conv0, normalise conv0",
        ),
        (
            f"1x28x28 | {BODY}".replace("| dense 120", "| conv 8 k3 batchnorm | dense 120"),
            "add conv 8 k3 batchnorm relu before dense0",
        ),
        (
            f"1x28x28 | {BODY}".replace("| dense 120", "| conv 8 k3 | dense 120"),
            "add conv 8 k3 relu before dense0",
        ),
        (f"1x28x28 | {BODY}".replace("k5, maxpool 2 | d", "k5 | d"), "start from 44x44"),
        ("1x28x28 | dense 120, dense 84, dense 10", "drop conv0 and pool0, drop conv1 and pool1"),
        (
            f"3x32x32 | {BODY}".replace("dense 10", "dense 5"),
            "start from 3 channels, give dense2 5 units, start from 32x32",
        ),
    ],
)
def test_the_first_fix(weights: str, fix: str) -> None:
    assert whats(f"1x28x28 | {BODY}", weights)[0] == fix


def test_weights_that_are_not_normalised() -> None:
    one = f"1x28x28 | {BODY}".replace("v 6 k5", "v 6 k5 batchnorm")
    assert whats(one, f"1x28x28 | {BODY}") == ["do not normalise conv0"]
    other = f"1x28x28 | {BODY}".replace("16 k5", "16 k5 batchnorm")
    assert whats(one, other) == ["normalise conv1, do not normalise conv0"]


def test_every_change_of_sizes_that_helps() -> None:
    unpooled = f"1x28x28 | {BODY}".replace("k5, maxpool 2 | d", "k5 | d")
    assert whats(f"1x28x28 | {BODY}", unpooled)[1:] == ["give conv1 padding 4", "drop pool1"]
    # 16 maps of 10x16 come from 4x40 as well, and no input of one side 28 or 30 gives 16x10x17.
    assert whats(f"1x28x30 | {BODY}", f"1x52x76 | {BODY}")[1] == "start from 28x172"
    assert whats(f"1x28x30 | {BODY}", f"1x52x80 | {BODY}") == []
    assert "start from 28x36" in whats(f"1x28x30 | {BODY}", f"1x28x36 | {BODY}")
