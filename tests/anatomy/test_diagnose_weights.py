"""Weights that belong to another network: what differs, and the change that makes them agree."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.anatomy.diagnose_weights import reconcile, reconciliation_dict, wanted_shapes
from lenet.errors import UsageError
from lenet.net import Network, parse_network, zoo
from random_networks import networks

Shapes = list[tuple[str, tuple[int, ...]]]

BODY = "conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | dense 120, dense 84, dense 10"
CLASSIC = """\
dense0.weight is (120, 400) and the network wants (120, 256).
400 inputs are 16@5x5, and the network makes 16@4x4.
Any one of these makes all 5 weights agree (each was tried):
  1  start from 32x32
  2  give conv0 padding 2
  3  give conv0 padding 3
  4  give conv1 padding 1
The first, to copy and change (--fix 2 prints the second, and so on):
  1x32x32
  | conv 6 k5 sigmoid, maxpool 2
  | conv 16 k5 sigmoid, maxpool 2
  | dense 120 sigmoid, dense 84 sigmoid, dense 10"""


def shapes_of(network: Network) -> Shapes:
    """The tensors that a file of ``network`` holds."""
    found: Shapes = []
    for place, shape in wanted_shapes(network).items():
        name = network.names[place]
        found += [(f"{name}.bias", shape[:1]), (f"{name}.weight", shape)]
    return found


def whats(given: str, wanted: str) -> list[str]:
    """The fixes of one network for the weights of another."""
    shapes = shapes_of(parse_network(wanted))
    found = reconcile(parse_network(given), shapes)
    for fix in found.fixes:
        assert reconcile(fix.network, shapes).agrees
    return [fix.what for fix in found.fixes]


def test_weights_of_another_image_size() -> None:
    assert str(reconcile(zoo.lenet(), shapes_of(parse_network(f"1x32x32 | {BODY}")))) == CLASSIC


def test_weights_that_agree() -> None:
    found = reconcile(zoo.lenet(), shapes_of(zoo.lenet()), "lenet")
    assert found.agrees
    assert str(found) == "All 5 weights agree with lenet."


@pytest.mark.parametrize(
    ("weights", "fix"),
    [
        (f"3x28x28 | {BODY}", "start from 3 channels"),
        (f"1x28x28 | {BODY}".replace("6 k5", "6 k3"), "use a 3x3 kernel in conv0"),
        (f"1x28x28 | {BODY}".replace("conv 16", "conv 20"), "give conv1 20 channels"),
        (f"1x28x28 | {BODY}".replace("dense 10", "dense 26"), "give dense2 26 units"),
        (f"1x28x28 | {BODY}".replace("84", "60"), "give dense1 60 units"),
        (f"1x28x28 | {BODY}".replace("dense 84, ", ""), "drop dense1"),
        (f"1x28x28 | {BODY}".replace("84,", "84, dense 30,"), "add dense 30 relu before dense2"),
        (f"1x28x28 | {BODY}, dense 3", "add dense 3 at the end"),
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


def test_every_change_of_sizes_that_helps() -> None:
    unpooled = f"1x28x28 | {BODY}".replace("k5, maxpool 2 | d", "k5 | d")
    assert whats(f"1x28x28 | {BODY}", unpooled)[1:] == ["give conv1 padding 4", "drop pool1"]
    # Neither a larger nor a taller input gives 16 maps of 10x16: both axes would have to change.
    assert whats(f"1x28x30 | {BODY}", f"1x52x76 | {BODY}") == []
    assert whats(f"1x28x30 | {BODY}", f"1x28x36 | {BODY}")[0] == "start from 28x36"


def test_a_network_that_does_not_fit() -> None:
    text = "1x28x28 | conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | conv 32 k{}, maxpool 2"
    found = reconcile(parse_network(text.format(5)), shapes_of(parse_network(text.format(3))))
    assert str(found).startswith("conv2 gets 16@4x4 and a 5x5 kernel does not fit")
    assert [fix.what for fix in found.fixes] == ["use a 3x3 kernel in conv2"]


@pytest.mark.parametrize(
    "names",
    [
        ("0", "3", "7", "9", "11"),
        ("features.0", "features.3", "classifier.1", "classifier.4", "classifier.10"),
        ("conv1", "conv2", "fc1", "fc2", "fc3"),
    ],
)
def test_names_of_other_tools(names: tuple[str, ...]) -> None:
    shapes = list(wanted_shapes(zoo.lenet()).values())
    tensors = [(f"{name}.weight", shape) for name, shape in zip(names, shapes, strict=True)]
    for order in (tensors, tensors[::-1], sorted(tensors)):
        assert reconcile(zoo.lenet(), order).agrees
    tensors[2] = (tensors[2][0], (120, 400))
    found = str(reconcile(zoo.lenet(), tensors))
    assert found.startswith(f"{names[2]}.weight (dense0) is (120, 400) and the network wants")


def test_what_else_the_file_says() -> None:
    shapes = shapes_of(zoo.lenet())
    found = reconcile(zoo.lenet(), [*shapes, ("bn.running_mean", (6,)), ("steps", ())])
    assert found.agrees
    assert found.notes == (
        "The file also holds what no layer here has a place for: steps, bn.running_mean.",
    )
    turned = [(name, s[::-1] if len(s) == 2 else s) for name, s in shapes]
    assert "dense0.weight looks transposed" in str(reconcile(zoo.lenet(), turned))


def test_a_file_without_weights() -> None:
    with pytest.raises(UsageError, match="holds no weights"):
        reconcile(zoo.lenet(), [("a", (3,)), ("b", ())])


@given(networks(), networks())
def test_any_weights_and_any_network(first: Network, second: Network) -> None:
    shapes = shapes_of(second)
    found = reconcile(first, shapes)
    assert found.agrees == (list(wanted_shapes(first).values()) == [s for _, s in shapes[1::2]])
    assert bool(found.fixes) == bool(found.changes)
    for fix in found.fixes:
        assert reconcile(fix.network, shapes).agrees
    json.dumps(reconciliation_dict(found))
    assert str(found)
    assert reconcile(first, shapes_of(first)).agrees


@given(
    st.lists(
        st.tuples(st.text(max_size=9), st.lists(st.integers(0, 2**62), max_size=5)), max_size=9
    )
)
def test_any_shapes(shapes: list[tuple[str, list[int]]]) -> None:
    try:
        assert str(reconcile(zoo.lenet(), shapes))
    except UsageError as error:
        assert "holds no weights" in str(error)


def test_many_tensors_are_quick() -> None:
    body = " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense 9, dense 9"
    network = parse_network(f"3x40x40{body}")
    start = time.perf_counter()
    found = reconcile(network, shapes_of(parse_network(f"3x50x50{body}")))
    assert found.fixes[0].what == "start from 50x50"
    assert time.perf_counter() - start < 2
