"""The tensors of an ONNX file, and those computed from them alone, such as sizes for a Reshape.

Only what reads ONNX imports this file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper

from lenet.errors import reason
from lenet.files import open_regular
from lenet.formats.reading import MAX_BYTES
from lenet.formats.row import RefusedError
from lenet.net.words import name_text, shown

Values = npt.NDArray[Any]

#: Computed tensors may hold so many numbers in all: sizes and constants do, bombs do not.
_BUDGET: Final = 16_000_000
_DEEPEST: Final = 200


class Constants:
    """Gives the values of tensors by their names, as far as no picture flows into them."""

    def __init__(self, tensors: Mapping[str, TensorProto], nodes: Mapping[str, NodeProto]) -> None:
        """Take the file's tensors, and by the names of their outputs its nodes."""
        self._tensors, self._nodes = tensors, nodes
        self._found: dict[str, Values] = {}
        self._left = _BUDGET
        #: What a flowing value is like, the batch's size as 1: for nodes that ask for it.
        self.shapes: dict[str, tuple[int, ...]] = {}

    def get(self, name: str, depth: int = 0) -> Values:
        """Return a tensor's value, or refuse what is none or cannot be read."""
        if name not in self._found:
            if depth > _DEEPEST:
                raise RefusedError(f"the value {name_text(name)} is computed in too many steps")
            if name in self._tensors:
                self._found[name] = to_array(self._tensors[name])
            else:
                self._found[name] = self._computed(name, depth)
        return self._found[name]

    def _computed(self, name: str, depth: int) -> Values:
        node = self._nodes.get(name)
        if node is None or (node.op_type not in _COMPUTED and node.op_type != "Shape"):
            raise RefusedError(f"it also reads {name_text(name)}, and one flow of values is read")
        if node.op_type == "Shape":
            if node.input[0] in self.shapes:
                return np.array(self.shapes[node.input[0]], np.int64)
            return np.array(self.get(node.input[0], depth + 1).shape, np.int64)
        inputs = [self.get(given, depth + 1) for given in node.input if given]
        attributes = attributes_of(node)
        try:
            self._pay(node.op_type, inputs)
            return np.asarray(_COMPUTED[node.op_type](inputs, attributes))
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            what = f"{name_text(name)}, a constant, cannot be computed by {node.op_type}"
            raise RefusedError(what) from error

    def _pay(self, operator: str, inputs: Sequence[Values]) -> None:
        """Refuse what would become too large, before it is computed."""
        if operator == "ConstantOfShape":
            size = math.prod(map(int, inputs[0].ravel()[:32]))
        elif operator in _ELEMENTWISE:
            size = math.prod(np.broadcast_shapes(*(values.shape for values in inputs)))
        elif operator == "Gather":
            size = inputs[0].size * max(1, inputs[1].size)
        else:
            size = sum(values.size for values in inputs) if operator != "Constant" else 0
        self._left -= size if operator not in _FREE else 0
        if size < 0 or self._left < 0:
            raise RefusedError("a constant is computed that is too large")


def bring_in(tensors: Iterable[TensorProto], folder: str) -> None:
    """Put the numbers of tensors that lie in files of ``folder`` into the tensors themselves.

    PyTorch writes such files beside its own. A name leads nowhere else, nor does a link.
    """
    left = MAX_BYTES
    for tensor in tensors:
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        told = {entry.key: entry.value for entry in tensor.external_data}
        place = told.get("location", "").removeprefix("./")
        what = f"the tensor {name_text(tensor.name)} lies in {shown(place)}"
        try:
            size = (
                math.prod(tensor.dims) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
            )
            offset, length = int(told.get("offset", 0)), int(told.get("length", size))
            if length != size or not 0 <= size <= left or offset < 0:
                raise ValueError("it is not what it says")
            left -= size
            tensor.raw_data = _beside(folder, place, offset, size)
        except (OSError, ValueError, OverflowError, KeyError) as error:
            raise RefusedError(
                f"{what}, and that cannot be read: {reason(error)}; put both files "
                "themselves into one folder, or write one with onnx.save(onnx.load(path), path)"
            ) from error
        tensor.data_location = TensorProto.DEFAULT
        del tensor.external_data[:]


def _beside(folder: str, name: str, offset: int, size: int) -> bytes:
    path = os.path.join(folder, name)
    if name in ("", ".", "..") or os.path.basename(path) != name or set(name) & set("\\:\0"):
        raise ValueError("it is not beside the file")
    if os.path.islink(path):
        raise ValueError("it is a link")
    with open_regular(path) as file:
        if offset + size > os.fstat(file.fileno()).st_size:
            raise ValueError("it is cut")
        file.seek(offset)
        return file.read(size)


def to_array(tensor: TensorProto) -> Values:
    """Return a tensor as an array; refuse one that lies elsewhere or does not hold what it says."""
    name = name_text(tensor.name)
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise RefusedError(
            f"the tensor {name} lies in another file; write one file with "
            "onnx.save(onnx.load(path), 'whole.onnx')"
        )
    try:
        values: Values = numpy_helper.to_array(tensor)
        return values if values.dtype.kind in "fiub" else values.astype(np.float32)  # bfloat16
    except Exception as error:  # a damaged tensor may make its reader raise anything
        raise RefusedError(f"the tensor {name} does not hold what it says") from error


