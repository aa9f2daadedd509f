"""MXNet's ``-symbol.json``: the network that a ``.params`` file belongs to, both ways.

A symbol is a list of nodes, each with an operator (``null`` is a tensor), attributes as texts and
the numbers of the nodes it reads. Attributes stand under ``attrs``, in older files under ``attr``
or ``param``; what is left out has MXNet's default.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet import kinds
from lenet.engine.normalise import EPSILON
from lenet.errors import ModelFileError, ShapeError, UsageError, path_text
from lenet.formats.names import PLAIN
from lenet.formats.reading import read_whole
from lenet.formats.row import RefusedError, Row, UnfitError, refusing
from lenet.formats.weights import Arrays, floats
from lenet.model import Model
from lenet.net import AvgPool2d, Conv2d, MaxPool2d, PlacedLayer
from lenet.net.document import MAX_JSON
from lenet.net.layers import LEAKY_SLOPE, Pool2d
from lenet.net.shapes import Pair, read_sizes
from lenet.net.words import in_told_order, listed, name_text, shown
from lenet.tensor_files import read_json

Values = npt.NDArray[Any]

_MAX_NODES: Final = 100_000
#: Inputs up to this size are tried where the symbol does not tell it.
_LARGEST_INPUT: Final = 512
#: The sizes of most data sets, which are taken where several fit.
_USUAL_INPUTS: Final = (28, 32, 64, 96, 128, 224)
#: MXNet's own default, unlike everybody's.
_EPSILON: Final = 1e-3
_DATA: Final = "data"
_CLASSES, _SEEN, _SHAPE = "__classes__", "__preprocessing__", "__shape__"


def symbol_path(params: Path) -> Path:
    """Return where a ``.params`` file's symbol lies: ``m-symbol.json`` by ``m-0000.params``."""
    return params.with_name(f"{re.sub('-[0-9]{4}$', '', params.stem)}-symbol.json")


@dataclass(frozen=True)
class Node:
    """A node of a symbol."""

    operator: str
    name: str
    attributes: dict[str, str]
    inputs: tuple[int, ...]  # numbers of nodes


def read_symbol(
    path: str | os.PathLike[str],
    params_path: object,
    arrays: Arrays,
    input_shape: tuple[int, int, int] | None,
) -> tuple[Model, list[str]]:
    """Return the model that a symbol and its tensors by MXNet's names are, and notes.

    Raises:
        ModelFileError: the symbol is damaged, or holds what we have no layer for.
        UsageError: its input is not told; the error says so.
    """
    nodes = _read_nodes(path)
    row = _row(path, nodes)
    plain = _by_symbol_names(nodes, row[1:], arrays)
    reader = _Reader(path, params_path, nodes, plain)
    data, numbers, notes = nodes[row[0]], row[1:], []
    if data.name in plain:
        raise ModelFileError(f"{path_text(path)} begins with the tensor {name_text(data.name)}.")
    shape = input_shape or _told_shape(data)
    if shape:
        found = reader.read(numbers, shape)
    else:
        found, note = reader.likeliest(numbers)
        notes.append(note)
    with refusing(path_text(path)):
        model = found.model(_json(data, _CLASSES), _json(data, _SEEN))
    return model, [*found.notes, *notes]


def _read_nodes(path: str | os.PathLike[str]) -> list[Node]:
    content = read_whole(path, kinds.JSON)
    if len(content) > MAX_JSON:
        raise _damaged(path, f"it has {len(content):,} bytes, {MAX_JSON:,} at most are read")
    try:
        given = read_json(content)["nodes"]
        nodes = [_node(value) for value in given]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise _damaged(path, "it is no symbol in JSON; give the -symbol.json of the net") from error
    if not 0 < len(nodes) <= _MAX_NODES:
        raise _damaged(path, f"it has {len(nodes):,} nodes, from 1 to {_MAX_NODES:,} are read")
    for number, node in enumerate(nodes):
        if any(not 0 <= other < number for other in node.inputs):
            what = f"{name_text(node.name)} reads a node that does not stand before it"
            raise _damaged(path, what)
    return nodes


