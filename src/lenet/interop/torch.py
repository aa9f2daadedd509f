"""PyTorch modules, both ways: ``to_torch`` gives one, ``from_torch`` takes one with its weights.

A module is read by tracing it (``torch.fx``), so that a ``forward`` with functional calls is read
as a ``Sequential`` is. It must be a chain: what adds two maps up, or joins them, is no network of
ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lenet.data.preprocess import Preprocessing
from lenet.errors import LenetError, ShapeError, UsageError, about, needing
from lenet.formats.names import ACTIVATIONS
from lenet.formats.plain import plain_model
from lenet.formats.row import RefusedError, Row, UnfitError
from lenet.model import Model
from lenet.net import AvgPool2d, Conv2d, MaxPool2d
from lenet.net.layers import LEAKY_SLOPE
from lenet.net.network import read_input
from lenet.net.shapes import Pair, shape_text
from lenet.net.words import shown

with needing("PyTorch", "for its modules", "torch"):
    import torch
    import torch.fx
    import torch.nn.functional as F  # noqa: N812 - as everybody calls it
    from torch import nn

    from lenet.formats.torch_file import to_array
    from lenet.formats.torch_module import named_network

#: So many images are thought to flow: no ``view`` has this number for another reason.
_IMAGES: Final = 7919


def to_torch(model: Model) -> nn.Sequential:
    """Return ``model`` as an ``nn.Sequential`` whose children have our layers' names.

    It is in evaluation mode, takes images (N, C, H, W) as :meth:`lenet.Model.prepare` returns them,
    and gives scores. What LeNet-5 of 1998 has besides is said in plain layers, as in the exports.

    Raises:
        UsageError: the model has no weights yet.
    """
    if not isinstance(model, Model):
        raise UsageError(f"the model is {shown(model)}; give a lenet.Model.")
    module: nn.Sequential = named_network(plain_model(model))
    return module


def from_torch(
    module: nn.Module,
    input_shape: Iterable[int] | str,
    *,
    classes: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
) -> Model:
    """Return the model that a PyTorch module is, with its weights.

    Args:
        module: sequential-like: convolutions, poolings, linear layers, batch normalisation and
            activations in a chain, as children or as calls of ``torch.nn.functional``. Dropout and
            a softmax at the end are left out; they belong to training.
        input_shape: (C, H, W) of an image, or text such as ``1x28x28``.
        classes: the names of the classes; by default their numbers.
        preprocessing: what the module's images went through; by default bytes divided by 255.

    Raises:
        UsageError: the module does something that no layer of ours does; the error names it.
        ShapeError: it does not fit on the input.
        ModelFileError: its weights are not finite.
    """
    if not isinstance(module, nn.Module):
        raise UsageError(f"the module is {shown(module)}; give an nn.Module.")
    with about("input_shape"):
        shape = read_input(input_shape)
    _check_forward(module)
    try:
        with _evaluating(module):
            traced = torch.fx.symbolic_trace(module)
    except Exception as error:  # whatever its own forward raises on symbols
        raise UsageError(
            f"the module cannot be traced ({str(error)[:200]}); give one whose forward does the "
            "same for every image."
        ) from error
    with np.errstate(all="ignore"):  # what is not finite is refused at the end
        with _telling("the module"):
            row = Row(shape)
        _read(row, traced)
        with _telling("the module"):
            return row.prepared_model(classes, preprocessing)


def _read(row: Row, traced: torch.fx.GraphModule) -> None:
    """Take every node of a traced module: each must use what the one before it gives."""
    values: dict[torch.fx.Node, Any] = {}
    flow: torch.fx.Node | None = None
    for node in traced.graph.nodes:
        tensors = [n for n in node.all_input_nodes if isinstance(values[n], torch.Tensor)]
        if node.op == "output":
            if node.args[0] is not flow:
                raise UsageError("the module gives more than scores; give one that gives them.")
        elif node.op == "placeholder":
            if flow is not None:
                raise UsageError("the module takes more than one input; give one of images.")
            flow, values[node] = node, _flowing(row)
        elif node.op == "get_attr":
            values[node] = torch.empty(0)  # a tensor, and not what flows
        elif _is_about_sizes(node, tensors):
            values[node] = _call(traced, node, values).result()
        else:
            call = _call(traced, node, values)
            with _telling(f"the module has {call.kind} ({call.name})"):
                if tensors != [flow]:
                    raise RefusedError(
                        "it does not use what comes right before it, and nothing else; a network "
                        "here is a chain of layers"
                    )
                _take(row, call)
            flow, values[node] = node, _flowing(row)


def _flowing(row: Row) -> torch.Tensor:
    """Return a tensor of the shape that flows, without memory."""
    return torch.empty(_IMAGES, *([row.size] if row.is_flat else row.padded_shape), device="meta")


def _is_about_sizes(node: torch.fx.Node, tensors: list[torch.fx.Node]) -> bool:
    """Does it compute a size for a reshape, and no image?"""
    if node.op == "call_method":
        return node.target in ("size", "dim")
    is_shape = node.target is getattr and node.args[1] == "shape"
    return node.op == "call_function" and (is_shape or not tensors)


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """Let an error that comes out of the block say where it arose: ``what``."""
    try:
        yield
    except (RefusedError, UsageError) as error:
        why = f"{what}: {str(error).rstrip('.')}"
        if isinstance(error, UnfitError | ShapeError):
            raise ShapeError(why, what, "give another input_shape") from error
        raise UsageError(f"{why}.", parameter=getattr(error, "parameter", "")) from error
    except LenetError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UsageError(f"{what}: what it is given is not what it takes.") from error


@dataclass
class _Call:
    """One thing that a module does, wherever it is written down."""

    name: str  # to call it by in an error
    does: Any  # a child, a function, or a method's name behind a point
    arguments: tuple[Any, ...]
    named: dict[str, Any]

    @property
    def key(self) -> Any:
        """By what it is found among what can be read."""
        return type(self.does) if isinstance(self.does, nn.Module) else self.does

    @property
    def kind(self) -> str:
        """What PyTorch calls it."""
        return getattr(self.key, "__name__", str(self.key))

    def of(self, name: str, place: int, default: Any) -> Any:
        """Return a setting of a child, or an argument of a call: by its name, or its place."""
        if isinstance(self.does, nn.Module):
            return getattr(self.does, name, default)
        by_place = self.arguments[place] if place < len(self.arguments) else default
        return self.named.get(name, by_place)

    def pair(self, name: str, place: int, default: Any) -> Pair | None:
        """Return the same as (height, width), which may be one number for both."""
        value = self.of(name, place, default)
        pair = (value,) if value is None or isinstance(value, int) else tuple(value)
        return None if pair[0] is pair[-1] is None else (pair[0], pair[-1])

    def result(self) -> Any:
        """Return what PyTorch gives; nothing if it refuses."""
        does = self.does
        if isinstance(does, str):
            does = getattr(torch.Tensor, does[1:])
        try:
            return does(*self.arguments, **self.named)
        except Exception:  # whatever is given to whatever
            return None

    def require(self, holds: bool, what: str) -> None:
        """Refuse what no layer of ours has."""
        if not holds:
            raise RefusedError(f"it has {what}, which no layer here has")


def _call(traced: torch.fx.GraphModule, node: torch.fx.Node, values: dict[Any, Any]) -> _Call:
    arguments, named = torch.fx.node.map_arg((node.args, node.kwargs), values.__getitem__)
    if node.op == "call_module":
        path = str(node.target)
        return _Call(path, traced.get_submodule(path), arguments, named)
    does = f".{node.target}" if node.op == "call_method" else node.target
    return _Call(node.name, does, arguments, named)


def _take(row: Row, call: _Call) -> None:
    action = _ACTIONS.get(call.key)
    if action is None:
        raise RefusedError(
            "no layer here does it; there are convolutions, max and average poolings, linear "
            "layers, batch normalisation, and the activations sigmoid, tanh, relu, leaky-relu "
            "(0.01) and silu"
        )
    action(row, call)


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Let the block see the module in evaluation mode, as it is read; then it is what it was."""
    modes = [(part, part.training) for part in module.modules()]
    for part, _ in modes:  # not by train(): a module may have one that trains
        part.training = False
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _check_forward(module: nn.Module) -> None:
    """Refuse a part that does something else than what its class says."""
    for name, part in module.named_modules():
        place = name or type(part).__name__
        if "forward" in vars(part):
            raise UsageError(
                f"the module's {place} has a forward of its own, another than its class's; put it "
                "into a class."
            )
        if part._forward_pre_hooks or part._forward_hooks:
            raise UsageError(
                f"the module has hooks ({place}), which may compute its weights or answers anew; "
                "remove them first (those of weight norm with torch.nn.utils.remove_weight_norm)."
            )


