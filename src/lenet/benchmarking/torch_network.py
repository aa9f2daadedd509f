"""How fast a network trains and scores images in PyTorch.

Only processes that run PyTorch import this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lenet.benchmarking.workload import RATE, Workload
from lenet.engine.plan import Floats, Plan
from lenet.errors import EngineError
from lenet.formats.torch_module import torch_network
from lenet.net import Network


class TorchRun:
    """A network in PyTorch with an optimizer, run in one of three ways."""

    optimizer: Any  # what moves the weights; set it before the first step

    def __init__(self, network: Network, plan: Plan, parameters: Floats, way: str) -> None:
        """Make it; ``way`` is eager, channels-last or compile."""
        is_last = way == "channels-last"
        self._layout = torch.channels_last if is_last else torch.contiguous_format
        #: Never compiled; ``scores`` is what is called, images to scores.
        self.module = torch_network(network, plan, parameters).to(memory_format=self._layout)
        # Not dynamic: each size of batch gets code of its own, as fast as can be.
        compiles = way == "compile"
        self.scores = torch.compile(self.module, dynamic=False) if compiles else self.module
        self._loss = torch.nn.CrossEntropyLoss()

    def lay_out(self, pixels: NDArray[np.float32]) -> Any:
        """Return images (N, C, H, W) as this way wants them in memory."""
        return torch.from_numpy(pixels).contiguous(memory_format=self._layout)

    def gradient(self, images: Any, labels: Any) -> None:
        """Run forward and backward."""
        if not self.module.training:  # batch normalisation is another thing in training
            self.scores.train()
        self.optimizer.zero_grad()
        self._loss(self.scores(images), labels).backward()

    def step(self, images: Any, labels: Any) -> None:
        """Run a training step: forward, backward, update."""
        self.gradient(images, labels)
        self.optimizer.step()


class WithTorch(TorchRun):
    """The workload in PyTorch: eager, in channels_last layout, or compiled."""

    def __init__(self, workload: Workload, way: str) -> None:
        torch.set_num_threads(workload.threads)
        super().__init__(workload.network, workload.plan, workload.parameters, way)
        self._workload = workload
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=RATE)
        self._images = self.lay_out(workload.pixels)
        self._labels = torch.from_numpy(workload.labels)
        self.what = f"torch {torch.__version__}"
        if way == "compile":
            self._compile()

    def _compile(self) -> None:
        """Compile for all tasks now, so that what fails fails here; keep weights and statistics."""
        state = {name: tensor.clone() for name, tensor in self.module.state_dict().items()}
        try:
            first = self._workload.batch_slice(0)
            self.gradient(self._images[first], self._labels[first])
            self.module.load_state_dict(state)
            self.infer(first)
            self.infer(slice(1))
        except Exception as error:  # PyTorch has no common class for what may go wrong
            text = str(error)
            if "InvalidCxxCompiler" in text:
                text = "it needs a C++ compiler, such as g++, and finds none that works"
            raise EngineError(text) from error

    def train(self, steps: int) -> None:
        """Run that many whole steps."""
        order = torch.from_numpy(self._workload.order(steps))
        for batch in order.split(self._workload.batch):
            self.step(self._images[batch], self._labels[batch])

    def infer(self, images: slice) -> NDArray[np.float32]:
        """Return the scores of some images; a single one comes from NumPy."""
        is_single = images.stop - (images.start or 0) == 1
        given = (
            torch.from_numpy(self._workload.pixels[images]) if is_single else self._images[images]
        )
        if self.module.training:
            self.scores.train(False)
        with torch.inference_mode():
            scores: NDArray[np.float32] = self.scores(given).numpy()
        return scores