def _node(value: Any) -> Node:
    attributes: dict[str, str] = {}
    for key in ("param", "attr", "attrs"):
        attributes |= {str(k): str(v) for k, v in (value.get(key) or {}).items()}
    inputs = tuple(entry[0] for entry in value["inputs"])
    if not all(type(number) is int for number in inputs):
        raise ValueError("an input is no number of a node")
    return Node(str(value["op"]), str(value["name"]), attributes, inputs)


def _damaged(path: object, why: str) -> ModelFileError:
    return ModelFileError(f"{path_text(path)} is no intact symbol of MXNet: {why}.")


#: Operators that multiply a value by a gate made of it.
_GATES: Final = ("elemwise_mul", "broadcast_mul", "_mul", "_Mul", "_npi_multiply")


def _row(path: object, nodes: list[Node]) -> list[int]:
    """Return the numbers of the nodes that a picture flows through, its own node first."""
    read = {number for node in nodes for number in node.inputs}
    ends = [i for i, node in enumerate(nodes) if i not in read and node.operator != "null"]
    if len(ends) != 1:
        names = ", ".join(name_text(nodes[end].name) for end in ends[:4]) or "none"
        raise ModelFileError(
            f"{path_text(path)} has {len(ends)} outputs ({names}), and one is read; save the part "
            "that gives the classes."
        )
    row = [ends[0]]
    while nodes[row[-1]].operator != "null":
        node = nodes[row[-1]]
        if not node.inputs:
            raise _damaged(path, f"{name_text(node.name)} reads nothing")
        row.append(node.inputs[0])
    return row[::-1]


def _by_symbol_names(nodes: list[Node], row: list[int], arrays: Arrays) -> dict[str, Values]:
    """Return the tensors by the symbol's names; those of ``save_parameters`` by their order."""
    plain = {name.removeprefix("arg:").removeprefix("aux:"): v for name, v in arrays.items()}
    readers = [nodes[i] for i in row if _OPERATORS.get(nodes[i].operator) in _WITH_TENSORS]
    wanted = list(dict.fromkeys(nodes[i].name for node in readers for i in node.inputs[1:]))
    if len(wanted) != len(plain) or not plain.keys().isdisjoint(wanted):
        return plain
    ordered = in_told_order(list(plain), lambda name: name.rpartition(".")[0])
    return {name: plain[own] for name, own in zip(wanted, ordered, strict=True)}


def _told_shape(data: Node) -> tuple[int, int, int] | None:
    sizes = _numbers(data.attributes.get(_SHAPE, ""))
    return (sizes[1], sizes[2], sizes[3]) if len(sizes) == 4 and min(sizes[1:]) > 0 else None


def _numbers(text: str) -> tuple[int, ...]:
    """Read ``(5, 5)``, ``[5,5]`` or ``5``; of anything else nothing."""
    numbers = read_sizes(text.strip("()[] ").rstrip(", ").replace(",", "x").replace(" ", ""))
    return numbers or ()


def _json(data: Node, key: str) -> Any:
    try:
        return read_json(data.attributes.get(key, "null"))
    except (ValueError, RecursionError):
        return None