def _skip(row: Row, call: _Call) -> None:
    """Leave out what does nothing once training is over."""


def _dropout(row: Row, call: _Call) -> None:
    does = call.does
    is_on = not isinstance(does, nn.Module) and call.of("training", 2, True)
    call.require(not is_on or call.of("p", 1, 0.5) == 0, "dropout after training, too")


def _softmax(row: Row, call: _Call) -> None:
    dim = call.of("dim", 1, None)
    is_over_classes = dim in (1, None) or (dim == -1 and row.is_flat)
    if not is_over_classes or row.size != row.shape[0]:
        raise RefusedError("it is not over the classes")
    row.softmax()


def _flatten(row: Row, call: _Call) -> None:
    shape, own = getattr(call.result(), "shape", ()), _flowing(row).shape
    if shape == (_IMAGES, own[1:].numel()):
        row.flatten()
    elif shape != own:
        raise UnfitError(
            f"it does not lay the {shape_text(row.shape)} of each image in a row of "
            f"{row.size:,} numbers, as nn.Flatten() does"
        )


def _pad(row: Row, call: _Call) -> None:
    left, right, top, bottom = call.does.padding
    call.require(min(call.does.padding) >= 0, "a negative padding")
    row.pad((top, bottom, left, right), getattr(call.does, "value", 0.0))


