"""A network in PyTorch, as an engineer would write it there: plain modules in a row; and its speed.

Only processes that run PyTorch import this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lenet.benchmarking.frameworks import ACTIVATIONS
from lenet.benchmarking.workload import RATE, Workload
from lenet.engine.normalise import EPSILON, MOMENTUM
from lenet.engine.plan import Floats, Plan
from lenet.errors import EngineError
from lenet.net import Network, PlacedLayer
from lenet.net.shapes import Pair, Shape, elements


def torch_network(network: Network, plan: Plan, parameters: Floats) -> Any:
    """Return ``network`` with ``parameters`` (T,) as an ``nn.Sequential``, in their precision.

    It takes images (N, C, H, W), gives scores (N, classes), and begins in training mode.
    """
    modules = [module for place in network.placed for module in torch_modules(place)]
    if not any(isinstance(module, nn.Flatten) for module in modules):
        modules.append(nn.Flatten())
    sequence = nn.Sequential(*modules).to(torch.from_numpy(parameters[:1]).dtype)
    with torch.no_grad():
        for theirs, ours in zip(torch_tensors(sequence), plan.tensors, strict=True):
            theirs.copy_(torch.from_numpy(ours.view(parameters).copy()))
    return sequence


def torch_tensors(modules: Iterable[Any]) -> Iterator[Any]:
    """Yield their tensors in the order of our plan's; a normalisation's shift is its bias."""
    for module in modules:
        names: tuple[str, ...] = ("weight", "bias")
        if isinstance(module, nn.BatchNorm2d):
            names = ("bias", "weight", "running_mean", "running_var")
        tensors = (getattr(module, name, None) for name in names)
        yield from (tensor for tensor in tensors if tensor is not None)


def torch_table(modules: Iterable[Any], plan: Plan) -> Floats:
    """Return our table (T,) of what the modules hold now: the reverse of :func:`torch_network`."""
    tensors = [tensor.detach().numpy() for tensor in torch_tensors(modules)]
    table = np.zeros(plan.table_size, tensors[0].dtype if tensors else np.float32)
    for ours, theirs in zip(plan.tensors, tensors, strict=True):
        ours.view(table)[...] = theirs
    return table


def torch_modules(place: PlacedLayer) -> list[Any]:
    """Return the modules that do what one layer does, its flattening and activation included."""
    modules = MODULES[place.layer.keyword](place.layer, place.input_shape)
    names = ACTIVATIONS[getattr(place.layer, "activation", "identity")]
    if names is None:
        return modules
    settings = () if names.slope is None else (names.slope,)
    return [*modules, getattr(nn, names.torch)(*settings)]


def _dense(layer: Any, shape: Shape) -> list[Any]:
    flatten = [nn.Flatten()] if len(shape) > 1 else []
    return [*flatten, nn.Linear(elements(shape), layer.units)]


def _conv(layer: Any, shape: Shape) -> list[Any]:
    pad, padding = _padding(layer, 0.0)
    window = layer.kernel_size, layer.stride, padding
    norm = [nn.BatchNorm2d(layer.channels, EPSILON, MOMENTUM)] * layer.batch_norm
    settings = {"groups": layer.groups, "bias": not norm}
    return [*pad, nn.Conv2d(shape[0], layer.channels, *window, **settings), *norm]


def _pooling(module: Callable[..., Any], padded_with: float) -> Callable[[Any, Shape], list[Any]]:
    def make(layer: Any, shape: Shape) -> list[Any]:
        pad, padding = _padding(layer, padded_with, (2, 2))
        return [*pad, module(layer.kernel_size, layer.stride, padding)]

    return make


def _padding(layer: Any, value: float, windows: Pair = (0, 0)) -> tuple[list[Any], Pair]:
    """Return a module that pads, where PyTorch's own padding cannot, and that own padding.

    Its layers pad both sides alike; a pooling pads at most half its window, which ``windows`` says.
    """
    top, bottom, left, right = layer.padding
    sides = zip(windows, (top, left), layer.kernel_size, strict=True)
    if (top, left) == (bottom, right) and all(times * side <= size for times, side, size in sides):
        return [], (top, left)
    return [nn.ConstantPad2d((left, right, top, bottom), value)], (0, 0)


#: By a layer's keyword: the modules for the layer on an input of a shape, without its activation.
MODULES: Final[dict[str, Callable[[Any, Shape], list[Any]]]] = {
    "conv": _conv,
    "maxpool": _pooling(nn.MaxPool2d, -torch.inf),
    "avgpool": _pooling(nn.AvgPool2d, 0.0),
    "dense": _dense,
}


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
