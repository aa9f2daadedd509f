"""A network as an ONNX file, and how fast ONNX Runtime scores images with it.

The operators of opset 17 in a row: every padding, one side at a time, is theirs as well. Batch
normalisation is folded into the weights, as ONNX Runtime would do by itself. Only processes that
run ONNX Runtime import this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper

from lenet.benchmarking.frameworks import ACTIVATIONS
from lenet.benchmarking.workload import Workload
from lenet.engine.normalise import folded_plan, folded_table
from lenet.engine.plan import Floats, Plan
from lenet.errors import EngineError
from lenet.net import Network, PlacedLayer

OPSET: Final = 17
#: What every runtime since 2022 reads; the package's own default may be newer than the runtime.
IR_VERSION: Final = 8


def onnx_network(network: Network, plan: Plan, parameters: Floats) -> bytes:
    """Return ``network`` with ``parameters`` (T,) as the content of an ``.onnx`` file.

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
    "avgpool": ("AveragePool", lambda layer: {"count_include_pad": 1, **_window(layer)}),
    "dense": ("Gemm", lambda layer: {"transB": 1}),
}


class WithOnnxRuntime:
    """The workload in ONNX Runtime, which does not train."""

    def __init__(self, workload: Workload) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = workload.threads
        content = onnx_network(workload.network, workload.plan, workload.parameters)
        self._workload = workload
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self.what = f"onnxruntime {onnxruntime.__version__}"

    def train(self, steps: int) -> None:
        """Refuse to: it is not its task."""
        raise EngineError("ONNX Runtime does not train")

    def infer(self, images: slice) -> NDArray[np.float32]:
        """Return the scores of some images."""
        scores: list[NDArray[np.float32]]
        scores = self._session.run(None, {"images": self._workload.pixels[images]})
        return scores[0]
