"""A network in PyTorch, as an engineer would write it there: plain modules in a row.

The one place that says what each of our layers is in PyTorch. Only processes that run PyTorch
import this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from lenet.engine.normalise import EPSILON, MOMENTUM
from lenet.engine.plan import Floats, Plan
from lenet.net import AvgPool2d, Conv2d, Dense, MaxPool2d, Network, PlacedLayer
from lenet.net.layers import LEAKY_SLOPE
from lenet.net.shapes import Pair, elements

_ACTIVATIONS: Final = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky-relu": lambda: nn.LeakyReLU(LEAKY_SLOPE),
    "silu": nn.SiLU,
}


def torch_network(network: Network, plan: Plan, parameters: Floats) -> Any:
    """``network`` with ``parameters`` (T,) as an ``nn.Sequential``, images to scores.

    Takes (N, C, H, W) and gives (N, classes), in the parameters' precision. In training mode, as
    PyTorch's modules begin, batch normalisation is over all images that it is called with.
    """
    modules = [module for place in network.placed for module in torch_modules(place)]
    if not any(isinstance(layer, Dense) for layer in network.layers):
        modules.append(nn.Flatten())
    found = nn.Sequential(*modules).to(torch.from_numpy(parameters[:1]).dtype)
    with torch.no_grad():
        for theirs, ours in zip(torch_tensors(found), plan.tensors, strict=True):
            theirs.copy_(torch.from_numpy(ours.view(parameters).copy()))
    return found


def torch_tensors(modules: Iterable[Any]) -> Iterator[Any]:
    """Their tensors in the order of our plan's: each layer's weight and bias; of a normalised one
    the shift, which is its bias, the scale, the running mean and variance."""
    for module in modules:
        names: tuple[str, ...] = ("weight", "bias")
        if isinstance(module, nn.BatchNorm2d):
            names = ("bias", "weight", "running_mean", "running_var")
        tensors = (getattr(module, name, None) for name in names)
        yield from (tensor for tensor in tensors if tensor is not None)


def torch_table(modules: Iterable[Any], plan: Plan) -> Floats:
    """The reverse of :func:`torch_network`: our table (T,) of what the modules hold now."""
    tensors = [tensor.detach().numpy() for tensor in torch_tensors(modules)]
    table = np.zeros(plan.table_size, tensors[0].dtype if tensors else np.float32)
    for ours, theirs in zip(plan.tensors, tensors, strict=True):
        ours.view(table)[...] = theirs
    return table


def torch_modules(place: PlacedLayer) -> list[Any]:
    """The modules that do what one layer does, its flattening and activation included."""
    layer, inputs = place.layer, place.input_shape
    match layer:
        case Dense():
            flatten = [nn.Flatten()] if len(inputs) > 1 else []
            modules = [*flatten, nn.Linear(elements(inputs), layer.units)]
        case Conv2d():
            pad, padding = _padding(layer)
            window = layer.kernel_size, layer.stride, padding
            norm = [nn.BatchNorm2d(layer.channels, EPSILON, MOMENTUM)] * layer.batch_norm
            conv = nn.Conv2d(inputs[0], layer.channels, *window, bias=not norm)
            modules = [*pad, conv, *norm]
        case MaxPool2d():
            pad, padding = _padding(layer)
            modules = [*pad, nn.MaxPool2d(layer.kernel_size, layer.stride, padding)]
        case AvgPool2d():
            pad, padding = _padding(layer)
            modules = [*pad, nn.AvgPool2d(layer.kernel_size, layer.stride, padding)]
    if isinstance(layer, Conv2d | Dense) and layer.activation != "identity":
        modules.append(_ACTIVATIONS[layer.activation]())
    return modules


def _padding(layer: Conv2d | MaxPool2d | AvgPool2d) -> tuple[list[Any], Pair]:
    """A module that pads, where PyTorch's own padding cannot, and that own padding.

    Its layers pad both sides alike, and a pooling at most half its window.
    """
    top, bottom, left, right = layer.padding
    pools = isinstance(layer, MaxPool2d | AvgPool2d)
    fits = not pools or (2 * top <= layer.kernel_size[0] and 2 * left <= layer.kernel_size[1])
    if (top, left) == (bottom, right) and fits:
        return [], (top, left)
    value = -torch.inf if isinstance(layer, MaxPool2d) else 0.0
    return [nn.ConstantPad2d((left, right, top, bottom), value)], (0, 0)
