"""A network as an ONNX file, for ONNX Runtime.

The operators of opset 17 in a row: every padding, one side at a time, is theirs as well. Batch
normalisation is folded into the weights, as ONNX Runtime would do by itself. Only processes that
run ONNX Runtime import this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from lenet.engine.normalise import folded_plan, folded_table
from lenet.engine.plan import Floats, Plan
from lenet.net import AvgPool2d, Conv2d, Dense, MaxPool2d, Network, PlacedLayer
from lenet.net.layers import LEAKY_SLOPE

OPSET: Final = 17
#: What every runtime since 2022 reads; the package's own default may be newer than the runtime.
IR_VERSION: Final = 8

_ACTIVATIONS: Final = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}


def onnx_network(network: Network, plan: Plan, parameters: Floats) -> bytes:
    """``network`` with ``parameters`` (T,) as the content of an ``.onnx`` file.

    Its input ``images`` is (N, C, H, W) float32 for any N, its output ``scores`` (N, classes).
    """
    folded = folded_table(plan, parameters)
    graph = helper.make_graph(
        list(_all_nodes(network)),
        "network",
        [_value("images", network.input_shape)],
        [_value("scores", (plan.classes,))],
        [
            numpy_helper.from_array(tensor.view(folded).astype(np.float32), tensor.name)
            for tensor in folded_plan(plan).tensors
        ],
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
    checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _value(name: str, shape: tuple[int, ...]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])


def _all_nodes(network: Network) -> Iterator[Any]:
    flow = "images"
    for place in network.placed:
        if isinstance(place.layer, Dense) and len(place.input_shape) > 1:
            yield helper.make_node("Flatten", [flow], ["flat"])
            flow = "flat"
        is_scores = place is network.placed[-1] and len(place.output_shape) == 1
        result = "scores" if is_scores else place.name
        yield from _nodes(place, flow, result)
        flow = result
    if flow != "scores":  # the network ends with maps
        yield helper.make_node("Flatten", [flow], ["scores"])


def _nodes(place: PlacedLayer, flow: str, result: str) -> Iterator[Any]:
    """The nodes of one layer, from the value ``flow`` to the value ``result``."""
    name, layer = place.name, place.layer
    activation = layer.activation if isinstance(layer, Conv2d | Dense) else "identity"
    before = result if activation == "identity" else f"{name}.before"
    weights = [f"{name}.weight", f"{name}.bias"]
    match layer:
        case Dense():
            yield helper.make_node("Gemm", [flow, *weights], [before], transB=1)
        case Conv2d():
            yield helper.make_node("Conv", [flow, *weights], [before], **_window(layer))
        case MaxPool2d():
            yield helper.make_node("MaxPool", [flow], [before], **_window(layer))
        case AvgPool2d():
            window = _window(layer)
            yield helper.make_node("AveragePool", [flow], [before], count_include_pad=1, **window)
    match activation:
        case "identity":
            return
        case "leaky-relu":
            yield helper.make_node("LeakyRelu", [before], [result], alpha=LEAKY_SLOPE)
        case "silu":
            yield helper.make_node("Sigmoid", [before], [f"{name}.gate"])
            yield helper.make_node("Mul", [before, f"{name}.gate"], [result])
        case _:
            yield helper.make_node(_ACTIVATIONS[activation], [before], [result])


def _window(layer: Conv2d | MaxPool2d | AvgPool2d) -> dict[str, tuple[int, ...]]:
    top, bottom, left, right = layer.padding
    return {
        "kernel_shape": layer.kernel_size,
        "strides": layer.stride,
        "pads": (top, left, bottom, right),
    }
