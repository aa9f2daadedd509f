"""A weights file beside a network: what differs, and the change that makes them agree."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lenet import Model
from lenet.analysis.diagnosis import reconcile
from lenet.analysis.diagnosis.weights import Tensor, find_norms, weight_shapes
from lenet.errors import ModelFileError, UsageError
from lenet.net import Network, parse_network, zoo
from pages import read_page
from random_networks import networks
from refusals import refused

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
    for place, shape in weight_shapes(network).items():
        name = network.names[place]
        found += [(f"{name}.bias", shape[:1]), (f"{name}.weight", shape)]
        if network.layers[place].is_normalised:
            found += [(f"{name}.{word}", shape[:1]) for word in ("scale", "mean", "variance")]
    return found


def test_weights_of_another_image_size() -> None:
    assert str(reconcile(zoo.lenet(), shapes_of(parse_network(f"1x32x32 | {BODY}")))) == CLASSIC


def test_weights_that_agree() -> None:
    found = reconcile(zoo.lenet(), shapes_of(zoo.lenet()), name="lenet")
    assert found.agrees
    assert str(found) == "All 5 weights agree with lenet."


def test_a_file(tmp_path: Path) -> None:
    path = Model(f"1x32x32 | {BODY}").initialize().save(tmp_path / "mine.safetensors")
    found = reconcile("lenet", path)
    assert found == reconcile("lenet", str(path))
    assert found.mismatches[0].tensor == "dense0.weight"
    assert [fix.what for fix in found.fixes][:2] == ["start from 32x32", "give conv0 padding 2"]
    assert reconcile(path, path).agrees
    assert reconcile("lenet", path, input_shape=(1, 32, 32)).agrees
    for name in ("none.safetensors", __file__):
        with pytest.raises(ModelFileError):
            reconcile("lenet", name)


def test_a_network_that_does_not_fit() -> None:
    text = "1x28x28 | conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | conv 32 k{}, maxpool 2"
    found = reconcile(parse_network(text.format(5)), shapes_of(parse_network(text.format(3))))
    assert str(found).startswith("conv2 gets 16@4x4 and its 5x5 kernel does not fit")
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
    shapes = list(weight_shapes(zoo.lenet()).values())
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
    for place, shape in weight_shapes(network).items():
        norm = network.layers[place].is_normalised
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
    assert reconcile("lenet", shapes_of(zoo.lenet()), name="mine").name == "mine"


def test_names_that_a_terminal_would_act_on_are_shown_as_text() -> None:
    shapes = [*shapes_of(zoo.lenet_60()), ("\x1b[31m", (3, 4)), ("x" * 99, (1, 2, 3))]
    text = str(reconcile(zoo.lenet_60(), shapes))
    assert "\x1b" not in text
    assert r"'\x1b[31m' is (3, 4) and the network has no layer for it." in text
    assert "'xxx" in text
    assert "x" * 61 not in text


@pytest.mark.parametrize("weights", [5, [5], zoo.lenet(), [("a", 5)]], ids=str)
def test_what_are_no_weights(weights: object) -> None:
    with pytest.raises(UsageError, match=r"\.safetensors"):
        reconcile("lenet", weights)  # type: ignore[arg-type]


def test_a_file_without_weights() -> None:
    with refused(UsageError, "holds no weights"):
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
        (shape, network.layers[place].is_normalised)
        for place, shape in weight_shapes(network).items()
    ]


@given(
    st.lists(
        st.tuples(st.text(max_size=9), st.lists(st.integers(0, 2**62), max_size=5)), max_size=9
    )
)
@example([("", [0, 0, 0, 0]), ("a", [0, 0, 0, 0])])
@example([("", [1, 0, 0, 0]), ("a", [0, 0, 0, 0])])
def test_any_shapes(shapes: list[tuple[str, list[int]]]) -> None:
    if any(len(shape) in (2, 4) for _, shape in shapes):
        assert str(reconcile(zoo.lenet(), shapes))
        return
    with refused(UsageError, "holds no weights"):
        reconcile(zoo.lenet(), shapes)


def test_many_tensors() -> None:
    body = " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense 9, dense 9"
    network = parse_network(f"3x40x40{body}")
    found = reconcile(network, shapes_of(parse_network(f"3x50x50{body}")))
    assert found.fixes[0].what == "start from 50x50"


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


#: What PyTorch saves of a BatchNorm2d.
PYTORCH = ("weight", "bias", "running_mean", "running_var")


def file_of(*modules: str) -> tuple[list[Tensor], list[Tensor]]:
    """``name:8`` is a convolution of 8 channels, ``name:8b`` one with a bias, ``name=8`` a
    normalisation; the convolutions' weights, and all tensors as PyTorch names them."""
    tensors = []
    for module in modules:
        name, is_conv, size = module.partition(":" if ":" in module else "=")
        channels = int(size.rstrip("b"))
        if is_conv == ":":
            tensors.append(Tensor(f"{name}.weight", (channels, 3, 3, 3)))
            if size.endswith("b"):
                tensors.append(Tensor(f"{name}.bias", (channels,)))
        else:
            tensors += [Tensor(f"{name}.{word}", (channels,)) for word in PYTORCH]
            tensors.append(Tensor(f"{name}.num_batches_tracked", ()))
    return [tensor for tensor in tensors if len(tensor.shape) == 4], tensors


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        (["0:8", "1=8", "4:16", "5=16"], {"0": "1", "4": "5"}),
        (["0:8b", "2:8b", "3=8", "10:8b", "11=8"], {"2": "3", "10": "11"}),
        (["conv1:8", "conv2:16", "bn1=8", "bn2=16"], {"conv1": "bn1", "conv2": "bn2"}),
        (["conv1:8b", "conv2:8", "bn=8"], {"conv2": "bn"}),  # a bias would be of no use
        (["conv1:8b", "conv2:16b", "bn=16"], {"conv2": "bn"}),
        (["1.bn=8", "1.conv:8", "2.bn=8", "2.conv:8"], {"1.conv": "1.bn", "2.conv": "2.bn"}),
        (["conv:8", "bn=9"], {}),  # of a dense layer, perhaps
        (["conv:8", "bn1=8", "bn2=8"], {"conv": "bn1"}),
        (["conv:8"], {}),
    ],
    ids=str,
)
def test_pytorchs_names(modules: list[str], found: dict[str, str]) -> None:
    convs, tensors = file_of(*modules)
    norms = find_norms(convs, tensors)
    assert {name.removesuffix(".weight"): norm.path[:-1] for name, norm in norms.items()} == found
    for norm in norms.values():
        words = (*PYTORCH, "num_batches_tracked")
        assert set(norm.names) == {f"{norm.path}{word}" for word in words}


