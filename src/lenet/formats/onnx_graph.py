"""An ONNX file of any program as a model: its graph followed from the picture to the classes.

One value flows: every node reads it and constants, and the next node reads what it gives. What
is not understood is refused with the node's name and what would help.

Only what reads ONNX imports this file.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from lenet import kinds
from lenet.errors import ModelFileError, path_text
from lenet.formats.names import PLAIN
from lenet.formats.onnx_parts import MAX_PARTS, TooManyPartsError, check_parts
from lenet.formats.onnx_values import Constants, attributes_of, bring_in
from lenet.formats.reading import read_whole
from lenet.formats.row import Picture, RefusedError, Row, picture_shape, refusing
from lenet.formats.weights import floats
from lenet.model import Model
from lenet.net import AvgPool2d, Conv2d, MaxPool2d
from lenet.net.layers import LEAKY_SLOPE, Pool2d, Sides
from lenet.net.words import name_text, shown
from lenet.tensor_files import read_json

Values = npt.NDArray[Any]

_MAX_NODES: Final = 100_000
#: From this opset on, a softmax without an axis is over the last.
_LAST_AXIS: Final = 13
#: Before this opset, operators took their broadcasting from attributes.
_OLDEST: Final = 7
_ACTIVATIONS: Final = {names.onnx: name for name, names in PLAIN.items()}
_TO_LAST, _TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
#: What would help, by operator.
_HELP: Final = {
    **dict.fromkeys(("LSTM", "GRU", "RNN"), "recurrent layers are not read"),
    **dict.fromkeys(("If", "Loop", "Scan"), "export the network for pictures of one fixed size"),
    **dict.fromkeys(
        ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger", "QLinearMatMul"),
        "export the network before it is quantised",
    ),
    **dict.fromkeys(("Resize", "Upsample"), "resize the pictures before the network"),
    **dict.fromkeys(
        ("Clip", "Elu", "Selu", "PRelu", "Gelu", "HardSwish", "HardSigmoid", "Softplus", "Mish"),
        "of activations relu, leaky-relu, sigmoid, tanh and silu are read",
    ),
    **dict.fromkeys(
        ("InstanceNormalization", "LayerNormalization", "GroupNormalization", "LRN"),
        "of normalisations batch normalisation is read",
    ),
    **dict.fromkeys(
        ("Concat", "Split", "Sum"), "one flow of values is read, without branches that are joined"
    ),
}
_USUAL: Final = (
    "convolutions, poolings, dense layers, batch normalisations and activations are read"
)


def read_graph(path: Any, input_shape: Picture | None) -> tuple[Model, list[str]]:
    """Return the model that an ONNX file is, and notes.

    Raises:
        ModelFileError: the file is cut or damaged, or holds what we have no layer for.
        UsageError: the file leaves the size of its pictures open, and none is given.
    """
    row, told, reads_bytes = _read_row(path, input_shape)
    with refusing(path_text(path)):
        classes = _json(told.get("classes"))
        names = classes if isinstance(classes, list) and len(classes) == row.size else None
        model = row.model(names, _json(told.get("preprocessing")), reads_bytes)
    return model, row.notes


def _read_row(path: Any, input_shape: Picture | None) -> tuple[Row, dict[str, str], bool]:
    """Return the row, the file's metadata, and whether it takes bytes; the file itself goes."""
    file = _parsed(path)
    with refusing(path_text(path)):
        bring_in(file.graph.initializer, os.path.dirname(path))
    reader = _Reader(path, file.graph, _opset(file))
    told = {entry.key: entry.value for entry in file.metadata_props}
    return reader.read(input_shape), told, reader.reads_bytes


def _parsed(path: Any) -> ModelProto:
    content = read_whole(path, kinds.ONNX)
    try:
        check_parts(content)
        file = ModelProto.FromString(content)
    except TooManyPartsError:
        raise _damaged(path, f"it has more than {MAX_PARTS:,} parts") from None
    except Exception as error:  # of protobuf, whose errors differ from one version to the next
        raise _damaged(path, "it is cut, or something else under this name") from error
    del content  # it may be large, and is there twice now
    opset = _opset(file)
    nodes = len(file.graph.node)
    if not all(isinstance(name, str) for name in _names(file.graph)):
        raise _damaged(path, "its names are no text")
    if not nodes or not opset:
        raise _damaged(path, "it holds no network")
    if nodes > _MAX_NODES:
        raise _damaged(path, f"it has {nodes:,} nodes, {_MAX_NODES:,} at most are read")
    if opset < _OLDEST:
        what = f"{path_text(path)} has opset {opset}, and {_OLDEST} or newer is read"
        raise ModelFileError(f"{what}; convert it with onnx.version_converter.")
    return file