class _Reader:
    """Takes a row's nodes, with the tensors they read."""

    def __init__(self, path: object, params: object, nodes: list[Node], arrays: Arrays) -> None:
        self.path, self.params, self.nodes, self.arrays = path, params, nodes, arrays

    def likeliest(self, numbers: list[int]) -> tuple[Row, str]:
        """Return the row on the square pictures it is likely for, and a note; not if any fit."""
        with refusing(path_text(self.path)):
            channels = self._channels(numbers)
        if not self._try((channels, _LARGEST_INPUT, _LARGEST_INPUT), numbers):
            tried = {n: self._try((channels, n, n), numbers) for n in range(1, _LARGEST_INPUT)}
            rows = {size: row for size, row in tried.items() if row}
            for size in (*_USUAL_INPUTS, *rows):
                if size in rows:
                    others = (
                        "no others fit" if len(rows) == 1 else f"{min(rows)} to {max(rows)} fit"
                    )
                    return rows[size], (
                        f"The file does not say how large its pictures are: {size}x{size} are "
                        f"taken, and {others}."
                    )
            why = f"no square below {_LARGEST_INPUT} fits"
        else:
            why = "any size fits"
        raise UsageError(
            f"{path_text(self.path)} does not say what pictures it takes, and {why}; give their "
            "size, such as 1x28x28.",
            parameter="input_shape",
        )

    def _try(self, shape: tuple[int, int, int], numbers: list[int]) -> Row | None:
        try:
            return self.read(numbers, shape)
        except ModelFileError as error:
            if isinstance(error.__cause__, UnfitError | ShapeError):
                return None
            raise

    def _channels(self, numbers: list[int]) -> int:
        """Return how many channels the first convolution reads."""
        for node in (self.nodes[number] for number in numbers):
            if _OPERATORS.get(node.operator) is _convolution:
                weight = self.tensor(node, 1)
                return int(weight.shape[1]) * _whole(node, "num_group", 1) if weight.ndim > 1 else 1
        return 1

    def read(self, numbers: list[int], shape: tuple[int, int, int]) -> Row:
        """Return the row of these nodes on pictures of a shape."""
        with refusing(path_text(self.path)):
            row = Row(shape)
        for number in numbers:
            node = self.nodes[number]
            where = f"{path_text(self.path)} has {node.operator[:60]} ({name_text(node.name)})"
            with refusing(where):
                take = _OPERATORS.get(node.operator)
                if take is None:
                    raise RefusedError("only the usual layers of convolution networks are read")
                take(self, row, node)
        return row

    def tensor(self, node: Node, place: int) -> Values:
        """Return the tensor that a node reads in a place."""
        if place >= len(node.inputs):
            raise RefusedError(f"it lacks its input {place}")
        name = self.nodes[node.inputs[place]].name
        if name not in self.arrays:
            raise RefusedError(f"{path_text(self.params)} has no tensor {name_text(name)}")
        return floats(name, self.arrays[name])

    def vector(self, row: Row, node: Node) -> Values:
        """Return the second tensor as one number, or one for each channel of what flows."""
        values = self.tensor(node, 1).astype(np.float64)
        shape = (1,) * ((2 if row.is_flat else 4) - values.ndim) + values.shape
        if values.size > 1 and (len(shape) > 4 or shape[1:2] != (values.size,)):
            what = f"its tensor has the shape {values.shape}"
            raise RefusedError(f"{what}; one number, or one for each channel, can be read")
        return values.ravel()

    def bias(self, node: Node) -> Values | None:
        """Return a layer's bias, unless it has none."""
        return None if _is_on(node, "no_bias") else self.tensor(node, 2)


def _is_on(node: Node, key: str, default: str = "False") -> bool:
    return node.attributes.get(key, default).strip().lower() in ("true", "1")


def _whole(node: Node, key: str, default: int) -> int:
    numbers = _numbers(node.attributes.get(key, str(default)))
    if len(numbers) != 1:
        raise RefusedError(f"its {key} is {shown(node.attributes[key])}, and one number is read")
    return numbers[0]


def _pair(node: Node, key: str, default: Pair) -> Pair:
    text = node.attributes.get(key)
    numbers = default if text is None or text.strip() in ("()", "[]") else _numbers(text)
    if len(numbers) != 2:
        raise RefusedError(f"its {key} is {shown(text)}, and (height, width) are read")
    return numbers[0], numbers[1]


