"""ONNX in: what other programs write, what is not understood, and what is hostile."""

import io
import json
import os
import random
import resource
import warnings
from pathlib import Path

import numpy as np
import pytest

import lenet
from lenet.cli.main import main
from lenet.errors import LenetError, ModelFileError, UsageError
from lenet.formats.importing import import_model, read_model
from lenet.formats.row import TAKES_BYTES, UNPREPARED
from random_networks import draw_norms, random_network
from refusals import refused

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

RNG = np.random.default_rng(4)


def images(shape: tuple[int, ...], count: int = 4) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, *shape), np.uint8)


def write(
    path: Path,
    nodes: list,
    shape: list,
    kind: int = TensorProto.FLOAT,
    metadata: dict | None = None,
    **tensors: np.ndarray,
) -> Path:
    """A graph from ``x`` to ``y``; float64 tensors become float32."""
    constants = [
        numpy_helper.from_array(v.astype(np.float32) if v.dtype == np.float64 else v, name)
        for name, v in tensors.items()
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    path.write_bytes(model.SerializeToString())
    return path


def run(path: Path, x: np.ndarray) -> np.ndarray:
    """What ONNX Runtime says."""
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(path.read_bytes()).run(None, {"x": x})[0]


def node(operator: str, inputs: str, output: str, **attributes: object):
    name = f"{operator}_{output}"
    return helper.make_node(operator, inputs.split(), output.split(), name, **attributes)


def small(path: Path, *middle, ends: str = "a", **more) -> Path:
    """A convolution (2 maps of 4x4), some nodes from ``c`` to ``ends``, and a dense layer."""
    nodes = [
        node("Conv", "x w b", "c", kernel_shape=[3, 3]),
        *middle,
        node("Flatten", ends, "f"),
        node("Gemm", "f v", "y"),
    ]
    tensors = {"w": RNG.normal(size=(2, 1, 3, 3)), "b": RNG.normal(size=2)}
    return write(path, nodes, ["N", 1, 6, 6], v=RNG.normal(size=(32, 3)) / 8, **tensors, **more)


# Round trips.


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("form", ["uint8", "float", "raw"])
def test_there_and_back(seed, form, tmp_path) -> None:
    network = random_network(seed)
    channels, rng = network.input_shape[0], np.random.default_rng(seed)
    mean, std = rng.uniform(0, 1, channels).tolist(), rng.uniform(0.1, 1, channels).tolist()
    seen = lenet.Preprocessing(network.input_shape, tuple(mean), tuple(std), "dark")
    names = [f"class {n}" for n in range(lenet.Model(network).plan.classes)]
    model = lenet.Model(network, names, seen).initialize(seed=seed)
    draw_norms(model.plan, model.table, rng)
    lenet.export(model, tmp_path / "m.onnx", input=form)
    found = import_model(tmp_path / "m.onnx")
    assert (found.classes, found.preprocessing) == (model.classes, seen)
    given = images(network.input_shape)
    np.testing.assert_allclose(
        found.predict_proba(given), model.predict_proba(given), rtol=0, atol=1e-5
    )
    assert [layer.keyword for layer in found.network.layers] == [
        layer.keyword for layer in network.layers
    ]


@pytest.mark.parametrize("form", ["uint8", "float"])
def test_preprocessing_is_read_from_the_graph_where_the_metadata_are_none(form, tmp_path) -> None:
    seen = lenet.Preprocessing((2, 7, 7), (0.3, 0.6), (0.2, 0.5), None)
    model = lenet.Model("2x7x7 | conv 3 k3 relu | dense 4", preprocessing=seen).initialize(seed=1)
    lenet.export(model, tmp_path / "m.onnx", input=form)
    file = onnx.load(tmp_path / "m.onnx")
    del file.metadata_props[:]
    onnx.save(file, tmp_path / "m.onnx")
    found = import_model(tmp_path / "m.onnx")
    np.testing.assert_allclose(found.preprocessing.mean, seen.mean, rtol=1e-5)
    np.testing.assert_allclose(found.preprocessing.std, seen.std, rtol=1e-5)
    given = images((2, 7, 7))
    np.testing.assert_allclose(found.scores(given), model.scores(given), rtol=1e-4, atol=1e-4)


# What other programs write.


def torch_modules():
    from torch import nn
    from torch.nn import functional

    class Functional(nn.Module):
        """As in tutorials: ReLU behind the pooling, a size asked for while it runs."""

        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.fc = (
                nn.Conv2d(1, 3, 5),
                nn.Conv2d(3, 4, 5),
                nn.Linear(64, 5),
            )

        def forward(self, x):
            x = functional.relu(functional.max_pool2d(self.conv1((x - 0.1307) / 0.3081), 2))
            x = functional.dropout2d(self.conv2(x), training=self.training)
            x = functional.relu(functional.max_pool2d(x, 2))
            return functional.log_softmax(self.fc(x.view(x.size(0), -1)), dim=1)

    return {
        "functional": Functional(),
        "norms": nn.Sequential(
            *(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4, eps=1e-3), nn.SiLU()),
            *(nn.Conv2d(4, 6, 3, 2, groups=2), nn.LeakyReLU(), nn.BatchNorm2d(6)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)),
        ),
        "dense norms": nn.Sequential(
            *(nn.Conv2d(1, 3, 5), nn.ReLU(), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.Flatten()),
            *(nn.BatchNorm1d(507), nn.Linear(507, 8), nn.BatchNorm1d(8), nn.ReLU()),
            *(nn.BatchNorm1d(8), nn.Linear(8, 5)),
        ),
        "padding": nn.Sequential(
            *(nn.Conv2d(1, 3, 4, padding="same"), nn.Sigmoid(), nn.AvgPool2d(2, 2, 1)),
            *(nn.ZeroPad2d((1, 0, 2, 1)), nn.Conv2d(3, 5, 3, 2), nn.Tanh()),
            *(nn.AdaptiveMaxPool2d(1), nn.Flatten()),
        ),
        "dense": nn.Sequential(nn.Flatten(), nn.Linear(784, 6), nn.Tanh(), nn.Linear(6, 5)),
    }