def _convolution(row: Row, call: _Call) -> None:
    conv = call.does
    call.require(conv.dilation == (1, 1), "a dilation")
    call.require(conv.padding_mode == "zeros", f"the padding mode {conv.padding_mode}")
    if conv.in_channels != row.shape[0]:
        raise UnfitError(f"it takes {conv.in_channels:,} channels and gets {row.shape[0]:,}")
    padding = 0 if conv.padding == "valid" else conv.padding
    layer = Conv2d(conv.out_channels, conv.kernel_size, conv.stride, padding, groups=conv.groups)
    row.conv(layer, to_array(conv.weight), _optional(conv.bias))


def _optional(tensor: torch.Tensor | None) -> Any:
    return None if tensor is None else to_array(tensor)


def _pooling(row: Row, call: _Call) -> None:
    is_max = call.key in _MAX_POOLINGS
    kernel, stride = call.pair("kernel_size", 1, None), call.pair("stride", 2, None)
    padding = call.pair("padding", 3, 0) or (0, 0)
    if is_max:
        call.require(call.pair("dilation", 4, 1) == (1, 1), "a dilation")
    else:
        is_counted = not any(padding) or call.of("count_include_pad", 5, True)
        call.require(is_counted, "count_include_pad=False")
        call.require(call.of("divisor_override", 6, None) is None, "a divisor")
    if kernel is None:
        raise RefusedError("it says no kernel size")
    layer = (MaxPool2d if is_max else AvgPool2d)(kernel, stride, padding)
    row.pool(layer, rounds_up=bool(call.of("ceil_mode", 5 if is_max else 4, False)))


def _global_pooling(row: Row, call: _Call) -> None:
    """Take an adaptive pooling to one pixel, or to what flows already."""
    wanted, own = call.pair("output_size", 1, None) or (None, None), row.padded_shape[1:]
    if not row.is_flat and all(s in (None, n) for s, n in zip(wanted, own, strict=True)):
        return
    call.require(wanted == (1, 1), f"an output of {call.of('output_size', 1, None)}")
    row.global_pool(MaxPool2d if call.key in _MAX_POOLINGS else AvgPool2d)


def _linear(row: Row, call: _Call) -> None:
    if not row.is_flat and row.shape != row.input_shape:  # the images may come flat
        raise RefusedError("its input is not flattened; put nn.Flatten() before it")
    row.dense(to_array(call.does.weight), _optional(call.does.bias))


def _norm(row: Row, call: _Call) -> None:
    norm = call.does
    has_statistics = norm.running_mean is not None and norm.running_var is not None
    call.require(has_statistics, "no running statistics")
    gamma, beta = _optional(norm.weight), _optional(norm.bias)
    mean, variance = to_array(norm.running_mean), to_array(norm.running_var)
    gamma = np.ones_like(mean) if gamma is None else gamma
    beta = np.zeros_like(mean) if beta is None else beta
    row.norm(gamma, beta, mean, variance, norm.eps)


def _activation(row: Row, call: _Call) -> None:
    name = _ACTIVATIONS[call.key]
    if name == "leaky-relu":
        slope = call.of("negative_slope", 1, LEAKY_SLOPE)
        call.require(slope == LEAKY_SLOPE, f"a slope of {slope}")
    row.activation(name)


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
_POOLINGS: Final = (nn.MaxPool2d, F.max_pool2d, torch.max_pool2d, nn.AvgPool2d, F.avg_pool2d)
_GLOBAL: Final = (
    *(nn.AdaptiveMaxPool2d, F.adaptive_max_pool2d),
    *(nn.AdaptiveAvgPool2d, F.adaptive_avg_pool2d),
)
_MAX_POOLINGS: Final = {*_POOLINGS[:3], *_GLOBAL[:2]}
_SOFTMAXES: Final = (
    *(nn.Softmax, F.softmax, torch.softmax, ".softmax"),
    *(nn.LogSoftmax, F.log_softmax, torch.log_softmax, ".log_softmax"),
)
_FLATTENS: Final = (
    *(nn.Flatten, torch.flatten, torch.reshape, torch.squeeze),
    *(".flatten", ".view", ".reshape", ".squeeze"),
)
_DROPOUTS: Final = (nn.Dropout, nn.Dropout2d, F.dropout, F.dropout2d)
#: By a child's class, or a function: what is done with it.
_ACTIONS: Final[dict[Any, Callable[[Row, _Call], None]]] = {
    **dict.fromkeys(_ACTIVATIONS, _activation),
    **dict.fromkeys(_DROPOUTS, _dropout),
    **dict.fromkeys((nn.Identity, ".contiguous", ".float"), _skip),
    **dict.fromkeys(_SOFTMAXES, _softmax),
    **dict.fromkeys(_FLATTENS, _flatten),
    **dict.fromkeys((nn.ZeroPad2d, nn.ConstantPad2d), _pad),
    **dict.fromkeys(_POOLINGS, _pooling),
    **dict.fromkeys(_GLOBAL, _global_pooling),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), _norm),
    nn.Conv2d: _convolution,
    nn.Linear: _linear,
}