def _opset(file: ModelProto) -> int:
    opsets = {entry.domain: entry.version for entry in file.opset_import}
    found: int = opsets.get("", opsets.get("ai.onnx", 0))
    return found


def _names(graph: GraphProto) -> Iterator[object]:
    """Yield all names of a graph; those that are no UTF-8 come as bytes."""
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
    for named in (*graph.initializer, *graph.input, *graph.output):
        yield named.name


def _damaged(path: object, why: str) -> ModelFileError:
    return ModelFileError(f"{path_text(path)} is no intact ONNX file: {why}; export it anew.")


def _json(text: str | None) -> Any:
    try:
        return None if text is None else read_json(text)
    except (ValueError, RecursionError):
        return None


class _Reader:
    """Follows the flow through a graph."""

    def __init__(self, path: object, graph: GraphProto, opset: int) -> None:
        self.path, self.graph, self.opset = path, graph, opset
        tensors = {tensor.name: tensor for tensor in graph.initializer}
        made = {name: node for node in graph.node for name in node.output}
        self.constants = Constants(tensors, made)
        self.readers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in dict.fromkeys(node.input):
                if node.op_type != "Shape":
                    self.readers[name].append(node)
        given = [value for value in graph.input if value.name not in tensors]
        with refusing(path_text(path)):
            if len(tensors) < len(graph.initializer):
                raise RefusedError("two of its tensors have one name")
            if len(given) != 1 or graph.sparse_initializer:
                raise RefusedError(f"it takes {len(given)} inputs, and one picture is read")
        self.given: ValueInfoProto = given[0]
        self.flow = self.given.name
        kind = self.given.type.tensor_type.elem_type
        self.reads_bytes = kind == TensorProto.UINT8
        #: In which type of whole numbers it counts so far; None once it has floats.
        self.whole = None if kind in (TensorProto.UNDEFINED, *_FLOATING) else kind
        self.batch, self.dropped = 1, 0  # axes of height and width that are left out
        self.row: Row

    def read(self, input_shape: Picture | None) -> Row:
        """Return the row of layers that the picture flows through."""
        self._begin(input_shape)
        seen: set[str] = set()
        while True:
            self.constants.shapes[self.flow] = self._file_shape()
            node = self._next()
            if node is None:
                break
            with refusing(self._place(node)):
                self._take(node)
            if self.flow in seen:
                raise ModelFileError(f"{path_text(self.path)} goes round in a circle.")
            seen.add(self.flow)
        ends = [value.name for value in self.graph.output]
        if self.flow not in ends:
            raise ModelFileError(
                f"{path_text(self.path)} ends in {name_text(self.flow)}, which is not its output."
            )
        return self.row

    # The input.

    def _begin(self, input_shape: Picture | None) -> None:
        sizes = [dim.dim_value for dim in self.given.type.tensor_type.shape.dim]
        with refusing(path_text(self.path)):
            if len(sizes) not in (2, 3, 4):
                raise RefusedError(f"its input has {len(sizes)} axes; (N, C, H, W) is read")
            self.batch = sizes[0] or 1
            is_last = len(sizes) == 4 and self._begins_with_channels_last()
            shape = picture_shape(path_text(self.path), sizes[1:], is_last, input_shape)
            self.row = Row(shape)
        self.row.channels_last = is_last
        if len(sizes) == 2:
            self.row.begin_flat()
        self.has_channels = len(sizes) != 3

    def _begins_with_channels_last(self) -> bool:
        """Is the picture (H, W, C), and turned before the first layer, as from Keras?"""
        name = self.flow
        for _ in range(8):
            readers = self.readers[name]
            if len(readers) != 1:
                return False
            node = readers[0]
            if node.op_type == "Transpose":
                return tuple(attributes_of(node).get("perm", ())) == _TO_FIRST
            if node.op_type not in ("Cast", "Identity", "Add", "Sub", "Mul", "Div"):
                return False
            name = node.output[0] if node.output else ""
        return False

    # The flow.

    def _place(self, node: NodeProto) -> str:
        name = node.name or (node.output[0] if node.output else "")
        return f"{path_text(self.path)} has {node.op_type[:60]} ({name_text(name)})"

    def _file_shape(self) -> tuple[int, ...]:
        """Return the flowing value's shape as the file has it."""
        shape = self.row.shape
        if self.row.is_flat:
            return (self.batch, self.row.size)
        if not self.has_channels:
            return (self.batch, *shape[1:])
        order = (1, 2, 0) if self.row.channels_last else (0, 1, 2)
        return (self.batch, *(shape[axis] for axis in order))

    def _next(self) -> NodeProto | None:
        readers = self.readers[self.flow]
        if len(readers) > 1 and not self._is_gated(readers):
            names = " and ".join(name_text(node.name or node.op_type) for node in readers[:2])
            raise ModelFileError(
                f"{path_text(self.path)} has a branch: {names} read the same value "
                f"({name_text(self.flow)}), and one flow of values is read."
            )
        return readers[0] if readers else None

    def _is_gated(self, readers: list[NodeProto]) -> bool:
        """Is it x * sigmoid(x)? Then the sigmoid comes first, as it does in the list."""
        kinds = [node.op_type for node in readers]
        if sorted(kinds) != ["Mul", "Sigmoid"]:
            return False
        readers.sort(key=lambda node: node.op_type, reverse=True)
        gate, product = readers
        if not gate.output:
            return False
        inputs = [self.flow, gate.output[0]]
        return sorted(product.input) == sorted(inputs) and self.readers[gate.output[0]] == [product]

    def _take(self, node: NodeProto) -> None:
        take = _TAKEN.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if take is None:
            where = f" of {node.domain[:60]}" if node.domain not in ("", "ai.onnx") else ""
            raise RefusedError(f"it{where} is not read: {_HELP.get(node.op_type, _USUAL)}")
        if not node.output:
            raise RefusedError("it gives nothing")
        if self.flow != node.input[0] and node.op_type not in _SYMMETRIC:
            raise RefusedError("the flow is not its first input")
        result = take(self, node, attributes_of(node))
        self.flow = result or node.output[0]

    def constant(self, node: NodeProto, place: int) -> Values:
        """Return the constant that a node reads in a place."""
        if place >= len(node.input):
            raise RefusedError(f"it lacks its input {place}")
        return self.constants.get(node.input[place])

    def weight(self, node: NodeProto, place: int, axes: int) -> Values:
        """Return the weight that a node reads in a place."""
        values = floats(
            node.input[place] if place < len(node.input) else "", self.constant(node, place)
        )
        if values.ndim != axes:
            raise RefusedError(f"its weight has the shape {values.shape}, and {axes} axes are read")
        return values

    def optional(self, node: NodeProto, place: int) -> Values | None:
        """Return the same, or nothing where the node reads none."""
        has = place < len(node.input) and node.input[place]
        return self.constant(node, place) if has else None

    def vector(self, values: Values) -> Values:
        """Return a constant as one number, or one for each channel of what flows."""
        if values.size == 1:
            return values.reshape(1)
        rank = 2 if self.row.is_flat else 4 if self.has_channels else 3
        axis = rank - 1 if self.row.is_flat or self.row.channels_last else 1
        shape = (1,) * (rank - values.ndim) + values.shape
        if len(shape) != rank or shape[axis] != values.size:
            what = f"its constant has the shape {values.shape}"
            raise RefusedError(f"{what}; one number, or one for each channel, can be read")
        return values.ravel()


