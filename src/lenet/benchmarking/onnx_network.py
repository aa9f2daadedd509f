"""How fast ONNX Runtime scores images with a network. Only processes that run it import this."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lenet.benchmarking.workload import Workload
from lenet.errors import EngineError
from lenet.formats.onnx_file import onnx_network
from lenet.formats.plain import plain_model
from lenet.model import Model
from lenet.net import Rbf


class WithOnnxRuntime:
    """The workload in ONNX Runtime, which does not train."""

    def __init__(self, workload: Workload) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = workload.threads
        if workload.network.layers[-1].keyword == Rbf.keyword:
            what = "ONNX Runtime gets a dense layer for an RBF layer, whose scores are no distances"
            raise EngineError(what)
        views = {tensor.name: tensor.view(workload.parameters) for tensor in workload.plan.tensors}
        plain = plain_model(Model(workload.network).load_state_dict(views))
        content = onnx_network(plain.network, plain.plan, plain.table)
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
        scores = self._session.run(None, {"image": self._workload.pixels[images]})
        return scores[0]