def attributes_of(node: NodeProto) -> dict[str, Any]:
    """Return a node's attributes by their names."""
    kinds = {given.name: given.type for given in node.attribute}
    for name, kind in kinds.items():
        if kind not in _KINDS.get(name, (kind,)) or kind not in _KNOWN:
            raise RefusedError(f"its attribute {name_text(str(name))} is of another type")
    return {given.name: helper.get_attribute_value(given) for given in node.attribute}


_INT, _INTS, _FLOAT = AttributeProto.INT, AttributeProto.INTS, AttributeProto.FLOAT
#: The types that an attribute may have, for those that are looked at.
_KINDS: Final = {
    **dict.fromkeys(("strides", "pads", "dilations", "kernel_shape", "axes", "perm"), (_INTS,)),
    **dict.fromkeys(("starts", "ends"), (_INTS,)),
    **dict.fromkeys(("group", "ceil_mode", "count_include_pad", "transA", "transB"), (_INT,)),
    **dict.fromkeys(("axis", "keepdims", "training_mode", "to"), (_INT,)),
    **dict.fromkeys(("alpha", "beta", "epsilon"), (_FLOAT,)),
    **dict.fromkeys(("auto_pad", "mode"), (AttributeProto.STRING,)),
    "value": (_FLOAT, AttributeProto.TENSOR),
}
_KNOWN: Final = (
    *(_INT, _INTS, _FLOAT, AttributeProto.FLOATS, AttributeProto.STRING, AttributeProto.STRINGS),
    AttributeProto.TENSOR,
)


def _constant(inputs: Sequence[Values], attributes: Mapping[str, Any]) -> Any:
    for key in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if key in attributes:
            value = attributes[key]
            return to_array(value) if key == "value" else np.array(value)
    raise ValueError("no value")


def _filled(inputs: Sequence[Values], attributes: Mapping[str, Any]) -> Any:
    value = to_array(attributes["value"]) if "value" in attributes else np.zeros(1, np.float32)
    return np.full(tuple(map(int, inputs[0])), value.ravel()[0])


def _axes(inputs: Sequence[Values], attributes: Mapping[str, Any]) -> tuple[int, ...]:
    given = inputs[1].ravel() if len(inputs) > 1 else attributes.get("axes", ())
    return tuple(int(axis) for axis in given)


def _squeezed(inputs: Sequence[Values], attributes: Mapping[str, Any]) -> Any:
    return np.squeeze(inputs[0], _axes(inputs, attributes) or None)


def _sliced(inputs: Sequence[Values], attributes: Mapping[str, Any]) -> Any:
    given = [values.ravel() for values in inputs[1:]]
    if not given:
        given = [np.array(attributes["starts"]), np.array(attributes["ends"])]
        given += [np.array(attributes["axes"])] * ("axes" in attributes)
    starts, ends = given[:2]
    axes = given[2] if len(given) > 2 else np.arange(len(starts))
    steps = given[3] if len(given) > 3 else np.ones(len(starts), np.int64)
    where: list[Any] = [slice(None)] * inputs[0].ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        where[int(axis)] = slice(int(start), int(end), int(step))
    return inputs[0][tuple(where)]


def _reshaped(inputs: Sequence[Values], attributes: Mapping[str, Any]) -> Any:
    shape = [int(size) for size in inputs[1].ravel()]
    sizes = [inputs[0].shape[i] if size == 0 else size for i, size in enumerate(shape)]
    return inputs[0].reshape(sizes)


def _cast(inputs: Sequence[Values], attributes: Mapping[str, Any]) -> Any:
    return inputs[0].astype(helper.tensor_dtype_to_np_dtype(attributes["to"]))


def _quotient(inputs: Sequence[Values], attributes: Mapping[str, Any]) -> Any:
    first, second = inputs
    if not second.all():
        raise ValueError("a division by 0")
    return first // second if first.dtype.kind in "iu" else first / second


_ELEMENTWISE: Final = {
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "Sub": lambda inputs, _: inputs[0] - inputs[1],
    "Mul": lambda inputs, _: inputs[0] * inputs[1],
    "Div": _quotient,
}
#: What costs no memory, or no more than the file's own tensors.
_FREE: Final = ("Constant", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
#: By an operator: the value of its inputs and attributes.
_COMPUTED: Final[dict[str, Callable[[Sequence[Values], Mapping[str, Any]], Any]]] = {
    **_ELEMENTWISE,
    "Cast": _cast,
    "Concat": lambda inputs, given: np.concatenate(inputs, int(given["axis"])),
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Gather": lambda inputs, given: np.take(inputs[0], inputs[1], int(given.get("axis", 0))),
    "Identity": lambda inputs, _: inputs[0],
    "Reshape": _reshaped,
    "Slice": _sliced,
    "Squeeze": _squeezed,
    "Transpose": lambda inputs, given: np.transpose(inputs[0], given.get("perm")),
    "Unsqueeze": lambda inputs, given: np.expand_dims(inputs[0], _axes(inputs, given)),
}
