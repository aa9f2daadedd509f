"""PyTorch modules, both ways: ``to_torch`` gives one, ``from_torch`` takes one with its weights.

A module is read by tracing it (``torch.fx``), so that a ``forward`` with functional calls is read
as a ``Sequential`` is. It must be a chain: what adds two maps up, or joins them, is no network of
ours.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from lenet.data.preprocess import Preprocessing
from lenet.engine.normalise import EPSILON
from lenet.engine.plan import Floats
from lenet.errors import MissingPackageError, ShapeError, UsageError
from lenet.formats.names import ACTIVATIONS
from lenet.model import Model
from lenet.net import ACTIVATIONS as OURS
from lenet.net import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Network
from lenet.net.layers import LEAKY_SLOPE, Sides
from lenet.net.shapes import Pair, Shape, elements
from lenet.net.words import shown

try:
    import torch
    import torch.fx
    import torch.nn.functional as F  # noqa: N812 - as everybody calls it
    from torch import nn

    from lenet.formats.torch_file import to_array
    from lenet.formats.torch_module import named_network
except ImportError as error:
    raise MissingPackageError(
        f'PyTorch is needed for its modules ({error}); run pip install "lenet[torch]".'
    ) from error


def to_torch(model: Model) -> nn.Sequential:
    """Return ``model`` as an ``nn.Sequential`` whose children have our layers' names.

    It is in evaluation mode, takes images (N, C, H, W) as :meth:`lenet.Model.prepare` returns them,
    and gives scores.

    Raises:
        UsageError: the model has no weights yet.
    """
    if not isinstance(model, Model):
        raise UsageError(f"the model is {shown(model)}; give a lenet.Model.")
    module: nn.Sequential = named_network(model)
    return module


def from_torch(
    module: nn.Module,
    input_shape: tuple[int, int, int],
    *,
    classes: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
) -> Model:
    """Return the model that a PyTorch module is, with its weights.

    Args:
        module: sequential-like: convolutions, poolings, linear layers, batch normalisation and
            activations in a chain, as children or as calls of ``torch.nn.functional``. Dropout and
            a softmax at the end are left out; they belong to training.
        input_shape: (C, H, W) of an image.
        classes: the names of the classes; by default their numbers.
        preprocessing: what the module's images went through; by default bytes divided by 255.

    Raises:
        UsageError: the module does something that no layer of ours does; the error names it.
        ShapeError: it does not fit on the input.
        ModelFileError: its weights are not finite.
    """
    if not isinstance(module, nn.Module):
        raise UsageError(f"the module is {shown(module)}; give an nn.Module.")
    try:
        traced = torch.fx.symbolic_trace(module)
    except Exception as error:  # whatever its own forward raises on symbols
        raise UsageError(
            f"the module cannot be traced ({str(error)[:200]}); give one whose forward does the "
            "same for every image."
        ) from error
    reader = _Reader(input_shape)
    reader.read(traced)
    model = Model(Network(input_shape, reader.layers), classes, preprocessing)
    return model.load_state_dict(
        {
            f"{name}.{part}": np.ascontiguousarray(values)
            for name, tensors in zip(model.network.names, reader.weights, strict=True)
            for part, values in tensors.items()
        }
    )


@dataclass
class _Call:
    """One thing that a module does, wherever it is written down."""

    name: str  # to call it by in an error
    module: Any = None  # of a child
    function: Any = None  # of a call
    arguments: tuple[Any, ...] = ()  # behind the first
    named: dict[str, Any] = field(default_factory=dict)

    def value(self, index: int, name: str, default: Any) -> Any:
        """Return an argument by its place behind the first, or by its name."""
        if name in self.named:
            return self.named[name]
        return self.arguments[index] if index < len(self.arguments) else default


class _Reader:
    """Reads a traced module into layers, and the weights of each."""

    def __init__(self, input_shape: tuple[int, int, int]) -> None:
        self.layers: list[Layer] = []
        self.weights: list[dict[str, Floats]] = []
        self._shape: Shape = input_shape
        self._padding: Sides = (0, 0, 0, 0)  # of a padding module before
        self._ended = ""  # the softmax that ends it

    def read(self, traced: torch.fx.GraphModule) -> None:
        """Read every node: each must use what the one before it gives."""
        flow: Any = None
        for node in traced.graph.nodes:
            if node.op == "placeholder":
                if flow is not None:
                    raise UsageError(
                        "the module takes more than one input; give one that takes images."
                    )
                flow = node
            elif node.op == "output":
                if node.args[0] is not flow:
                    raise UsageError(
                        "the module gives more than scores; give one that gives them alone."
                    )
                self._check_padding("its end")
            elif _is_about_sizes(node):
                continue
            else:
                uses = [other for other in node.all_input_nodes if not _is_about_sizes(other)]
                if uses != [flow]:
                    raise UsageError(
                        f"{node.name} does not use what comes right before it, and nothing else; a "
                        "network here is a chain of layers."
                    )
                self._step(_call(traced, node))
                flow = node

    def _step(self, call: _Call) -> None:
        key = type(call.module) if call.module is not None else call.function
        action = _ACTIONS.get(key)
        if action is None:
            what = type(call.module).__name__ if call.module is not None else _function_name(key)
            raise UsageError(
                f"{call.name} is a {what}, which no layer here does; there are convolutions, max "
                "and average poolings, linear layers, batch normalisation, and the activations "
                "sigmoid, tanh, relu, leaky-relu (0.01) and silu."
            )
        if self._ended and action is not _Reader.skip:
            raise UsageError(f"{call.name} comes after {self._ended}; a softmax must be the last.")
        if action not in (_Reader.convolution, _Reader.pooling):
            self._check_padding(call.name)
        action(self, call)

    def _check_padding(self, what: str) -> None:
        if any(self._padding):
            raise UsageError(f"a padding stands before {what}; it must stand before a window.")

    def _add(self, layer: Layer, call: _Call, **weights: Any) -> None:
        try:
            self._shape = layer.output_shape(self._shape, call.name)
        except ShapeError as error:
            raise ShapeError(str(error), call.name, "give another input_shape") from None
        self.layers.append(layer)
        self.weights.append({name: to_array(value) for name, value in weights.items()})

    def skip(self, call: _Call) -> None:
        """Leave out what does nothing once training is over."""

    def softmax(self, call: _Call) -> None:
        """Leave out a softmax, which must be the end."""
        self._ended = call.name

    def flatten(self, call: _Call) -> None:
        """Leave out what lays maps flat: a dense layer does."""

    def pad(self, call: _Call) -> None:
        """Keep zeros around a map for the window that comes next."""
        padding = call.module.padding
        value = getattr(call.module, "value", 0.0)
        left, right, top, bottom = padding
        if value not in (0, 0.0, -torch.inf) or min(padding) < 0:
            raise UsageError(f"{call.name} pads with {value}; only zeros can be padded with here.")
        self._padding = top, bottom, left, right
        self._pad_value = float(value)

    def convolution(self, call: _Call) -> None:
        """Take a convolution, its padding and its weights."""
        conv = call.module
        _require(call, conv.dilation == (1, 1), "a dilation")
        _require(call, conv.padding_mode == "zeros", f"the padding mode {conv.padding_mode}")
        own = conv.padding
        if own == "same":
            reach = [k - 1 for k in conv.kernel_size]
            own_sides = (
                reach[0] // 2,
                reach[0] - reach[0] // 2,
                reach[1] // 2,
                reach[1] - reach[1] // 2,
            )
        else:
            down, along = (0, 0) if own == "valid" else own
            own_sides = (down, down, along, along)
        sides = self._taken_padding(call, 0.0, own_sides)
        layer = Conv2d(conv.out_channels, conv.kernel_size, conv.stride, sides, groups=conv.groups)
        bias = conv.bias if conv.bias is not None else torch.zeros(conv.out_channels)
        self._require_inputs(call, conv.in_channels, self._shape[0])
        self._add(layer, call, weight=conv.weight, bias=bias)

    def _require_inputs(self, call: _Call, wanted: int, given: int) -> None:
        if wanted != given:
            raise ShapeError(
                f"{call.name} takes {wanted:,} inputs and gets {given:,}",
                call.name,
                "give the input_shape of the module's images",
            )

    def _taken_padding(self, call: _Call, value: float, own: Sides) -> Sides:
        before, self._padding = self._padding, (0, 0, 0, 0)
        if any(before) and self._pad_value != value:
            raise UsageError(f"{call.name} is padded with {self._pad_value}, not with {value}.")
        top, bottom, left, right = (a + b for a, b in zip(before, own, strict=True))
        return top, bottom, left, right

    def pooling(self, call: _Call) -> None:
        """Take a pooling, as a child or as a call."""
        is_max = call.function in _MAX_POOLINGS or isinstance(call.module, nn.MaxPool2d)
        kernel, stride, padding = (
            _pair(value)
            for value in (
                _of(call, "kernel_size", 0, 2),
                _of(call, "stride", 1, None),
                _of(call, "padding", 2, 0),
            )
        )
        if is_max:
            _require(call, _pair(_of(call, "dilation", 3, 1)) == (1, 1), "a dilation")
            _require(call, not _of(call, "ceil_mode", 4, False), "ceil_mode")
        else:
            _require(call, not _of(call, "ceil_mode", 3, False), "ceil_mode")
            zeros = not any(padding or ()) or _of(call, "count_include_pad", 4, True)
            _require(call, zeros, "count_include_pad=False")
            _require(call, _of(call, "divisor_override", 5, None) is None, "a divisor")
        down, along = padding or (0, 0)
        kind = MaxPool2d if is_max else AvgPool2d
        sides = self._taken_padding(call, -torch.inf if is_max else 0.0, (down, down, along, along))
        if kernel is None:
            raise UsageError(f"{call.name} says no kernel size.")
        self._add(kind(kernel, stride, sides), call)

    def global_pooling(self, call: _Call) -> None:
        """Take an adaptive pooling to one pixel, or to what flows already."""
        size = _of(call, "output_size", 0, None)
        wanted, own = _pair(size) or (), self._shape[1:]
        _require(call, len(own) == 2, "numbers in a row to pool")
        if tuple(side or whole for side, whole in zip(wanted, own, strict=False)) == own:
            return
        _require(call, wanted == (1, 1), f"an output of {size}")
        kind = MaxPool2d if isinstance(call.module, nn.AdaptiveMaxPool2d) else AvgPool2d
        self._add(kind((own[0], own[1])), call)

    def linear(self, call: _Call) -> None:
        """Take a linear layer."""
        linear = call.module
        self._require_inputs(call, linear.in_features, elements(self._shape))
        bias = linear.bias if linear.bias is not None else torch.zeros(linear.out_features)
        self._add(Dense(linear.out_features), call, weight=linear.weight, bias=bias)

    def normalisation(self, call: _Call) -> None:
        """Give the convolution before it a normalisation."""
        norm, last = call.module, self.layers[-1] if self.layers else None
        if not isinstance(last, Conv2d) or last.activation != "identity" or last.batch_norm:
            raise UsageError(
                f"{call.name} does not follow a convolution; normalise right after one, before its "
                "activation."
            )
        _require(call, norm.track_running_stats, "no running statistics")
        self._require_inputs(call, norm.num_features, last.channels)
        count = norm.num_features
        scale = norm.weight if norm.affine else torch.ones(count)
        shift = norm.bias if norm.affine else torch.zeros(count)
        # Ours has one epsilon: what another adds to the variance is taken into it.
        variance = to_array(norm.running_var) + np.float32(norm.eps - EPSILON)
        weights = self.weights[-1]
        self.layers[-1] = last.replace(batch_norm=True)
        weights |= {
            "bias": to_array(shift),
            "scale": to_array(scale),
            "mean": to_array(norm.running_mean) - weights["bias"],  # is taken off again with it
            "variance": np.maximum(variance, 0),
        }

    def activation(self, call: _Call) -> None:
        """Give the layer before it an activation."""
        key = type(call.module) if call.module is not None else call.function
        name = _ACTIVATIONS[key]
        if name == "leaky-relu":
            slope = (
                call.module.negative_slope
                if call.module is not None
                else call.value(0, "negative_slope", 0.01)
            )
            _require(call, slope == LEAKY_SLOPE, f"a slope of {slope}")
        last = self.layers[-1] if self.layers else None
        if last is None or not last.is_trained or last.values["activation"] != "identity":
            self._activate_behind_pooling(call, name)
            return
        self.layers[-1] = last.replace(activation=name)

    def _activate_behind_pooling(self, call: _Call, name: str) -> None:
        """An activation that never decreases may as well come before a max pooling."""
        behind = self.layers[-1:] and isinstance(self.layers[-1], MaxPool2d)
        before = self.layers[-2] if len(self.layers) > 1 else None
        is_open = isinstance(before, Conv2d) and before.activation == "identity"
        if before and behind and is_open and OURS[name].monotone:
            self.layers[-2] = before.replace(activation=name)
            return
        raise UsageError(
            f"{call.name} does not follow a convolution or a linear layer; an activation belongs "
            "to one of them."
        )


def _require(call: _Call, holds: bool, what: str) -> None:
    if not holds:
        raise UsageError(f"{call.name} has {what}, which no layer here has.")


def _pair(value: Any) -> Pair | None:
    if value is None:
        return None
    if isinstance(value, int):
        return value, value
    pair = tuple(value)
    return (pair[0], pair[0]) if len(pair) == 1 else (pair[0], pair[1])


def _of(call: _Call, name: str, index: int, default: Any) -> Any:
    """Return a setting of a child, or an argument of a call."""
    if call.module is not None:
        return getattr(call.module, name, default)
    return call.value(index, name, default)


def _is_about_sizes(node: torch.fx.Node) -> bool:
    """Does it compute a size for a reshape, and no image?"""
    if node.op == "call_method" and node.target in ("size", "dim"):
        return True
    if node.op != "call_function":
        return False
    if node.target is getattr:
        return bool(node.args[1] == "shape")
    return node.target in (operator.getitem, operator.mul, operator.floordiv) and all(
        map(_is_about_sizes, node.all_input_nodes)
    )


def _call(traced: torch.fx.GraphModule, node: torch.fx.Node) -> _Call:
    if node.op == "call_module":
        return _Call(str(node.target), module=traced.get_submodule(str(node.target)))
    function = node.target
    if node.op == "call_method":
        function = f".{node.target}"
    return _Call(node.name, None, function, tuple(node.args[1:]), dict(node.kwargs))


def _function_name(function: Any) -> str:
    return getattr(function, "__name__", str(function))


_MAX_POOLINGS: Final = {F.max_pool2d, torch.max_pool2d}
_AVG_POOLINGS: Final = {F.avg_pool2d}


def _spellings(name: str, kind: str) -> Iterator[Any]:
    """Yield what applies an activation: a child's class, functions, methods; also in place."""
    yield getattr(nn, kind)
    for word in (name.replace("-", "_"), name.replace("-", "_") + "_"):
        yield f".{word}"
        yield from (getattr(place, word) for place in (F, torch) if hasattr(place, word))