def _number(node: Node, key: str, default: float | None = None) -> float:
    try:
        return float(node.attributes.get(key, "" if default is None else default))
    except ValueError:
        raise RefusedError(f"its {key} is {shown(node.attributes.get(key))}, no number") from None


def _check_layout(node: Node) -> None:
    layout = node.attributes.get("layout", "None")
    if layout not in ("None", "NCHW"):
        raise RefusedError(f"its layout is {shown(layout)}, and NCHW is read")


def _convolution(reader: _Reader, row: Row, node: Node) -> None:
    _check_layout(node)
    if _pair(node, "dilate", (1, 1)) != (1, 1):
        raise RefusedError(f"its dilation is {node.attributes['dilate'][:20]}, and 1 is read")
    kernel, stride = _pair(node, "kernel", (0, 0)), _pair(node, "stride", (1, 1))
    padding, groups = _pair(node, "pad", (0, 0)), _whole(node, "num_group", 1)
    layer = Conv2d(_whole(node, "num_filter", 0), kernel, stride, padding, groups=groups)
    row.conv(layer, reader.tensor(node, 1), reader.bias(node))


def _dense(reader: _Reader, row: Row, node: Node) -> None:
    if not _is_on(node, "flatten", "True") and not row.is_flat and len(row.shape) > 1:
        raise RefusedError("it does not flatten its input, and only flat ones are read")
    row.flatten()
    weight = reader.tensor(node, 1)
    if weight.ndim != 2:
        raise RefusedError(f"its weight has the shape {weight.shape}, and (units, inputs) are read")
    row.dense(weight, reader.bias(node))


def _pooling(reader: _Reader, row: Row, node: Node) -> None:
    _check_layout(node)
    kinds: dict[str, type[Pool2d]] = {"max": MaxPool2d, "avg": AvgPool2d}
    name = node.attributes.get("pool_type", "max")
    if name not in kinds:
        raise RefusedError(f"its pooling is {shown(name)}, and max and avg are read")
    if _is_on(node, "global_pool"):
        row.global_pool(kinds[name])
        return
    kernel, stride = _pair(node, "kernel", (0, 0)), _pair(node, "stride", (1, 1))
    padding = _pair(node, "pad", (0, 0))
    if name == "avg" and any(padding) and not _is_on(node, "count_include_pad", "True"):
        raise RefusedError("its mean leaves the padding out, and means with it are read")
    layer = kinds[name](kernel, stride, padding)
    convention = node.attributes.get("pooling_convention", "valid")
    if convention not in ("valid", "full"):
        raise RefusedError(f"its convention is {shown(convention)}, and valid and full are read")
    row.pool(layer, rounds_up=convention == "full", drops=False)


def _norm(reader: _Reader, row: Row, node: Node) -> None:
    if _whole(node, "axis", 1) != 1:
        raise RefusedError("it does not normalise channels")
    gamma, beta, mean, variance = (reader.tensor(node, place) for place in range(1, 5))
    if _is_on(node, "fix_gamma", "True"):  # what the file holds does not count
        gamma = np.ones_like(gamma)
    row.norm(gamma, beta, mean, variance, _number(node, "eps", _EPSILON))


#: By an ``act_type``, or an operator of its own.
_ACTIVATIONS: Final = {start + name: name for name in PLAIN for start in ("", "_npx_", "_npi_")}


def _activation(reader: _Reader, row: Row, node: Node) -> None:
    name = node.attributes.get("act_type", node.operator)
    if name not in _ACTIVATIONS:
        what = f"its activation is {shown(name)}"
        raise RefusedError(f"{what}; {listed(list(PLAIN))} are read")
    row.activation(_ACTIVATIONS[name])