_Given = Mapping[str, Any]


def _check_first(reader: _Reader) -> None:
    if reader.row.channels_last:
        raise RefusedError("it works on (H, W, C), and (C, H, W) is read")


def _window(reader: _Reader, given: _Given, kernel: tuple[int, ...]) -> tuple[Any, Any, Sides]:
    """Return kernel, stride and padding."""
    _check_first(reader)
    if len(kernel) != 2 or len(reader.row.shape) != 3:
        raise RefusedError("it does not slide over height and width")
    if set(given.get("dilations", ())) - {1}:
        raise RefusedError(f"its dilation is {shown(list(given['dilations']))}, and 1 is read")
    stride = tuple(given.get("strides", (1, 1)))
    pads = tuple(given.get("pads", (0, 0, 0, 0)))
    if len(stride) != 2 or len(pads) != 4 or min(stride) < 1:
        raise RefusedError("its strides or pads are not those of height and width")
    auto = given.get("auto_pad", b"NOTSET")
    if auto in (b"SAME_UPPER", b"SAME_LOWER"):
        return kernel, stride, reader.row.same_sides(kernel, stride, auto == b"SAME_UPPER")
    top, left, bottom, right = (0, 0, 0, 0) if auto == b"VALID" else pads
    return kernel, stride, (top, bottom, left, right)