#: By a child's class, or a function: our name of the activation.
_ACTIVATIONS: Final = {
    spelling: name
    for name, names in ACTIVATIONS.items()
    if names is not None
    for spelling in _spellings(name, names.torch)
}
_Action = Callable[[_Reader, _Call], None]
#: By a child's class, or a function: what is done with it.
_ACTIONS: Final[dict[Any, _Action]] = {
    **dict.fromkeys(_ACTIVATIONS, _Reader.activation),
    **dict.fromkeys((nn.Identity, nn.Dropout, nn.Dropout2d, F.dropout, F.dropout2d), _Reader.skip),
    **dict.fromkeys((".contiguous", ".float"), _Reader.skip),
    **dict.fromkeys(
        (
            nn.Softmax,
            nn.LogSoftmax,
            F.softmax,
            F.log_softmax,
            torch.softmax,
            torch.log_softmax,
            ".softmax",
            ".log_softmax",
        ),
        _Reader.softmax,
    ),
    **dict.fromkeys(
        (nn.Flatten, torch.flatten, torch.reshape, ".flatten", ".view", ".reshape", ".squeeze"),
        _Reader.flatten,
    ),
    **dict.fromkeys((nn.ZeroPad2d, nn.ConstantPad2d), _Reader.pad),
    **dict.fromkeys((nn.MaxPool2d, nn.AvgPool2d, *_MAX_POOLINGS, *_AVG_POOLINGS), _Reader.pooling),
    **dict.fromkeys(
        (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, F.adaptive_avg_pool2d), _Reader.global_pooling
    ),
    nn.Conv2d: _Reader.convolution,
    nn.Linear: _Reader.linear,
    nn.BatchNorm2d: _Reader.normalisation,
}
