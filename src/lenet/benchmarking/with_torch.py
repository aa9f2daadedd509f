"""The workload in PyTorch: eager, in channels_last layout, or compiled."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from lenet.benchmarking.torch_network import torch_network
from lenet.benchmarking.workload import RATE, Workload
from lenet.engine.plan import Floats, Plan
from lenet.errors import EngineError
from lenet.net import Network

WAYS: Final = ("eager", "channels-last", "compile")


class TorchRun:
    """A network in PyTorch with an optimizer, run in one of the three ways.

    Attributes:
        scores: the network as it is to be called, images to scores.
        module: the same, never compiled.
        optimizer: what moves the weights; set it before the first step.
    """

    optimizer: Any

    def __init__(self, network: Network, plan: Plan, parameters: Floats, way: str) -> None:
        last = way == "channels-last"
        self._layout = torch.channels_last if last else torch.contiguous_format
        self.module = torch_network(network, plan, parameters).to(memory_format=self._layout)
        # Not dynamic: each size of batch gets code of its own, as fast as can be.
        compiled = way == "compile"
        self.scores = torch.compile(self.module, dynamic=False) if compiled else self.module
        self._loss = torch.nn.CrossEntropyLoss()

    def lay_out(self, pixels: NDArray[np.float32]) -> torch.Tensor:
        """Images (N, C, H, W) as this way wants them in memory."""
        return torch.from_numpy(pixels).contiguous(memory_format=self._layout)

    def gradient(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Forward and backward."""
        self._switch(training=True)
        self.optimizer.zero_grad()
        self._loss(self.scores(images), labels).backward()

    def infer(self, images: torch.Tensor) -> NDArray[np.float32]:
        """Scores (N, classes)."""
        self._switch(training=False)
        with torch.inference_mode():
            scores: NDArray[np.float32] = self.scores(images).numpy()
        return scores

    def _switch(self, training: bool) -> None:
        """Batch normalisation is another thing in training; asked first, for that takes no time."""
        if self.module.training != training:
            self.scores.train(training)

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """A training step: forward, backward, update."""
        self.gradient(images, labels)
        self.optimizer.step()


class WithTorch:
    """See :class:`lenet.benchmarking.worker.Contender`."""

    def __init__(self, workload: Workload, way: str) -> None:
        torch.set_num_threads(workload.threads)
        self._workload = workload
        self._run = TorchRun(workload.network, workload.plan, workload.parameters, way)
        self._run.optimizer = torch.optim.SGD(self._run.module.parameters(), lr=RATE)
        self._images = self._run.lay_out(workload.pixels)
        self._labels = torch.from_numpy(workload.labels)
        self.what = f"torch {torch.__version__}"
        if way == "compile":
            self._compile()

    def _compile(self) -> None:
        """Compile for all tasks now, so that what fails fails here; the weights stay, and running
        statistics are put back."""
        module = self._run.module
        state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
        try:
            first = self._workload.batch_slice(0)
            self._run.gradient(self._images[first], self._labels[first])
            module.load_state_dict(state)
            self.infer(0)
            self.infer_one(0)
        except Exception as error:  # PyTorch has no common class for what may go wrong
            text = str(error)
            if "InvalidCxxCompiler" in text:
                text = "it needs a C++ compiler, such as g++, and finds none that works"
            raise EngineError(text) from error

    def train(self, steps: int) -> None:
        """Run that many whole steps."""
        order = torch.from_numpy(self._workload.order(steps))
        for batch in order.split(self._workload.batch):
            self._run.step(self._images[batch], self._labels[batch])

    def infer(self, number: int) -> NDArray[np.float32]:
        """The scores of batch ``number``."""
        return self._run.infer(self._images[self._workload.batch_slice(number)])

    def infer_one(self, number: int) -> NDArray[np.float32]:
        """The scores (1, classes) of image ``number``, from NumPy to NumPy."""
        return self._run.infer(torch.from_numpy(self._workload.pixels[number : number + 1]))
