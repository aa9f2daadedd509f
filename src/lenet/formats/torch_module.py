"""A network in PyTorch, as an engineer would write it there: plain modules in a row.

Only what is asked for PyTorch imports this file.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from lenet.engine.normalise import EPSILON, MOMENTUM
from lenet.engine.plan import Floats, Plan
from lenet.formats.names import ACTIVATIONS, is_own_padding
from lenet.model import Model
from lenet.net import Network, PlacedLayer, tables
from lenet.net.layers import SCALED_TANH
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


def named_network(model: Model) -> Any:
    """Return a model as an ``nn.Sequential`` whose children have our layers' names.

    A layer's normalisation and activation follow it as ``conv0_norm`` and ``conv0_relu``; of the
    state dict's names the weights and biases are ours. It is in evaluation mode.
    """
    plain = torch_network(model.network, model.plan, model.table)
    names = [name for place in model.network.placed for name in _names(place)]
    names += ["flatten"] * (len(plain) - len(names))
    return nn.Sequential(OrderedDict(zip(names, plain, strict=True))).train(False)


def _names(place: PlacedLayer) -> Iterator[str]:
    own = {nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d, Subsample, PartlyConnected, Rbf}
    others = {nn.ConstantPad2d: "pad", nn.BatchNorm2d: "norm"}
    for module in torch_modules(place):
        kind = type(module)
        yield (
            place.name if kind in own else f"{place.name}_{others.get(kind, kind.__name__.lower())}"
        )


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
    activation = getattr(place.layer, "activation", "identity")
    if activation == "scaled-tanh":
        return [*modules, ScaledTanh()]
    names = ACTIVATIONS[activation]
    if names is None:
        return modules
    settings = () if names.slope is None else (names.slope,)
    return [*modules, getattr(nn, names.torch)(*settings)]


class ScaledTanh(nn.Module):  # type: ignore[misc]
    """A tanh(S x) of LeCun et al. 1998."""

    def forward(self, x: Any) -> Any:
        """Return the activation of ``x``, of any shape."""
        return SCALED_TANH[0] * torch.tanh(SCALED_TANH[1] * x)


class Subsample(nn.Module):  # type: ignore[misc]
    """The sum of each window, times a trained number per channel, plus one."""

    def __init__(self, layer: Any, channels: int) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = layer.kernel_size, layer.stride, layer.padding
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Any) -> Any:
        """Return (N, C, P, Q) of maps (N, C, H, W)."""
        top, bottom, left, right = self.padding
        padded = nn.functional.pad(x, (left, right, top, bottom))
        sums = nn.functional.avg_pool2d(padded, self.kernel_size, self.stride, divisor_override=1)
        return sums * self.weight[:, None, None] + self.bias[:, None, None]


class PartlyConnected(nn.Conv2d):  # type: ignore[misc]
    """A convolution whose channels see some of the channels alone."""

    def __init__(self, links: Floats, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        mask = torch.from_numpy(links)[:, :, None, None]
        self.register_buffer("links", mask, persistent=False)

    def forward(self, x: Any) -> Any:
        """Return (N, O, P, Q) of maps (N, C, H, W)."""
        return self._conv_forward(x, self.weight * self.links, self.bias)


class Rbf(nn.Module):  # type: ignore[misc]
    """Minus the squared distance to each target; the targets are no parameters."""

    def __init__(self, units: int, inputs: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(units, inputs))

    def forward(self, x: Any) -> Any:
        """Return scores (N, units) of vectors (N, inputs)."""
        return -((x[:, None] - self.weight) ** 2).sum(2)


def _subsample(layer: Any, shape: Shape) -> list[Any]:
    return [Subsample(layer, shape[0])]


def _rbf(layer: Any, shape: Shape) -> list[Any]:
    flatten = [nn.Flatten()] if len(shape) > 1 else []
    return [*flatten, Rbf(layer.units, elements(shape))]


def _dense(layer: Any, shape: Shape) -> list[Any]:
    flatten = [nn.Flatten()] if len(shape) > 1 else []
    return [*flatten, nn.Linear(elements(shape), layer.units)]


def _conv(layer: Any, shape: Shape) -> list[Any]:
    pad, padding = _padding(layer, 0.0)
    window = layer.kernel_size, layer.stride, padding
    norm = [nn.BatchNorm2d(layer.channels, EPSILON, MOMENTUM)] * layer.batch_norm
    settings = {"groups": layer.groups, "bias": not norm}
    links = tables.links(layer.table, shape[0])
    kind = nn.Conv2d if links is None else partial(PartlyConnected, np.array(links, np.float32))
    return [*pad, kind(shape[0], layer.channels, *window, **settings), *norm]


def _pooling(module: Callable[..., Any], padded_with: float) -> Callable[[Any, Shape], list[Any]]:
    def make(layer: Any, shape: Shape) -> list[Any]:
        pad, padding = _padding(layer, padded_with)
        return [*pad, module(layer.kernel_size, layer.stride, padding)]

    return make


def _padding(layer: Any, value: float) -> tuple[list[Any], Pair]:
    """Return a module that pads, where PyTorch's own padding cannot, and that own padding."""
    top, bottom, left, right = layer.padding
    if is_own_padding(layer):
        return [], (top, left)
    return [nn.ConstantPad2d((left, right, top, bottom), value)], (0, 0)


#: By a layer's keyword: the modules for the layer on an input of a shape, without its activation.
MODULES: Final[dict[str, Callable[[Any, Shape], list[Any]]]] = {
    "conv": _conv,
    "maxpool": _pooling(nn.MaxPool2d, -torch.inf),
    "avgpool": _pooling(nn.AvgPool2d, 0.0),
    "dense": _dense,
    "subsample": _subsample,
    "rbf": _rbf,
}