def _conv(reader: _Reader, node: NodeProto, given: _Given) -> None:
    weight = reader.weight(node, 1, 4)
    kernel, stride, padding = _window(reader, given, weight.shape[2:])
    groups = given.get("group", 1)
    layer = Conv2d(weight.shape[0], kernel, stride, padding, groups=groups)
    reader.row.conv(layer, weight, reader.optional(node, 2))


def _pool(kind: type[Pool2d]) -> Callable[[_Reader, NodeProto, _Given], None]:
    def take(reader: _Reader, node: NodeProto, given: _Given) -> None:
        kernel, stride, padding = _window(reader, given, tuple(given.get("kernel_shape", ())))
        if kind is AvgPool2d and any(padding) and not given.get("count_include_pad", 0):
            raise RefusedError("its mean leaves the padding out, and means with it are read")
        layer = kind(kernel, stride, padding)
        reader.row.pool(layer, rounds_up=bool(given.get("ceil_mode", 0)))

    return take


def _global(kind: type[Pool2d]) -> Callable[[_Reader, NodeProto, _Given], None]:
    def take(reader: _Reader, node: NodeProto, given: _Given) -> None:
        _check_first(reader)
        reader.row.global_pool(kind)

    return take


def _reduce(kind: type[Pool2d]) -> Callable[[_Reader, NodeProto, _Given], None]:
    def take(reader: _Reader, node: NodeProto, given: _Given) -> None:
        wanted = {1, 2} if reader.row.channels_last else {2, 3}
        axes = reader.optional(node, 1)
        found = given.get("axes", ()) if axes is None else axes.ravel()
        if {int(axis) % 4 for axis in found} != wanted:
            raise RefusedError("it does not reduce height and width alone")
        reader.row.global_pool(kind)
        reader.row.channels_last = reader.row.channels_last and bool(given.get("keepdims", 1))
        if not given.get("keepdims", 1):
            reader.row.flatten()

    return take


def _check_flat(reader: _Reader) -> None:
    if not reader.row.is_flat:
        raise RefusedError("its input is not flattened")


def _gemm(reader: _Reader, node: NodeProto, given: _Given) -> None:
    _check_flat(reader)
    if given.get("transA", 0):
        raise RefusedError("it turns its input")
    weight = reader.weight(node, 1, 2)
    weight = weight if given.get("transB", 0) else weight.T
    alpha, beta = given.get("alpha", 1.0), given.get("beta", 1.0)
    bias = reader.optional(node, 2)
    if bias is not None:
        bias = bias[0] if bias.ndim == 2 and len(bias) == 1 else bias
        bias = bias.reshape(1) if bias.ndim == 0 else bias
        if bias.shape not in ((1,), weight.shape[:1]):
            raise RefusedError(f"its bias has the shape {bias.shape}")
        bias = np.broadcast_to(bias, weight.shape[:1]) * beta
    reader.row.dense(weight if alpha == 1 else weight * alpha, bias)


def _matmul(reader: _Reader, node: NodeProto, given: _Given) -> None:
    _check_flat(reader)
    reader.row.dense(reader.weight(node, 1, 2).T, None)