def _leaky(reader: _Reader, row: Row, node: Node) -> None:
    kind, slope = node.attributes.get("act_type", "leaky"), _number(node, "slope", 0.25)
    if kind != "leaky" or abs(slope - LEAKY_SLOPE) > 1e-6:
        what = f"it is {shown(kind)} with a slope of {slope:g}"
        raise RefusedError(f"{what}, and leaky with {LEAKY_SLOPE:g} is read")
    row.activation("leaky-relu")


def _gate(reader: _Reader, row: Row, node: Node) -> None:
    """x * sigmoid(x): SiLU, called Swish here; a tensor of the file is a scale."""
    value, gate = (reader.nodes[number] for number in node.inputs[:2])
    if gate.operator == "null":
        row.affine(reader.vector(row, node), 0)
        return
    inner = reader.nodes[gate.inputs[0]] if gate.inputs else gate
    if inner.operator == "_mul_scalar" and _number(inner, "scalar") == 1:
        inner = reader.nodes[inner.inputs[0]] if inner.inputs else inner
    is_sigmoid = gate.attributes.get("act_type", gate.operator) == "sigmoid"
    if not (is_sigmoid and inner is value):
        raise RefusedError("it multiplies two values that flow; only x * sigmoid(x) is read")
    row.activation("silu")


def _flatten(reader: _Reader, row: Row, node: Node) -> None:
    shape = node.attributes.get("shape", "(0, -1)")
    sizes = [word.strip() for word in shape.strip("()[] ").rstrip(",").split(",")]
    if (
        len(sizes) != 2
        or sizes[1] not in ("-1", str(row.size))
        or sizes[0] not in ("0", "-1", "-2")
    ):
        raise RefusedError(f"it makes the shape {shown(shape)}; only a flattening is read")
    row.flatten()


def _pad(reader: _Reader, row: Row, node: Node) -> None:
    if node.attributes.get("mode") != "constant":
        raise RefusedError(
            f"its mode is {shown(node.attributes.get('mode'))}, and constant is read"
        )
    widths = _numbers(node.attributes.get("pad_width", ""))
    if len(widths) != 8 or any(widths[:4]):
        raise RefusedError("it does not pad height and width alone")
    row.pad((widths[4], widths[5], widths[6], widths[7]), _number(node, "constant_value", 0))


def _scaled(scale: float, shift: float) -> Callable[[_Reader, Row, Node], None]:
    """Return what takes x * scalar * scale + scalar * shift, where one of them is 0."""

    def take(reader: _Reader, row: Row, node: Node) -> None:
        scalar = _number(node, "scalar")
        row.affine(scalar * scale if scale else 1, scalar * shift)

    return take


def _divided(reader: _Reader, row: Row, node: Node) -> None:
    scalar = _number(node, "scalar")
    if not scalar:
        raise RefusedError("it divides by 0")
    row.affine(1 / scalar, 0)


def _shifted(sign: int) -> Callable[[_Reader, Row, Node], None]:
    def take(reader: _Reader, row: Row, node: Node) -> None:
        row.affine(1, sign * reader.vector(row, node))

    return take


def _quotient(reader: _Reader, row: Row, node: Node) -> None:
    values = reader.vector(row, node)
    if not values.all():
        raise RefusedError("it divides by 0")
    row.affine(1 / values, 0)


def _softmax(reader: _Reader, row: Row, node: Node) -> None:
    given = node.attributes
    if given.get("temperature", "None") not in ("None", "1", "1.0"):
        raise RefusedError(f"its temperature is {given['temperature']}, and 1 is read")
    if given.get("axis", "-1") not in ("-1", "1"):
        raise RefusedError("it is not over the classes")
    row.softmax()


def _cast(reader: _Reader, row: Row, node: Node) -> None:
    if not node.attributes.get("dtype", "float32").startswith("float"):
        raise RefusedError("it cuts numbers down to whole ones")


def _dropout(reader: _Reader, row: Row, node: Node) -> None:
    if node.attributes.get("mode", "training") != "training":
        raise RefusedError("it drops numbers out after training, too")


