"""Weights that belong to another network: what differs."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis.diagnosis.adapt import normalised
from lenet.analysis.diagnosis.weights import reconcile, wanted_shapes
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
        if normalised(network.layers[place]):
            found += [(f"{name}.{word}", shape[:1]) for word in ("scale", "mean", "variance")]
    return found


def test_weights_of_another_image_size() -> None:
    assert str(reconcile(zoo.lenet(), shapes_of(parse_network(f"1x32x32 | {BODY}")))) == CLASSIC


def test_weights_that_agree() -> None:
    found = reconcile(zoo.lenet(), shapes_of(zoo.lenet()), "lenet")
    assert found.agrees
    assert str(found) == "All 5 weights agree with lenet."


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
    (note,) = reconcile(zoo.lenet(), turned).notes
    assert note.startswith("dense0.weight looks transposed: the file stores (inputs, units)")
    assert note.endswith("transpose the dense layers' weights.")


def pytorch(network: Network, bias: bool = False) -> Shapes:
    """What PyTorch saves of the network as modules in a row."""
    found: Shapes = []
    for place, shape in wanted_shapes(network).items():
        norm = normalised(network.layers[place])
        found.append((f"{2 * place}.weight", shape))
        if bias or not norm:
            found.append((f"{2 * place}.bias", shape[:1]))
        if norm:
            words = ("weight", "bias", "running_mean", "running_var")
            found += [(f"{2 * place + 1}.{word}", shape[:1]) for word in words]
            found.append((f"{2 * place + 1}.num_batches_tracked", ()))
    return found


def test_normalised_networks() -> None:
    plain = zoo.lenet()
    network = parse_network(str(plain).replace("k5", "k5 batchnorm"))
    for shapes in (shapes_of(network), pytorch(network)):
        found = reconcile(network, shapes)
        assert found.agrees
        assert not found.notes
        found = reconcile(plain, shapes)
        assert [one.normalised for one in found.mismatches] == [True, True]
        assert str(found).startswith(
            "conv0 is normalised over the batch in the file and not in the network.\n"
        )
        (fix,) = found.fixes
        assert (fix.what, fix.network) == ("normalise conv0 and conv1", network)
    other = parse_network("1x28x28 | conv 8 k3 batchnorm, maxpool 2 | dense 10")
    assert str(reconcile(plain, pytorch(other))).startswith(
        "0.weight (conv0) is (8, 1, 3, 3) and the network wants (6, 1, 5, 5).\n"
        "conv0 is normalised over the batch in the file and not in the network.\n"
    )
    found = reconcile(network, shapes_of(plain))
    assert "conv1 is normalised over the batch in the network and not in the file." in str(found)


def test_a_bias_before_normalisation_is_told() -> None:
    network = parse_network(str(zoo.lenet()).replace("k5", "k5 batchnorm"))
    found = reconcile(network, pytorch(network, bias=True))
    assert found.agrees
    assert found.notes == (
        "0.bias does nothing before normalisation: take it off 1.running_mean, and leave it out.",
    )


def test_normalisation_of_what_we_do_not_normalise() -> None:
    shapes = [*pytorch(zoo.lenet_60()), ("9.running_mean", (60,)), ("9.running_var", (60,))]
    found = reconcile(zoo.lenet_60(), shapes)
    assert found.agrees
    assert found.notes == (
        "The file also holds what no layer here has a place for: 9.running_mean, 9.running_var.",
    )


def test_one_of_each() -> None:
    small = parse_network("1x1x1 | dense 2")
    assert str(reconcile(small, shapes_of(small))) == "The weight agrees with the network."
    text = str(reconcile(small, [("fc.weight", (1, 1))]))
    assert "give dense0 1 unit\n" in text
    assert "This makes the weight agree (it was tried):" in text
    text = str(reconcile("1x2x2 | conv 3 k1 | dense 2", [("c", (3, 1, 1, 1)), ("d", (2, 1))]))
    assert "1 input is no whole number of maps of 3 channels; the network makes 3@2x2." in text


def test_a_network_by_its_name() -> None:
    assert reconcile("lenet", shapes_of(zoo.lenet())).name == "lenet"
    assert reconcile("lenet", shapes_of(zoo.lenet()), "mine").name == "mine"


def test_names_that_a_terminal_would_act_on_are_shown_as_text() -> None:
    shapes = [*shapes_of(zoo.lenet_60()), ("\x1b[31m", (3, 4)), ("x" * 99, (1, 2, 3))]
    text = str(reconcile(zoo.lenet_60(), shapes))
    assert "\x1b" not in text
    assert r"'\x1b[31m' is (3, 4) and the network has no layer for it." in text
    assert "'xxx" in text
    assert "x" * 61 not in text


def test_a_file_without_weights() -> None:
    with pytest.raises(UsageError, match="holds no weights"):
        reconcile(zoo.lenet(), [("a", (3,)), ("b", ())])


@given(networks(), networks())
def test_any_weights_and_any_network(first: Network, second: Network) -> None:
    shapes = shapes_of(second)
    found = reconcile(first, shapes)
    assert found.agrees == (_weights_of(first) == _weights_of(second))
    assert bool(found.fixes) == bool(found.changes)
    for fix in found.fixes:
        assert reconcile(fix.network, shapes).agrees
    json.dumps(found.to_dict())
    assert str(found)
    assert reconcile(first, shapes_of(first)).agrees


def _weights_of(network: Network) -> list[object]:
    return [
        (shape, normalised(network.layers[place]))
        for place, shape in wanted_shapes(network).items()
    ]


@given(
    st.lists(
        st.tuples(st.text(max_size=9), st.lists(st.integers(0, 2**62), max_size=5)), max_size=9
    )
)
def test_any_shapes(shapes: list[tuple[str, list[int]]]) -> None:
    if any(len(shape) in (2, 4) for _, shape in shapes):
        assert str(reconcile(zoo.lenet(), shapes))
        return
    with pytest.raises(UsageError, match="holds no weights"):
        reconcile(zoo.lenet(), shapes)


def test_many_tensors_are_quick() -> None:
    body = " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense 9, dense 9"
    network = parse_network(f"3x40x40{body}")
    start = time.perf_counter()
    found = reconcile(network, shapes_of(parse_network(f"3x50x50{body}")))
    assert found.fixes[0].what == "start from 50x50"
    assert time.perf_counter() - start < 2
