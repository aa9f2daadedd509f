"""Our layers in ONNX: same weights, same scores, in ONNX Runtime."""

import numpy as np
import pytest

from lenet.benchmarking.workload import Workload
from lenet.errors import EngineError
from lenet.formats.names import ACTIVATIONS
from lenet.net import layers, parse_network
from random_networks import random_network
from refusals import refused

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from lenet.benchmarking.onnx_network import WithOnnxRuntime  # noqa: E402
from lenet.formats.onnx_file import (  # noqa: E402
    OPERATORS,
    onnx_network,
)


def test_every_layer_has_its_operator():
    # The others are said in these: formats/plain.py.
    assert OPERATORS.keys() == layers.LAYERS.keys() - {"subsample", "rbf"}


def test_layers_of_1998_are_said_in_others(expected_scores):
    work = Workload(
        parse_network("4x9x9 | conv 12 k3 table:lenet-1 scaled-tanh, subsample 2 | dense 3"),
        batch=2,
    )
    np.testing.assert_allclose(
        WithOnnxRuntime(work).infer(slice(0, 2)), expected_scores(work, 2), rtol=1e-5, atol=1e-5
    )
    with refused(EngineError, "distances"):
        WithOnnxRuntime(Workload(parse_network("1x4x4 | rbf 3"), batch=2))


def run(work, images):
    content = onnx_network(work.network, work.plan, work.parameters)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (scores,) = session.run(["scores"], {"image": images})
    return scores


@pytest.mark.parametrize("seed", range(60))
def test_scores_of_random_networks(seed, expected_scores):
    work = Workload(random_network(seed, ends_dense=seed % 3 > 0), batch=3)
    expected = expected_scores(work, 3)
    np.testing.assert_allclose(run(work, work.pixels[:3]), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation, expected_scores):
    body = f"conv 4 k3 {activation}, avgpool 2 | dense 5 {activation}, dense 3 {activation}"
    work = Workload(parse_network(f"2x8x8 | {body}"), batch=2)
    expected = expected_scores(work, 2)
    np.testing.assert_allclose(run(work, work.pixels[:2]), expected, rtol=1e-5, atol=1e-5)


def test_normalisation_is_folded_into_the_weights(expected_scores):
    body = "conv 4 k3 p1 batchnorm silu, avgpool 2, conv 3 k2 batchnorm | dense 2"
    work = Workload(parse_network(f"2x8x8 | {body}"), batch=6)
    expected = expected_scores(work, 6)
    np.testing.assert_allclose(run(work, work.pixels[:6]), expected, rtol=1e-5, atol=1e-5)
    model = onnx.load_from_string(onnx_network(work.network, work.plan, work.parameters))
    names = [tensor.name for tensor in model.graph.initializer]
    parts = ("weight", "bias")
    assert names == [f"{layer}.{part}" for layer in ("conv0", "conv1", "dense0") for part in parts]


def test_any_number_of_images():
    work = Workload(parse_network("1x4x4 | conv 3 k2 relu | dense 2"))
    assert [run(work, work.pixels[:n]).shape for n in (1, 7)] == [(1, 2), (7, 2)]


def test_no_node_too_many():
    work = Workload(parse_network("1x8x8 | conv 4 k3 relu, maxpool 2 | dense 5 silu, dense 2"))
    model = onnx.load_from_string(onnx_network(work.network, work.plan, work.parameters))
    operators = [node.op_type for node in model.graph.node]
    assert operators == ["Conv", "Relu", "MaxPool", "Flatten", "Gemm", "Sigmoid", "Mul", "Gemm"]
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