def _nothing(reader: _Reader, row: Row, node: Node) -> None:
    """Take what changes nothing once a network is trained."""


_Take = Callable[[_Reader, Row, Node], None]
_WITH_TENSORS: Final = (_convolution, _dense, _norm)
_OPERATORS: Final[dict[str, _Take]] = {
    **dict.fromkeys(("Convolution", "Convolution_v1", "_npx_convolution"), _convolution),
    **dict.fromkeys(("FullyConnected", "_npx_fully_connected"), _dense),
    **dict.fromkeys(("Pooling", "Pooling_v1", "_npx_pooling"), _pooling),
    **dict.fromkeys(("BatchNorm", "BatchNorm_v1", "_npx_batch_norm"), _norm),
    **dict.fromkeys(("Activation", "_npx_activation", *_ACTIVATIONS), _activation),
    **dict.fromkeys(("LeakyReLU", "_npx_leaky_relu"), _leaky),
    **dict.fromkeys(_GATES, _gate),
    **dict.fromkeys(("Flatten", "flatten", "_npx_batch_flatten"), _flatten),
    **dict.fromkeys(("Reshape", "reshape", "_npx_reshape"), _flatten),
    **dict.fromkeys(
        ("SoftmaxOutput", "Softmax", "SoftmaxActivation", "softmax", "log_softmax", "_npx_softmax"),
        _softmax,
    ),
    **dict.fromkeys(("Dropout", "_npx_dropout"), _dropout),
    **dict.fromkeys(("Cast", "cast"), _cast),
    **dict.fromkeys(("_copy", "identity", "BlockGrad"), _nothing),
    **dict.fromkeys(("Pad", "pad"), _pad),
    "_mul_scalar": _scaled(1, 0),
    "_plus_scalar": _scaled(0, 1),
    "_minus_scalar": _scaled(0, -1),
    "_div_scalar": _divided,
    **dict.fromkeys(("broadcast_add", "elemwise_add", "_Plus", "_plus"), _shifted(1)),
    **dict.fromkeys(("broadcast_sub", "elemwise_sub", "_Minus", "_minus"), _shifted(-1)),
    **dict.fromkeys(("broadcast_div", "elemwise_div", "_Div", "_div"), _quotient),
}


def write_symbol(model: Model) -> tuple[bytes, dict[str, Values]]:
    """Return a model's symbol, and its tensors by the names that Gluon's ``Sequential`` gives them.

    Class names and preprocessing are attributes of the node ``data``, where MXNet lets them be.
    """
    writer = _Writer(model)
    for place in model.network.placed:
        writer.add_layer(place, model)
    if len(model.network.output_shape) > 1:
        writer.add("Flatten")
    return writer.content(), writer.arrays