def test_our_own_names() -> None:
    words = ("bias", "scale", "mean", "variance")
    plain, normalised = Tensor("conv0.weight", (8, 1, 5, 5)), Tensor("conv1.weight", (8, 8, 5, 5))
    tensors = [plain, normalised, *(Tensor(f"conv1.{word}", (8,)) for word in words)]
    (found,) = find_norms([plain, normalised], tensors).items()
    assert found[0] == "conv1.weight"
    assert set(found[1].names) == {"conv1.scale", "conv1.mean", "conv1.variance"}


@pytest.mark.parametrize(
    "names",
    [
        ("bn.running_mean",),
        ("bn.running_mean", "other.running_var"),
        ("running_meanrunning_var",),
        ("ln.weight", "ln.bias"),
    ],
)
def test_what_is_none(names: tuple[str, ...]) -> None:
    conv = Tensor("conv.weight", (8, 1, 5, 5))
    assert not find_norms([conv], [conv, *(Tensor(name, (8,)) for name in names)])


def test_a_module_saved_by_itself() -> None:
    conv = Tensor("weight", (8, 1, 5, 5))
    statistics = [Tensor(name, (8,)) for name in ("running_mean", "running_var")]
    assert list(find_norms([conv], [conv, *statistics])) == ["weight"]


def test_as_json() -> None:
    page = read_page("diagnose.md")
    network = parse_network("1x8x8 | dense 10")
    document = reconcile(network, [("fc.weight", (5, 64))]).to_dict()
    assert json.loads(json.dumps(document)) == document
    assert document == {
        "format": "lenet-reconciliation",
        "version": 1,
        "name": "",
        "network": "1x8x8 | dense 10",
        "agrees": False,
        "weights": 1,
        "mismatches": [
            {
                "layer": "dense0",
                "tensor": "fc.weight",
                "found": [5, 64],
                "wanted": [10, 64],
                "normalised": None,
            }
        ],
        "notes": [],
        "changes": 1,
        "fixes": [{"what": "give dense0 5 units", "network": "1x8x8 | dense 5"}],
    }
    assert all(f"`{key}`" in page for key in [*document, *document["mismatches"][0]])


@pytest.mark.parametrize(
    ("network", "weights", "fix"),
    [
        ("1x9x9 | conv 8 k3, conv 8 k3", "1x9x9 | conv 8 k3, conv 8 k3 g8", "give conv1 8 groups"),
        ("1x9x9 | conv 8 k3, conv 8 k3 g4", "1x9x9 | conv 8 k3, conv 8 k3", "give conv1 1 group"),
        (
            "4x9x9 | conv 8 k3 g4",
            "4x9x9 | conv 8 k3 g2",
            "give conv0 2 groups",
        ),
        ("4x9x9 | conv 8 k3", "4x9x9 | conv 8 k3 g4", "start from 1 channel"),  # or four groups
    ],
)
def test_weights_say_how_many_groups_there_are(network: str, weights: str, fix: str) -> None:
    given = shapes_of(parse_network(f"{weights} | dense 10"))
    assert reconcile(f"{network} | dense 10", given).fixes[0].what == fix


def test_an_rbf_layer_gets_the_units_that_the_weights_have() -> None:
    mine = parse_network("1x8x8 | dense 4 tanh, rbf 10")
    found = reconcile(mine, shapes_of(parse_network("1x8x8 | dense 4 tanh, rbf 12")))
    assert [fix.what for fix in found.fixes] == ["give rbf0 12 units"]
    found = reconcile(mine, shapes_of(parse_network("1x8x8 | dense 5 tanh, rbf 10")))
    assert [fix.what for fix in found.fixes] == ["give dense0 5 units"]


def test_names_without_points_are_understood() -> None:
    network = parse_network("1x8x8 | conv 4 k3 batchnorm relu | dense 3")
    shapes = {
        "conv0_weight": (4, 1, 3, 3),
        **{f"batchnorm0_{word}": (4,) for word in ("gamma", "beta", "running_mean")},
        "batchnorm0_running_var": (4,),
        **{"dense0_weight": (3, 144), "dense0_bias": (3,)},
    }
    result = reconcile(network, shapes)
    assert result.agrees
    assert not result.notes