def _norm(reader: _Reader, node: NodeProto, given: _Given) -> None:
    _check_first(reader)
    # Before opset 14, more outputs than one said so.
    if given.get("training_mode", 0) or sum(map(bool, node.output)) > 1:
        raise RefusedError("it is in training mode; export the network in evaluation mode")
    gamma, beta, mean, variance = (reader.weight(node, place, 1) for place in range(1, 5))
    reader.row.norm(gamma, beta, mean, variance, float(given.get("epsilon", 1e-5)))


def _arithmetic(reader: _Reader, node: NodeProto, given: _Given) -> None:
    """Add, Sub, Mul or Div, of the flow and a constant."""
    if len(node.input) != 2:
        raise RefusedError("it does not read two values")
    if reader.whole is not None and (node.op_type == "Div" or reader.whole not in _WIDE):
        raise RefusedError("it computes with whole numbers; cast the pixels to floats before it")
    is_first = node.input[0] == reader.flow
    values = reader.constant(node, int(is_first))
    values = reader.vector(floats("", values.astype(np.float64)))
    match node.op_type:
        case "Add":
            reader.row.affine(1, values)
        case "Sub":
            reader.row.affine(1 if is_first else -1, -values if is_first else values)
        case "Mul":
            reader.row.affine(values, 0)
        case _ if not is_first or not values.all():
            raise RefusedError("it divides a constant, or by 0")
        case _:
            reader.row.affine(1 / values, 0)


def _activation(reader: _Reader, node: NodeProto, given: _Given) -> str | None:
    readers = reader.readers[reader.flow]
    if len(readers) == 2:  # x * sigmoid(x)
        reader.row.activation("silu")
        return str(readers[1].output[0])
    reader.row.activation(_ACTIVATIONS[node.op_type])
    return None


def _leaky(reader: _Reader, node: NodeProto, given: _Given) -> None:
    slope = float(given.get("alpha", 0.01))
    if abs(slope - LEAKY_SLOPE) > 1e-6:
        raise RefusedError(f"its slope is {slope:g}, and {LEAKY_SLOPE:g} is read")
    reader.row.activation("leaky-relu")


def _swish(reader: _Reader, node: NodeProto, given: _Given) -> None:
    if float(given.get("alpha", 1.0)) != 1:
        raise RefusedError(f"its alpha is {given['alpha']:g}, and 1 is read")
    reader.row.activation("silu")


def _flatten(reader: _Reader, node: NodeProto, given: _Given) -> None:
    if given.get("axis", 1) not in (1, 1 - len(reader.constants.shapes[reader.flow])):
        raise RefusedError(f"its axis is {given['axis']}, and 1 is read")
    reader.row.flatten()