class _Writer:
    def __init__(self, model: Model) -> None:
        shape = (0, *model.network.input_shape)
        told = {
            _SHAPE: str(shape),
            _CLASSES: json.dumps(model.classes),
            _SEEN: json.dumps(model.preprocessing.to_dict()),
        }
        self.nodes: list[dict[str, Any]] = [
            {"op": "null", "name": _DATA, "attrs": told, "inputs": []}
        ]
        self.arrays: dict[str, Values] = {}
        self.flow, self.children = 0, 0

    def add_layer(self, place: PlacedLayer, model: Model) -> None:
        """Add a layer, and what follows it as layers of their own."""
        layer, state = place.layer, model.state_dict()
        operator, attributes = _WRITTEN[layer.keyword](layer)
        padding = getattr(layer, "padding", (0, 0, 0, 0))
        if padding[::2] != padding[1::2]:  # MXNet pads both sides alike
            lowest = "-3.4e+38" if isinstance(layer, MaxPool2d) else "0"
            width = str((0, 0, 0, 0, *padding))
            pad = {"mode": "constant", "pad_width": width, "constant_value": lowest}
            self.add("Pad", pad)
            padding = (0, 0, 0, 0)
        if isinstance(layer, Conv2d | Pool2d):
            attributes["pad"] = str(padding[::2])
        tensors = {name: state[f"{place.name}.{name}"] for name in self._owned(place)}
        self.add(operator, attributes, tensors)
        norm = {t.name: state[f"{place.name}.{t.name}"] for t in place.tensors}
        if "scale" in norm:
            names = {"gamma": "scale", "beta": "bias", "running_mean": "mean"}
            values = {theirs: norm[ours] for theirs, ours in names.items()}
            values["running_var"] = norm["variance"]
            self.add("BatchNorm", {"eps": repr(EPSILON), "fix_gamma": "False"}, values)
        activation = getattr(layer, "activation", "identity")
        if activation == "silu":
            value = self.flow
            self.add("Activation", {"act_type": "sigmoid"})
            self.add("elemwise_mul", reads=[value, self.flow], is_child=False)
        elif activation == "leaky-relu":
            self.add("LeakyReLU", {"act_type": "leaky", "slope": repr(LEAKY_SLOPE)})
        elif activation != "identity":
            is_child = "scale" in norm  # otherwise Gluon has it as the layer's own
            self.add("Activation", {"act_type": _ACTIVATIONS[activation]}, is_child=is_child)

    @staticmethod
    def _owned(place: PlacedLayer) -> list[str]:
        names = [tensor.name for tensor in place.tensors]
        return ["weight"] if "scale" in names else names

    def add(
        self,
        operator: str,
        attributes: dict[str, str] | None = None,
        tensors: dict[str, Values] | None = None,
        reads: list[int] | None = None,
        is_child: bool = True,
    ) -> None:
        """Add a node behind the last, and nodes for its tensors before it."""
        inputs = list(reads or [self.flow])
        for name, values in (tensors or {}).items():
            key = f"{self.children}.{name}"
            self.arrays[key] = np.asarray(values)
            inputs.append(len(self.nodes))
            self.nodes.append({"op": "null", "name": key, "inputs": []})
        self.flow = len(self.nodes)
        node = {"op": operator, "name": f"{operator.lower()}{self.flow}", "attrs": attributes or {}}
        self.nodes.append({**node, "inputs": [[number, 0, 0] for number in inputs]})
        self.children += is_child  # of Gluon's Sequential

    def content(self) -> bytes:
        """Return the JSON text."""
        tensors = [i for i, node in enumerate(self.nodes) if node["op"] == "null"]
        document = {
            "nodes": self.nodes,
            "arg_nodes": tensors,
            "node_row_ptr": list(range(len(self.nodes) + 1)),
            "heads": [[self.flow, 0, 0]],
            "attrs": {"mxnet_version": ["int", 10901]},
        }
        return json.dumps(document, indent=1).encode("ascii")


def _conv_attributes(layer: Conv2d) -> tuple[str, dict[str, str]]:
    return "Convolution", {
        "kernel": str(layer.kernel_size),
        "stride": str(layer.stride),
        "num_filter": str(layer.channels),
        "num_group": str(layer.groups),
        "no_bias": str(layer.batch_norm),
    }


def _pool_attributes(layer: Pool2d) -> tuple[str, dict[str, str]]:
    kind = "max" if isinstance(layer, MaxPool2d) else "avg"
    sizes = {"kernel": str(layer.kernel_size), "stride": str(layer.stride)}
    return "Pooling", {"pool_type": kind, "pooling_convention": "valid", **sizes}


#: By a layer's keyword: the operator and its attributes.
_WRITTEN: Final[dict[str, Callable[[Any], tuple[str, dict[str, str]]]]] = {
    "conv": _conv_attributes,
    "maxpool": _pool_attributes,
    "avgpool": _pool_attributes,
    "dense": lambda layer: ("FullyConnected", {"num_hidden": str(layer.units)}),
}