@pytest.mark.parametrize("name", ["functional", "norms", "dense norms", "padding", "dense"])
@pytest.mark.parametrize("folding", [True, False])
def test_what_pytorch_writes(name, folding, tmp_path) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch_modules()[name]
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an even kernel padded, and the exporter's age
        module.train()(torch.rand(16, 1, 28, 28))  # moves the running means and variances
        torch.onnx.export(
            module.eval(),
            (torch.rand(2, 1, 28, 28),),
            stream,
            dynamo=False,
            do_constant_folding=folding,
            input_names=["x"],
            dynamic_axes={"x": {0: "n"}},
        )
    path = tmp_path / "m.onnx"
    path.write_bytes(stream.getvalue())
    model = import_model(path)
    given = images((1, 28, 28))
    with torch.inference_mode():
        wanted = module(torch.from_numpy(given).float() / 255).softmax(1).numpy()
    np.testing.assert_allclose(model.predict_proba(given), wanted, rtol=0, atol=1e-5)
    if name == "functional":
        assert str(model.network) == (
            "1x28x28 | conv 3 k5 relu, maxpool 2 | conv 4 k5 relu, maxpool 2 | dense 5"
        )
        assert model.preprocessing.mean == pytest.approx([0.1307])


def test_channels_last_as_keras_has_them(tmp_path) -> None:
    """Pictures (H, W, C), turned for the convolution, turned back before the flattening."""
    nodes = [
        node("Mul", "x s", "x0"),
        node("Transpose", "x0", "t", perm=[0, 3, 1, 2]),
        node("Conv", "t w", "c", kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Add", "c b", "cb"),
        node("Relu", "cb", "r"),
        node("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[1, 1]),
        node("Transpose", "p", "t2", perm=[0, 2, 3, 1]),
        node("Reshape", "t2 sizes", "f"),
        node("MatMul", "f v", "m"),
        node("Add", "m vb", "d"),
        node("Softmax", "d", "y", axis=-1),
    ]
    path = write(
        tmp_path / "m.onnx",
        nodes,
        ["N", 9, 8, 2],
        s=np.array(1 / 255),
        w=RNG.normal(size=(3, 2, 3, 3)),
        b=RNG.normal(size=(1, 3, 1, 1)),
        sizes=np.array([-1, 36]),
        v=RNG.normal(size=(36, 4)),
        vb=RNG.normal(size=4),
    )
    model = import_model(path)
    assert str(model.network) == "2x9x8 | conv 3 k3 s2 p1.1.0.1 relu, maxpool 2 s1 | dense 4"
    given = images((2, 9, 8))
    wanted = run(path, given.transpose(0, 2, 3, 1).astype(np.float32))
    np.testing.assert_allclose(model.predict_proba(given), wanted, rtol=0, atol=1e-5)


def test_maps_may_be_the_classes(tmp_path) -> None:
    """As lenet itself writes a network that ends with them."""
    model = lenet.Model("1x5x4 | conv 2 k3").initialize("kaiming", 3)
    lenet.export(model, tmp_path / "m.onnx")
    again = import_model(tmp_path / "m.onnx")
    assert again.network == model.network
    assert np.array_equal(again.table, model.table)


@pytest.mark.parametrize(("axis", "fits"), [(1, True), (-1, False), (3, False)])
def test_a_softmax_of_one_number_each_is_refused(axis, fits, tmp_path) -> None:
    nodes = [
        node("Conv", "x w", "c"),
        node("Softmax", "c", "s", axis=axis),
        node("Flatten", "s", "y"),
    ]
    path = write(tmp_path / "m.onnx", nodes, ["N", 1, 3, 3], w=RNG.normal(size=(4, 1, 3, 3)))
    if not fits:  # of maps of 1x1 it makes ones
        with refused(ModelFileError, "it is not over the classes"):
            import_model(path)
        return
    given = images((1, 3, 3))
    wanted = run(path, given.astype(np.float32) / 255)
    np.testing.assert_allclose(import_model(path).predict_proba(given), wanted, rtol=0, atol=1e-5)


def test_a_padding_that_is_chosen_counts_the_one_before_it(tmp_path) -> None:
    nodes = [
        node("Pad", "x pads", "p"),
        node("Conv", "p w", "c", auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Flatten", "c", "y"),
    ]
    pads = np.array([0, 0, 1, 0, 0, 0, 0, 0])
    path = write(
        tmp_path / "m.onnx", nodes, ["N", 1, 5, 5], pads=pads, w=RNG.normal(size=(2, 1, 3, 3))
    )
    given = images((1, 5, 5))
    wanted = run(path, given.astype(np.float32) / 255)
    np.testing.assert_allclose(import_model(path).scores(given), wanted, rtol=0, atol=1e-5)


def test_maps_that_end_with_the_channels_last_are_refused(tmp_path) -> None:
    """Their numbers would come in another order than ours."""
    nodes = [
        node("Conv", "x w", "c"),
        node("Transpose", "c", "t", perm=[0, 2, 3, 1]),
        node("Flatten", "t", "y"),
    ]
    path = write(tmp_path / "m.onnx", nodes, ["N", 1, 5, 5], w=RNG.normal(size=(3, 1, 3, 3)))
    with refused(ModelFileError, "it ends with maps (H, W, C)"):
        import_model(path)


def test_a_pooling_that_rounds_up_behind_its_padding(tmp_path) -> None:
    lowest = {"pads": np.array([0, 0, 1, 0, 0, 0, 0, 0]), "low": np.array(-3e38)}
    nodes = [
        node("Conv", "x w", "c"),
        node("Pad", "c pads low", "p"),
        node("MaxPool", "p", "m", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        node("Flatten", "m", "y"),
    ]
    path = write(
        tmp_path / "m.onnx", nodes, ["N", 1, 6, 6], w=RNG.normal(size=(2, 1, 3, 3)), **lowest
    )
    model = import_model(path)
    assert str(model.network) == "1x6x6 | conv 2 k3, maxpool 2 p1x0"
    given = images((1, 6, 6))
    wanted = run(path, given.astype(np.float32) / 255)
    np.testing.assert_allclose(model.scores(given), wanted, rtol=0, atol=1e-5)


def test_an_axis_dropped_twice_is_dropped_once(tmp_path) -> None:
    nodes = [
        node("Conv", "x w", "c"),
        node("GlobalAveragePool", "c", "g"),
        node("Squeeze", "g twice", "s"),
        node("Squeeze", "s last", "y"),
    ]
    tensors = {"twice": np.array([2, 2]), "last": np.array([2])}
    path = write(
        tmp_path / "m.onnx", nodes, ["N", 1, 5, 5], w=RNG.normal(size=(2, 1, 3, 3)), **tensors
    )
    assert str(import_model(path).network) == "1x5x5 | conv 2 k3, avgpool 3"


def test_weights_reshaped_and_biases_added_as_cntk_writes_them(tmp_path) -> None:
    """As in mnist-8.onnx of the ONNX model zoo; it takes pixels from 0 to 255."""
    pool = {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "NOTSET", "pads": [0, 0, 0, 0]}
    nodes = [
        node("Reshape", "v rows", "matrix"),
        node("Conv", "x w", "c", kernel_shape=[5, 5], auto_pad="SAME_UPPER", dilations=[1, 1]),
        node("Add", "c b", "cb"),
        node("Relu", "cb", "r"),
        node("MaxPool", "r", "p", **pool),
        node("Reshape", "p sizes", "f"),
        node("MatMul", "f matrix", "m"),
        node("Add", "m vb", "y"),
    ]
    path = write(
        tmp_path / "m.onnx",
        nodes,
        [1, 1, 8, 6],
        w=RNG.normal(size=(3, 1, 5, 5)),
        b=RNG.normal(size=(3, 1, 1)),
        v=RNG.normal(size=(3, 4, 3, 5)) / 100,
        rows=np.array([36, 5]),
        sizes=np.array([1, 36]),
        vb=RNG.normal(size=(1, 5)),
    )
    model = import_model(path, std=1 / 255)
    assert str(model.network) == "1x8x6 | conv 3 k5 p2 relu, maxpool 2 | dense 5"
    given = images((1, 8, 6), 1)
    wanted = run(path, given.astype(np.float32))
    np.testing.assert_allclose(model.scores(given), wanted, rtol=1e-5, atol=1e-4)


def test_a_vector_made_a_picture(tmp_path) -> None:
    nodes = [
        node("Reshape", "x sizes", "m"),
        node("Conv", "m w", "c", pads=[1, 0, 1, 0]),
        node("GlobalMaxPool", "c", "g"),
        node("Squeeze", "g axes", "y"),
    ]
    tensors = {"sizes": np.array([0, 1, 6, 7]), "axes": np.array([2, 3])}
    path = write(tmp_path / "m.onnx", nodes, ["N", 42], w=RNG.normal(size=(5, 1, 3, 3)), **tensors)
    model = import_model(path)
    assert str(model.network) == "1x6x7 | conv 5 k3 p1x0, maxpool 6x5"
    given = images((1, 6, 7))
    wanted = run(path, given.reshape(4, -1).astype(np.float32) / 255)
    np.testing.assert_allclose(model.scores(given), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("middle", "network"),
    [
        ([node("Mul", "c k", "a")], "conv 2 k3"),
        ([node("Relu", "c", "r"), node("Mul", "r k", "a")], "conv 2 k3 relu | conv 2 k1 g2"),
        ([node("Sub", "k c", "a")], "conv 2 k3"),
        ([node("Div", "c k", "d"), node("Tanh", "d", "a")], "conv 2 k3 tanh"),
        (
            [node("Sigmoid", "c", "s"), node("Mul", "c s", "m"), node("Identity", "m", "a")],
            "conv 2 k3 silu",
        ),
        ([node("Relu", "c", "r"), node("Relu", "r", "a")], "conv 2 k3 relu"),
        ([node("Tanh", "c", "r"), node("Relu", "r", "a")], "conv 2 k3 tanh, conv 2 k1 g2 relu"),
    ],
)
def test_arithmetic_and_activations_between_layers(middle, network, tmp_path) -> None:
    path = small(tmp_path / "m.onnx", *middle, k=np.array([[[2.5]], [[-0.5]]]))
    model = import_model(path)
    assert str(model.network).replace(" | conv 2 k1", ", conv 2 k1") == (
        f"1x6x6 | {network.replace(' | ', ', ')} | dense 3"
    )
    given = images((1, 6, 6))
    wanted = run(path, given.astype(np.float32) / 255)
    np.testing.assert_allclose(model.scores(given), wanted, rtol=0, atol=1e-5)


def test_a_picture_turned_light_to_dark_keeps_its_turning(tmp_path) -> None:
    """No preprocessing has a negative spread; a layer of one weight does it."""
    nodes = [
        node("Sub", "one x", "n"),
        node("Conv", "n w", "c", pads=[1, 1, 1, 1]),
        node("Flatten", "c", "y"),
    ]
    tensors = {"one": np.array([1.0]), "w": RNG.normal(size=(1, 1, 3, 3))}
    path = write(tmp_path / "m.onnx", nodes, ["N", 1, 3, 3], **tensors)
    given = images((1, 3, 3))
    wanted = run(path, given.astype(np.float32) / 255)
    np.testing.assert_allclose(import_model(path).scores(given), wanted, rtol=0, atol=1e-5)


# What the file leaves open.


def test_an_open_input_is_asked_for(tmp_path) -> None:
    nodes = [node("Conv", "x w", "c"), node("Flatten", "c", "y")]
    path = write(tmp_path / "m.onnx", nodes, ["N", 1, "h", "w"], w=RNG.normal(size=(2, 1, 3, 3)))
    with refused(UsageError, "m.onnx", "leaves the size of its pictures open") as caught:
        lenet.explain(path)
    assert caught.value.parameter == "input_shape"
    assert lenet.explain(path, input_shape="1x5x6").network.output_shape == (2, 3, 4)
    with refused(ModelFileError, "takes pictures of 1x?x?, and no others"):
        import_model(path, input_shape="3x5x6")


def test_what_nobody_says_is_noted(tmp_path) -> None:
    path = small(tmp_path / "m.onnx", node("Relu", "c", "a"))
    assert any("how its pictures are prepared" in note for note in read_model(path).notes)
    result = read_model(path, mean=[0.1307], std=0.3081, classes=["a", "b", "c"])
    assert not result.notes
    assert result.model.preprocessing.std == (0.3081,)
    assert result.model.classes == ("a", "b", "c")
    with refused(UsageError, "3 outputs and 2 class names"):
        import_model(path, classes=["a", "b"])
    with refused(UsageError, "mean has 2 numbers"):
        import_model(path, mean=[1, 2])


def test_that_pixels_go_up_to_255_is_supposed_and_said(tmp_path) -> None:
    nodes = [node("Mul", "x s", "m"), node("Conv", "m w", "c"), node("Flatten", "c", "y")]
    w = RNG.normal(size=(2, 1, 3, 3))
    for scale, is_small in ((1 / 255, True), (2.0, False)):
        path = write(tmp_path / "m.onnx", nodes, ["N", 1, 5, 5], s=np.array(scale), w=w)
        result = read_model(path)
        assert any("go up to 255" in note for note in result.notes) == is_small
        assert not [n for n in read_model(path, mean=0).notes if "take its place" not in n]
        given = images((1, 5, 5))
        wanted = run(path, given.astype(np.float32) / (1 if is_small else 255))
        np.testing.assert_allclose(result.model.scores(given), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("highest", [1, 255])
@pytest.mark.parametrize("factor", [0.01, 30.0])
def test_a_first_normalisation_tells_its_pixels_by_its_statistics(
    highest, factor, tmp_path
) -> None:
    """Its trained scale, large or small, says nothing of them."""
    nodes = [
        node("BatchNormalization", "x g z m v", "n"),
        node("Conv", "n w", "c"),
        node("Flatten", "c", "y"),
    ]
    norm = {"g": [factor], "z": [0.2], "m": [0.4 * highest], "v": [(0.3 * highest) ** 2]}
    tensors = {name: np.array(values) for name, values in norm.items()}
    path = write(
        tmp_path / "m.onnx", nodes, ["N", 1, 5, 5], w=RNG.normal(size=(2, 1, 3, 3)), **tensors
    )
    result = read_model(path)
    assert result.notes == ((UNPREPARED,) if highest == 1 else (TAKES_BYTES,))
    given = images((1, 5, 5))
    wanted = run(path, given.astype(np.float32) * (highest / 255))
    np.testing.assert_allclose(result.model.scores(given), wanted, rtol=1e-4, atol=1e-4)


# What is not understood.


@pytest.mark.parametrize(
    ("middle", "words"),
    [
        ([node("LSTM", "c w w", "a", hidden_size=2)], ("LSTM (LSTM_a)", "recurrent")),
        ([node("Clip", "c", "a")], ("Clip (Clip_a)", "relu, leaky-relu")),
        ([node("LRN", "c", "a", size=3)], ("LRN (LRN_a)", "batch normalisation")),
        ([node("Concat", "c c", "a", axis=1)], ("Concat (Concat_a)", "one flow")),
        ([node("QuantizeLinear", "c k", "a")], ("before it is quantised",)),
        ([node("Relu", "c", "r"), node("Add", "c r", "a")], ("a branch", "Relu_r and Add_a")),
        ([node("LeakyRelu", "c", "a", alpha=0.2)], ("slope is 0.2",)),
        ([node("AveragePool", "c", "a", kernel_shape=[2, 2], pads=[1] * 4)], ("leaves the pad",)),
        ([node("MaxPool", "c", "a", kernel_shape=[9, 9])], ("MaxPool (MaxPool_a)", "does not fit")),
        ([node("MaxPool", "c", "a", kernel_shape=[2])], ("height and width",)),
        ([node("Transpose", "c", "a", perm=[0, 1, 3, 2])], ("axes in the order",)),
        ([node("Softmax", "c", "a", axis=1)], ("Softmax (Softmax_a)", "over the classes")),
        ([node("Add", "c m", "a")], ("one number, or one for each channel",)),
        ([node("Pad", "c pads", "a", mode="reflect")], ("'reflect'",)),
        ([node("BatchNormalization", "c k k k k", "a")], ("1 axes are read",)),
        ([node("MatMul", "c m", "a")], ("not flattened",)),
        ([node("Div", "k c", "a")], ("divides a constant",)),
        ([node("Reshape", "c pads", "a")], ("makes the shape",)),
        ([node("Relu", "c", "r")], ("ends in",)),
        ([node("Pad", "c pads none", "a")], ("Pad (Pad_a)", "not what it takes")),
        ([node("Pad", "c pads", "p"), node("GlobalAveragePool", "p", "a")], ("padding has to",)),
        ([node("Pad", "c pads", "p"), node("ReduceMax", "p", "a", axes=[2, 3])], ("padding has",)),
        ([node("Reshape", "c nan", "a")], ("Reshape (Reshape_a)", "not what it takes")),
        ([node("Shape", "", "s"), node("Add", "c s", "a")], ("Add (Add_a)", "not what it takes")),
    ],
)
def test_what_is_not_understood_is_named_with_what_would_help(middle, words, tmp_path) -> None:
    more = {"k": RNG.normal(size=(2, 1, 1)), "m": RNG.normal(size=(4, 4))}
    more |= {"none": np.zeros(0), "nan": np.array([np.nan, 1.0])}
    path = small(tmp_path / "m.onnx", *middle, **more, pads=np.array([0, 0, 1, 1] * 2))
    with refused(ModelFileError, "m.onnx", *words):
        import_model(path)


def test_an_operator_of_another_domain_is_named(tmp_path) -> None:
    other = helper.make_node("Gelu", ["c"], ["a"], "act", domain="com.microsoft")
    with refused(ModelFileError, "Gelu (act)", "of com.microsoft"):
        import_model(small(tmp_path / "m.onnx", other))


def test_dilation_and_other_dimensions_are_refused(tmp_path) -> None:
    conv = node("Conv", "x w", "c", dilations=[2, 2])
    path = write(
        tmp_path / "m.onnx",
        [conv, node("Flatten", "c", "y")],
        ["N", 1, 9, 9],
        w=RNG.normal(size=(2, 1, 3, 3)),
    )
    with refused(ModelFileError, "Conv (Conv_c)", "dilation is [2, 2]"):
        import_model(path)
    nodes = [node("Conv", "x w", "y")]
    path = write(tmp_path / "m.onnx", nodes, ["N", 1, 9, 9, 9], w=RNG.normal(size=(2, 1, 3, 3, 3)))
    with refused(ModelFileError, "5 axes"):
        import_model(path)


# Hostile files.


@pytest.fixture
def divided(tmp_path) -> tuple[Path, onnx.ModelProto]:
    """A file whose numbers lie in m.bin beside it, as PyTorch writes them; and it as a message."""
    path = small(tmp_path / "m.onnx", node("Relu", "c", "a"))
    whole = import_model(path)
    file = onnx.load(path)
    onnx.save(file, path, save_as_external_data=True, location="m.bin", size_threshold=0)
    assert b"m.bin" in path.read_bytes()
    again = import_model(path)
    assert str(again.network) == str(whole.network)
    assert again.state_dict().keys() == whole.state_dict().keys()
    for name, values in whole.state_dict().items():
        assert np.array_equal(again.state_dict()[name], values)
    return path, onnx.load(path, load_external_data=False)


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("location", "../m.bin", "not beside the file"),
        ("location", "/m.bin", "not beside the file"),
        ("location", "sub/m.bin", "not beside the file"),
        ("location", "sub\\m.bin", "not beside the file"),
        ("location", "", "not beside the file"),
        ("location", "..", "not beside the file"),
        ("location", "other.bin", "no such file"),
        ("location", "link.bin", "it is a link"),
        ("location", "pipe.bin", "a pipe or a device"),
        ("location", "cut.bin", "it is cut"),
        ("offset", "1000000000000", "it is cut"),
        ("offset", "-4", "not what it says"),
        ("offset", "x", "invalid literal"),
        ("length", "4", "not what it says"),
        ("length", "99999999999999999999", "not what it says"),
    ],
)
def test_numbers_beside_the_file(divided, tmp_path, key, value, why) -> None:
    path, file = divided
    (tmp_path / "link.bin").symlink_to(tmp_path / "m.bin")
    os.mkfifo(tmp_path / "pipe.bin")
    (tmp_path / "cut.bin").write_bytes((tmp_path / "m.bin").read_bytes()[:-1])
    tensor = file.graph.initializer[-1]
    told = {entry.key: entry for entry in tensor.external_data}
    (told.get(key) or tensor.external_data.add(key=key)).value = value
    path.write_bytes(file.SerializeToString())
    with refused(ModelFileError, "m.onnx", f"the tensor {tensor.name} lies in", why, "onnx.save"):
        import_model(path)


def test_cycles_huge_shapes_and_bombs_are_refused(tmp_path) -> None:
    circle = [node("Relu", "a", "c2"), node("Add", "c2 k", "a")]
    with refused(ModelFileError, "ends in c, which is not its output"):
        import_model(small(tmp_path / "m.onnx", *circle, k=np.ones(1)))
    nodes = [node("Relu", "x", "r"), node("Relu", "r", "x")]
    with refused(ModelFileError, "circle"):
        import_model(write(tmp_path / "m.onnx", nodes, ["N", 1, 4, 4]))
    nodes = [node("Conv", "x w", "y")]
    path = write(tmp_path / "m.onnx", nodes, ["N", 2**40, 4, 4], w=np.ones((1, 1, 3, 3)))
    with refused(ModelFileError, "1,099,511,627,776 channels"):
        import_model(path)
    bomb = node("ConstantOfShape", "huge", "k"), node("Add", "c k", "a")
    with refused(ModelFileError, "too large"):
        import_model(small(tmp_path / "m.onnx", *bomb, huge=np.array([2**20, 2**20])))
    deep = [node("Identity", f"k{i + 1}", f"k{i}") for i in range(5000)]
    with refused(ModelFileError, "too many steps"):
        import_model(small(tmp_path / "m.onnx", *deep, node("Add", "c k0", "a"), k5000=np.ones(1)))


def field(number: int, content: bytes) -> bytes:
    """A field of a message, as protobuf writes it."""
    size, rest = b"", len(content)
    while rest > 127:
        size, rest = size + bytes([rest & 127 | 128]), rest >> 7
    return bytes([number << 3 | 2]) + size + bytes([rest]) + content


@pytest.mark.parametrize(
    "graph",
    [
        field(1, b"") * 2_000_000,  # nodes
        field(1, field(5, b"") * 2_000_000),  # attributes of one
        field(1, field(5, field(6, field(1, b"") * 2_000_000))),  # nodes of a graph in one
        field(5, b"") * 2_000_000,  # tensors
        b"\xfb\x07\xfc\x07" + field(5, b"") * 2_000_000,  # behind a group that nobody knows
        field(11, field(2, field(1, field(2, field(1, b"") * 2_000_000)))),  # axes of the input
    ],
    ids=["nodes", "attributes", "inner", "tensors", "group", "axes"],
)
def test_small_files_of_many_parts_take_no_memory(graph, tmp_path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08" + field(7, graph) + field(8, b"\x10\x11"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with refused(ModelFileError, "m.onnx", "more than 400,000 parts"):
        import_model(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64_000  # kB


def test_a_tensor_that_holds_less_than_it_says(tmp_path) -> None:
    path = small(tmp_path / "m.onnx", node("Relu", "c", "a"))
    file = onnx.load(path)
    file.graph.initializer[0].dims[0] = 2**40
    path.write_bytes(file.SerializeToString())
    with refused(ModelFileError, "the tensor", "does not hold what it says"):
        import_model(path)


def test_no_change_of_a_file_is_a_crash(tmp_path) -> None:
    """One byte changed, or the end cut off: a model, or one sentence."""
    content = small(tmp_path / "m.onnx", node("Relu", "c", "a")).read_bytes()
    chance = random.Random(3)
    refusals = []
    for _ in range(400):
        changed = bytearray(content)
        changed[chance.randrange(len(changed))] = chance.randrange(256)
        end = chance.choice((len(changed), chance.randrange(len(changed))))
        (tmp_path / "n.onnx").write_bytes(bytes(changed[:end]))
        try:
            import_model(tmp_path / "n.onnx")
        except LenetError as error:
            refusals.append(str(error))
    assert len(refusals) > 100
    assert not [text for text in refusals if "\n" in text or len(text) > 400]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("empty",)),
        (b"no onnx at all", ("cut, or something else",)),
        (b"PK\x03\x04........", ("a ZIP archive",)),
        (b"version https://git-lfs", ("Git LFS",)),
        (b"\x08\x08", ("holds no network",)),
    ],
)
def test_what_is_no_onnx(content, words, tmp_path) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with refused(ModelFileError, "m.onnx", *words):
        import_model(tmp_path / "m.onnx")


# The door for all who take a network.


def test_every_verb_takes_the_file(tmp_path, capsys) -> None:
    path = str(small(tmp_path / "net.onnx", node("Relu", "c", "a")))
    assert main(["explain", path, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["network"] == "1x6x6 | conv 2 k3 relu | dense 3"
    assert told["name"] == "net"
    assert main(["explain", path, "--input", "1x8x8"]) == 0
    assert "1@8x8" in capsys.readouterr().out
    assert main(["diagnose", path]) == 0
    assert "net fits" in capsys.readouterr().out
    assert main(["draw", path, "-o", str(tmp_path / "net.svg")]) == 0
    assert (tmp_path / "net.svg").stat().st_size > 1000
    assert main(["compare", path, "lenet"]) == 0
    assert main(["import", path, "-o", str(tmp_path / "net.safetensors")]) == 0
    assert lenet.Model.load(tmp_path / "net.safetensors").network.layers
    capsys.readouterr()
    assert main(["import", path, "-o", "net.onnx"]) == 2
    assert ".safetensors" in capsys.readouterr().err


def test_a_missing_package_is_told(tmp_path, monkeypatch) -> None:
    import sys

    path = small(tmp_path / "m.onnx", node("Relu", "c", "a"))
    for name in [name for name in sys.modules if name.startswith("lenet.formats.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with refused(LenetError, "onnx is needed to read ONNX", 'pip install "lenet[onnx]"'):
        lenet.explain(path)


def test_a_padding_names_its_axes(tmp_path) -> None:
    nodes = [
        node("Pad", "x pads none axes", "p"),
        node("Conv", "p w", "c"),
        node("Flatten", "c", "y"),
    ]
    found = []
    for axes, pads in (([3, 2], [0, 1, 2, 0]), ([-1, 0, -2], [0, 0, 1, 2, 0, 0])):
        path = write(
            tmp_path / "m.onnx", nodes, ["N", 1, 5, 5], none=np.zeros(()),
            axes=np.array(axes), pads=np.array(pads), w=np.ones((2, 1, 3, 3)),
        )  # fmt: skip
        found.append(str(import_model(path).network))
    assert found == ["1x5x5 | conv 2 k3 p1.0.0.2"] * 2
    path = write(
        tmp_path / "m.onnx", nodes, ["N", 1, 5, 5], none=np.zeros(()),
        axes=np.array([2, 3]), pads=np.array([1, 1, 1]), w=np.ones((2, 1, 3, 3)),
    )  # fmt: skip
    with refused(ModelFileError, "two sizes"):
        import_model(path)


def test_whole_numbers_on_the_way_are_refused(tmp_path) -> None:
    path = small(tmp_path / "m.onnx", node("Cast", "c", "a", to=TensorProto.INT32))
    with refused(ModelFileError, "Cast", "whole"):
        import_model(path)
    path = small(tmp_path / "m.onnx", node("Cast", "c", "a", to=TensorProto.DOUBLE))
    assert str(import_model(path).network).startswith("1x6x6 | conv 2 k3")


def test_a_softmax_without_an_axis_is_over_the_last(tmp_path) -> None:
    nodes = [node("Conv", "x w", "c"), node("Softmax", "c", "s"), node("Flatten", "s", "y")]
    path = write(tmp_path / "m.onnx", nodes, ["N", 1, 3, 3], w=RNG.normal(size=(4, 1, 3, 3)))
    with refused(ModelFileError, "not over the classes"):
        import_model(path)


# What looks like something else.


def test_one_number_behind_numbers_for_each_input(tmp_path) -> None:
    nodes = [
        node("Flatten", "x", "f"),
        node("Mul", "f each", "m"),
        node("Add", "m one", "a"),
        node("Gemm", "a v", "y"),
    ]
    tensors = {"each": RNG.normal(size=36), "one": np.array(3.0), "v": RNG.normal(size=(36, 3))}
    path = write(tmp_path / "m.onnx", nodes, ["N", 1, 6, 6], **tensors)
    given = images((1, 6, 6))
    wanted = run(path, given.astype(np.float32) / 255)
    np.testing.assert_allclose(import_model(path).scores(given), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("nodes", "kind", "why"),
    [
        ([node("Sub", "x low", "s"), node("Cast", "s", "c", to=1)], TensorProto.UINT8, "whole"),
        ([node("Cast", "x", "i", to=TensorProto.INT8)], TensorProto.UINT8, "cuts numbers"),
        ([node("Cast", "x", "i", to=TensorProto.BOOL)], TensorProto.UINT8, "cuts numbers"),
        ([node("Cast", "x", "i", to=TensorProto.INT32)], TensorProto.FLOAT, "cuts numbers"),
        ([node("Div", "x low", "s"), node("Cast", "s", "c", to=1)], TensorProto.INT32, "whole"),
    ],
)
def test_whole_numbers_are_not_read_as_floats(nodes, kind, why, tmp_path) -> None:
    nodes = [*nodes, node("Conv", f"{nodes[-1].output[0]} w", "k"), node("Flatten", "k", "y")]
    low = np.array(100, np.int32 if kind == TensorProto.INT32 else np.uint8)
    path = write(tmp_path / "m.onnx", nodes, ["N", 1, 5, 5], kind, low=low, w=np.ones((2, 1, 3, 3)))
    with refused(ModelFileError, "m.onnx", why):
        import_model(path)


def test_wide_whole_numbers_are_exact(tmp_path) -> None:
    nodes = [
        node("Cast", "x", "i", to=TensorProto.INT32),
        node("Sub", "i half", "s"),
        node("Cast", "s", "f", to=TensorProto.FLOAT),
        node("Conv", "f w", "k"),
        node("Flatten", "k", "y"),
    ]
    tensors = {"half": np.array(128, np.int32), "w": RNG.normal(size=(2, 1, 3, 3))}
    path = write(tmp_path / "m.onnx", nodes, ["N", 1, 5, 5], TensorProto.UINT8, **tensors)
    given = images((1, 5, 5))
    np.testing.assert_allclose(import_model(path).scores(given), run(path, given), rtol=1e-4)


def test_a_norm_with_the_outputs_of_training_is_refused(tmp_path) -> None:
    norm = helper.make_node("BatchNormalization", ["c", *"gbmv"], ["a", "m2", "v2"], "norm")
    ones = {name: np.ones(2) for name in "gbmv"}
    path = small(tmp_path / "m.onnx", norm, **{k: v for k, v in ones.items() if k not in "bv"})
    with refused(ModelFileError, "training mode"):
        import_model(path)


@pytest.mark.parametrize("sizes", [[-1, 1, 4, 16], [-1, 2, 8, 4]])
def test_a_picture_of_another_shape_is_another_picture(sizes, tmp_path) -> None:
    nodes = [node("Reshape", "x s", "r"), node("Flatten", "r", "f"), node("Gemm", "f v", "y")]
    tensors = {"s": np.array(sizes), "v": RNG.normal(size=(64, 3))}
    path = write(tmp_path / "m.onnx", nodes, ["N", 1, 8, 8], **tensors)
    with refused(ModelFileError, "pixels lie elsewhere"):
        import_model(path)
    path = write(tmp_path / "m.onnx", nodes, ["N", 64], **tensors)
    assert import_model(path).network.input_shape == tuple(sizes[1:])


def test_a_bias_for_each_image_and_two_tensors_of_one_name_are_refused(tmp_path) -> None:
    nodes = [node("Flatten", "x", "f"), node("Gemm", "f v b", "y")]
    tensors = {"v": RNG.normal(size=(36, 5)), "b": RNG.normal(size=(5, 1))}
    path = write(tmp_path / "m.onnx", nodes, [5, 1, 6, 6], **tensors)
    with refused(ModelFileError, "its bias has the shape (5, 1)"):
        import_model(path)
    file = onnx.load(path)
    file.graph.initializer.add().CopyFrom(file.graph.initializer[0])
    path.write_bytes(file.SerializeToString())
    with refused(ModelFileError, "one name"):
        import_model(path)