def _reshape(reader: _Reader, node: NodeProto, given: _Given) -> None:
    sizes = [int(size) for size in reader.constant(node, 1).ravel()]
    row, own = reader.row, reader.constants.shapes[reader.flow]
    sizes = [own[i] if size == 0 and i < len(own) else size for i, size in enumerate(sizes)]
    if not sizes or sizes[0] not in (-1, 1, reader.batch):
        raise RefusedError(f"it makes the shape {shown(sizes)}, and keeps no batch")
    known = prod(size for size in sizes[1:] if size > 0)
    rest = [row.size // max(1, known) if size == -1 else size for size in sizes[1:]]
    if prod(rest) != row.size or min(rest, default=0) < 1:
        raise RefusedError(f"it makes the shape {shown(sizes)} of {row.size:,} numbers")
    if len(rest) == 1:
        row.flatten()
    elif tuple(rest) != own[1:]:
        if len(rest) != 3:
            raise RefusedError(f"it makes the shape {shown(sizes)}; a flattening is read")
        row.fold((rest[0], rest[1], rest[2]))
        reader.has_channels = True


def _squeeze(reader: _Reader, node: NodeProto, given: _Given) -> None:
    axes = reader.optional(node, 1)
    found = given.get("axes", (2, 3)) if axes is None else axes.ravel()
    rank = 4 - reader.dropped
    wanted = {1, 2} if reader.row.channels_last else {2, 3}
    dropped = {int(axis) % rank for axis in found}
    if reader.row.shape[1:] != (1, 1) or not dropped <= wanted:
        raise RefusedError("it does not drop height and width alone")
    reader.dropped += len(dropped)
    if reader.dropped >= 2:
        reader.row.flatten()


def _unsqueeze(reader: _Reader, node: NodeProto, given: _Given) -> None:
    axes = reader.optional(node, 1)
    found = [int(axis) for axis in (given.get("axes", ()) if axes is None else axes.ravel())]
    if reader.has_channels or found not in ([1], [-3], [3], [-1]):
        raise RefusedError("it does not add the channel of a grey picture")
    reader.has_channels = True
    reader.row.channels_last = found in ([3], [-1])


def _transpose(reader: _Reader, node: NodeProto, given: _Given) -> None:
    order = tuple(given.get("perm", ()))
    if order == tuple(range(len(order))) and order:
        return
    if order != (_TO_FIRST if reader.row.channels_last else _TO_LAST):
        raise RefusedError(f"it puts the axes in the order {order}")
    reader.row.transpose()


def _pad(reader: _Reader, node: NodeProto, given: _Given) -> None:
    if given.get("mode", b"constant") != b"constant":
        raise RefusedError(f"its mode is {shown(given['mode'])}, and constant is read")
    pads, value = reader.optional(node, 1), reader.optional(node, 2)
    sizes = given.get("pads", ()) if pads is None else pads.ravel()
    sizes = [int(size) for size in sizes]
    if (axes := reader.optional(node, 3)) is not None:
        places = [int(axis) % 4 for axis in axes.ravel()]
        if 2 * len(places) != len(sizes):
            raise RefusedError("it has not two sizes for each of its axes")
        halves = sizes[: len(places)], sizes[len(places) :]
        of_axis = [dict(zip(places, half, strict=True)) for half in halves]
        sizes = [half.get(axis, 0) for half in of_axis for axis in range(4)]
    first = 1 if reader.row.channels_last else 2
    kept = [sizes[i] for i in (first, 4 + first, first + 1, 5 + first)] if len(sizes) == 8 else []
    if len(kept) != 4 or sum(map(abs, kept)) != sum(map(abs, sizes)) or min(kept) < 0:
        raise RefusedError("it does not enlarge height and width alone")
    number = given.get("value", 0.0) if value is None else value.ravel()[0]
    reader.row.pad((kept[0], kept[1], kept[2], kept[3]), float(number))


def _softmax(reader: _Reader, node: NodeProto, given: _Given) -> None:
    row = reader.row
    axes = (1, -1) if row.is_flat else (3, -1) if row.channels_last else (1, -3)
    default = -1 if reader.opset >= _LAST_AXIS else axes[0]
    if given.get("axis", default) not in axes:
        raise RefusedError("it is not over the classes")
    row.softmax()


def _cast(reader: _Reader, node: NodeProto, given: _Given) -> None:
    if given.get("to") in _FLOATING:
        reader.whole = None
    elif reader.whole is None or given.get("to") not in (TensorProto.UINT8, *_WIDE):
        raise RefusedError("it cuts numbers down to other ones")
    else:
        reader.whole = given["to"]


def _nothing(reader: _Reader, node: NodeProto, given: _Given) -> None:
    """Take what changes nothing once a network is trained."""


#: What a number may become and stay as it is, but for a rounding.
_FLOATING: Final = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.FLOAT16,
    TensorProto.BFLOAT16,
)
#: What holds pixels, their differences and their sums.
_WIDE: Final = (TensorProto.INT32, TensorProto.INT64)
#: These read their inputs in any order.
_SYMMETRIC: Final = ("Add", "Sub", "Mul", "Div")
_TAKEN: Final[dict[str, Callable[[_Reader, NodeProto, _Given], str | None]]] = {
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MaxPool": _pool(MaxPool2d),
    "AveragePool": _pool(AvgPool2d),
    "GlobalAveragePool": _global(AvgPool2d),
    "GlobalMaxPool": _global(MaxPool2d),
    "ReduceMean": _reduce(AvgPool2d),
    "ReduceMax": _reduce(MaxPool2d),
    "BatchNormalization": _norm,
    **dict.fromkeys(_SYMMETRIC, _arithmetic),
    **dict.fromkeys(_ACTIVATIONS, _activation),
    "LeakyRelu": _leaky,
    "Swish": _swish,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Pad": _pad,
    **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
    "Cast": _cast,
    **dict.fromkeys(("Identity", "Dropout"), _nothing),
}
