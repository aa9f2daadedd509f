"""A network as an ONNX file, with the preprocessing of its images inside the graph.

The operators of opset 17 in a row; those used did not change between 13 and 17. Batch
normalisation is folded into the weights. The class names and the preprocessing stand in the file's
metadata, as JSON, under ``classes`` and ``preprocessing``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from lenet.engine.normalise import folded_plan, folded_table
from lenet.engine.plan import Floats, Plan
from lenet.formats.names import ACTIVATIONS
from lenet.model import Model
from lenet.net import AvgPool2d, Network, PlacedLayer
from lenet.version import VERSION

#: What a file takes: bytes, or the same numbers as floats; or what the network itself reads.
Input = Literal["uint8", "float", "raw"]
#: What every runtime since 2022 reads; the package's own default may be newer than the runtime.
IR_VERSION: Final = 8
OPSET: Final = 17


def to_onnx(model: Model, takes: Input = "uint8", opset: int = OPSET) -> bytes:
    """Return ``model`` as the content of an ``.onnx`` file, for any number of images N.

    It takes ``image`` (N, C, H, W), pixels from 0 to 255, and gives ``probabilities`` (N, classes);
    a raw one takes ``image`` scaled already, and gives ``scores``, before the softmax.
    """
    metadata = {
        "input": takes,
        "classes": json.dumps(model.classes),
        "preprocessing": json.dumps(model.preprocessing.to_dict()),
        "network": str(model.network),
    }
    if takes == "raw":
        return onnx_network(model.network, model.plan, model.table, opset, metadata)
    scale, shift = (values.reshape(-1, 1, 1) for values in model.preprocessing.scale_and_shift())
    given, nodes = "image", []
    if takes == "uint8":
        nodes.append(helper.make_node("Cast", ["image"], ["bytes"], to=TensorProto.FLOAT))
        given = "bytes"
    nodes.append(helper.make_node("Mul", [given, "pixel_scale"], ["scaled"]))
    nodes.append(helper.make_node("Add", ["scaled", "pixel_shift"], ["pixels"]))
    nodes += _all_nodes(model.network, "pixels")
    nodes.append(helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1))
    constants = {"pixel_scale": scale, "pixel_shift": shift}
    kind = TensorProto.UINT8 if takes == "uint8" else TensorProto.FLOAT
    return _file(model.plan, model.table, nodes, constants, kind, "probabilities", opset, metadata)


def onnx_network(
    network: Network,
    plan: Plan,
    parameters: Floats,
    opset: int = OPSET,
    metadata: dict[str, str] | None = None,
) -> bytes:
    """Return ``network`` with ``parameters`` (T,) as the content of an ``.onnx`` file.

    Its input ``image`` is (N, C, H, W) float32 for any N, scaled already, its output ``scores``
    (N, classes).
    """
    nodes = list(_all_nodes(network, "image"))
    kind = TensorProto.FLOAT
    return _file(plan, parameters, nodes, {}, kind, "scores", opset, metadata or {})


def _file(
    plan: Plan,
    parameters: Floats,
    nodes: list[Any],
    constants: dict[str, Any],
    kind: int,
    output: str,
    opset: int,
    metadata: dict[str, str],
) -> bytes:
    folded = folded_table(plan, parameters)
    tensors = {tensor.name: tensor.view(folded) for tensor in folded_plan(plan).tensors}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", kind, ["N", *plan.input_shape])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", plan.classes])],
        [
            numpy_helper.from_array(np.asarray(values, np.float32), name)
            for name, values in {**constants, **tensors}.items()
        ],
    )
    file = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=IR_VERSION,
        producer_name="lenet",
        producer_version=VERSION,
    )
    helper.set_model_props(file, metadata)
    checker.check_model(file, full_check=True)
    content: bytes = file.SerializeToString()
    return content


def _all_nodes(network: Network, flow: str) -> Iterator[Any]:
    for place in network.placed:
        is_scores = place is network.placed[-1] and len(place.output_shape) == 1
        result = "scores" if is_scores else place.name
        if len(place.output_shape) < len(place.input_shape):  # a dense layer on maps
            yield helper.make_node("Flatten", [flow], ["flat"])
            flow = "flat"
        yield from _nodes(place, flow, result)
        flow = result
    if flow != "scores":  # the network ends with maps
        yield helper.make_node("Flatten", [flow], ["scores"])


def _nodes(place: PlacedLayer, flow: str, result: str) -> Iterator[Any]:
    """Yield the nodes of one layer, from the value ``flow`` to the value ``result``."""
    name, layer = place.name, place.layer
    activation = ACTIVATIONS[getattr(layer, "activation", "identity")]
    before = f"{name}.before" if activation else result
    weights = [f"{name}.weight", f"{name}.bias"] if place.tensors else []
    if isinstance(layer, AvgPool2d) and any(layer.padding):
        # By a node of its own: OpenCV 4 leaves an average pooling's own padding out of its mean.
        top, bottom, left, right = layer.padding
        pads = numpy_helper.from_array(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))
        yield helper.make_node("Constant", [], [f"{name}.pads"], value=pads)
        yield helper.make_node("Pad", [flow, f"{name}.pads"], [f"{name}.padded"])
        flow, layer = f"{name}.padded", layer.replace(padding=(0, 0, 0, 0))
    operator, attributes = OPERATORS[layer.keyword]
    yield helper.make_node(operator, [flow, *weights], [before], **attributes(layer))
    if activation:
        value = f"{name}.gate" if activation.gates else result
        settings = {} if activation.slope is None else {"alpha": activation.slope}
        yield helper.make_node(activation.onnx, [before], [value], **settings)
        if activation.gates:
            yield helper.make_node("Mul", [before, value], [result])


def _window(layer: Any) -> dict[str, Any]:
    top, bottom, left, right = layer.padding
    pads = (top, left, bottom, right)
    return {"kernel_shape": layer.kernel_size, "strides": layer.stride, "pads": pads}


def _convolution(layer: Any) -> dict[str, Any]:
    return {"group": layer.groups, **_window(layer)}


#: By a layer's keyword: the operator, and its attributes for the layer.
OPERATORS: Final[dict[str, tuple[str, Callable[[Any], dict[str, Any]]]]] = {
    "conv": ("Conv", _convolution),
    "maxpool": ("MaxPool", _window),
    "avgpool": ("AveragePool", _window),
    "dense": ("Gemm", lambda layer: {"transB": 1}),
}
