"""What every contender does, and who does it.

A workload is one network with its weights, images and labels, the same for all. They are drawn,
not read: how long a step takes does not depend on them. Each process draws them for itself, from
the same seed, and imports no framework but its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from lenet.engine.engine import Samples
from lenet.engine.initialise import initialise
from lenet.engine.native import check_threads
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats, Plan, make_plan
from lenet.errors import DivergenceError, EngineError, UsageError
from lenet.model import Model
from lenet.net import Network, parse_network
from lenet.net.words import shown

#: Training, then inference in batches, then one image at a time.
TASKS: Final = ("training", "inference", "one-image")
#: So small that the weights stay where they are, however many steps are timed.
RATE: Final = 1e-5
#: How much the images take in float32, unless two batches are more: larger than a cache.
IMAGE_BYTES: Final = 64 * 10**6
MAX_BATCH: Final = 1_000_000


@dataclass(frozen=True)
class Workload:
    """A network, how many images a batch has, and on how many threads.

    Raises:
        UsageError: a number out of range.
    """

    network: Network
    batch: int = 256
    threads: int = 1

    def __post_init__(self) -> None:
        whole = isinstance(self.batch, int) and not isinstance(self.batch, bool)
        if not (whole and 1 <= self.batch <= MAX_BATCH):
            raise UsageError(
                f"the batch is {shown(self.batch)}; it must be a whole number from 1 to "
                f"{MAX_BATCH:,}."
            )
        check_threads(self.threads)

    def to_dict(self) -> dict[str, Any]:
        """Return the same for JSON."""
        return {"network": str(self.network), "batch": self.batch, "threads": self.threads}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote."""
        return cls(parse_network(values["network"]), values["batch"], values["threads"])

    @cached_property
    def plan(self) -> Plan:
        """The network's plan."""
        return make_plan(self.network)

    @cached_property
    def parameters(self) -> NDArray[np.float32]:
        """The flat table (T,).

        Biases are drawn too, so that a lost one shows in the scores, and what a normalisation has
        beside its bias.
        """
        table = initialise(self.plan, "kaiming", seed=0)
        random = np.random.default_rng(0)
        for tensor in self.plan.tensors:
            if len(tensor.shape) == 1:
                tensor.view(table)[...] = random.normal(0, 0.1, tensor.shape)
        for norm in (step.norm for step in self.plan.steps if step.norm):
            for tensor in (norm.scale, norm.variance):
                tensor.view(table)[...] += 1
        return table

    @property
    def batches(self) -> int:
        """How many batches of images there are."""
        return max(2, IMAGE_BYTES // (4 * self.batch * prod(self.network.input_shape)))

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """Random pixels (N, C, H, W), ``batches`` full batches."""
        shape = (self.batches * self.batch, *self.network.input_shape)
        return np.random.default_rng(1).integers(0, 256, shape, np.uint8)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """A random class for each image, (N,)."""
        return np.random.default_rng(2).integers(0, self.plan.classes, len(self.images))

    @cached_property
    def pixels(self) -> NDArray[np.float32]:
        """The images from 0 to 1, (N, C, H, W), for those who do not take bytes."""
        return np.divide(self.images, 255, dtype=np.float32)

    def batch_slice(self, number: int) -> slice:
        """Say where batch ``number`` lies in the images; after the last comes the first again."""
        start = number % self.batches * self.batch
        return slice(start, start + self.batch)

    def order(self, steps: int) -> NDArray[np.int32]:
        """Return the indices of the images of ``steps`` training steps, (steps * batch,)."""
        return np.resize(self._shuffled, steps * self.batch)

    @cached_property
    def _shuffled(self) -> NDArray[np.int32]:
        return np.random.default_rng(3).permutation(len(self.images)).astype(np.int32)

    @cached_property
    def multiply_adds(self) -> dict[str, int]:
        """Of one image, for each task.

        Training does the work three times: forward, the weights' gradient, and the inputs'
        gradient, which the first layer that has weights does not need.
        """
        counts = [place.layer.multiply_adds(place.input_shape) for place in self.network.placed]
        forward, first = sum(counts), next(filter(None, counts), 0)
        return dict(zip(TASKS, (3 * forward - first, forward, forward), strict=True))


class Contender(Protocol):
    """One way to do a workload."""

    what: str  # its framework and version

    def train(self, steps: int) -> None:
        """Run that many whole steps: forward, backward, update."""

    def infer(self, images: slice) -> NDArray[np.float32]:
        """Return the scores (N, classes) of some of the workload's images, NumPy to NumPy."""


def make_contender(name: str, workload: Workload) -> Contender:
    """Return the contender of that name."""
    framework, _, way = name.partition("-")
    if framework == "torch":
        return WithTorch(workload, way)
    return WithOnnxRuntime(workload) if framework == "onnxruntime" else WithLenet(workload)


class WithLenet:
    """The workload in this package, as a user's program would call it."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._model = Model(workload.network).initialize()
        self._model.table[...] = workload.parameters
        self._engine = self._model.engine(workload.threads)
        self._optimizer = Optimizer("sgd")
        self._state = np.zeros((0, workload.plan.table_size), np.float32)
        self._samples = Samples(
            workload.images,
            workload.labels.astype(np.int32),
            *self._model.preprocessing.scale_and_shift(),
        )
        self.what = self._engine.name

    def train(self, steps: int) -> None:
        """Run that many whole steps."""
        result = self._engine.train(
            self._model.table,
            self._state,
            self._samples,
            self._workload.order(steps),
            self._workload.batch,
            np.full(steps, RATE),
            0,
            self._optimizer,
        )
        if result.steps < steps:
            raise DivergenceError(
                "training on random images diverged; the network multiplies what flows through "
                "it beyond 32 bits, so there is nothing to time."
            )

    def infer(self, images: slice) -> NDArray[np.float32]:
        """Return the scores of some images."""
        return self._model.scores(self._workload.images[images], self._workload.threads)


class TorchRun:
    """A network in PyTorch with an optimizer, run in one of three ways.

    Attributes:
        scores: the network as it is to be called, images to scores.
        module: the same, never compiled.
        optimizer: what moves the weights; set it before the first step.
    """

    optimizer: Any

    def __init__(self, network: Network, plan: Plan, parameters: Floats, way: str) -> None:
        """Make it; ``way`` is eager, channels-last or compile."""
        import torch

        from lenet.benchmarking.torch_network import torch_network

        self._torch = torch
        last = way == "channels-last"
        self._layout = torch.channels_last if last else torch.contiguous_format
        self.module = torch_network(network, plan, parameters).to(memory_format=self._layout)
        # Not dynamic: each size of batch gets code of its own, as fast as can be.
        compiled = way == "compile"
        self.scores = torch.compile(self.module, dynamic=False) if compiled else self.module
        self._loss = torch.nn.CrossEntropyLoss()

    def lay_out(self, pixels: NDArray[np.float32]) -> Any:
        """Return images (N, C, H, W) as this way wants them in memory."""
        return self._torch.from_numpy(pixels).contiguous(memory_format=self._layout)

    def gradient(self, images: Any, labels: Any) -> None:
        """Run forward and backward."""
        self._switch(training=True)
        self.optimizer.zero_grad()
        self._loss(self.scores(images), labels).backward()

    def infer(self, images: Any) -> NDArray[np.float32]:
        """Return scores (N, classes)."""
        self._switch(training=False)
        with self._torch.inference_mode():
            scores: NDArray[np.float32] = self.scores(images).numpy()
        return scores

    def _switch(self, training: bool) -> None:
        """Batch normalisation is another thing in training; asked first, for that takes no time."""
        if self.module.training != training:
            self.scores.train(training)

    def step(self, images: Any, labels: Any) -> None:
        """Run a training step: forward, backward, update."""
        self.gradient(images, labels)
        self.optimizer.step()


class WithTorch:
    """The workload in PyTorch: eager, in channels_last layout, or compiled."""

    def __init__(self, workload: Workload, way: str) -> None:
        import torch

        torch.set_num_threads(workload.threads)
        self._torch, self._workload = torch, workload
        self._run = TorchRun(workload.network, workload.plan, workload.parameters, way)
        self._run.optimizer = torch.optim.SGD(self._run.module.parameters(), lr=RATE)
        self._images = self._run.lay_out(workload.pixels)
        self._labels = torch.from_numpy(workload.labels)
        self.what = f"torch {torch.__version__}"
        if way == "compile":
            self._compile()

    def _compile(self) -> None:
        """Compile for all tasks now, so that what fails fails here.

        The weights stay, and running statistics are put back.
        """
        module = self._run.module
        state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
        try:
            first = self._workload.batch_slice(0)
            self._run.gradient(self._images[first], self._labels[first])
            module.load_state_dict(state)
            self.infer(first)
            self.infer(slice(1))
        except Exception as error:  # PyTorch has no common class for what may go wrong
            text = str(error)
            if "InvalidCxxCompiler" in text:
                text = "it needs a C++ compiler, such as g++, and finds none that works"
            raise EngineError(text) from error

    def train(self, steps: int) -> None:
        """Run that many whole steps."""
        order = self._torch.from_numpy(self._workload.order(steps))
        for batch in order.split(self._workload.batch):
            self._run.step(self._images[batch], self._labels[batch])

    def infer(self, images: slice) -> NDArray[np.float32]:
        """Return the scores of some images; a single one comes from NumPy."""
        if images.stop - (images.start or 0) == 1:
            return self._run.infer(self._torch.from_numpy(self._workload.pixels[images]))
        return self._run.infer(self._images[images])


class WithOnnxRuntime:
    """The workload in ONNX Runtime, which does not train."""

    def __init__(self, workload: Workload) -> None:
        import onnxruntime

        from lenet.benchmarking.onnx_network import onnx_network

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = workload.threads
        content = onnx_network(workload.network, workload.plan, workload.parameters)
        self._workload = workload
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self.what = f"onnxruntime {onnxruntime.__version__}"

    def train(self, steps: int) -> None:
        """Refuse to: it is not its task.

        Raises:
            EngineError: always.
        """
        raise EngineError("ONNX Runtime does not train")

    def infer(self, images: slice) -> NDArray[np.float32]:
        """Return the scores of some images."""
        (scores,) = self._session.run(None, {"images": self._workload.pixels[images]})
        found: NDArray[np.float32] = scores
        return found
