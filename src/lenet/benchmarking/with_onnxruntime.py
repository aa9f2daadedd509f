"""The workload in ONNX Runtime, which does not train."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lenet.benchmarking.onnx_network import onnx_network
from lenet.benchmarking.workload import Workload
from lenet.errors import EngineError


class WithOnnxRuntime:
    """See :class:`lenet.benchmarking.worker.Contender`."""

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
        """Not its task.

        Raises:
            EngineError: always.
        """
        raise EngineError("ONNX Runtime does not train")

    def infer(self, number: int) -> NDArray[np.float32]:
        """The scores of batch ``number``."""
        return self._scores(self._workload.pixels[self._workload.batch_slice(number)])

    def infer_one(self, number: int) -> NDArray[np.float32]:
        """The scores (1, classes) of image ``number``."""
        return self._scores(self._workload.pixels[number : number + 1])

    def _scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        (scores,) = self._session.run(None, {"images": images})
        found: NDArray[np.float32] = scores
        return found
