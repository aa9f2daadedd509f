"""A ``.keras`` file of Keras 3 as a model: a chain of its layers, read without Keras.

The file is a ZIP archive of the layers' settings, as JSON, and of their weights, as HDF5. Nothing
in it is run: a layer that holds code, or is not one of Keras' own, is refused by its name.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lenet import kinds
from lenet.errors import ModelFileError, path_text
from lenet.formats.hdf5 import DamageError, read_arrays
from lenet.formats.names import PLAIN
from lenet.formats.reading import read_whole
from lenet.formats.row import (
    Picture,
    RefusedError,
    Row,
    Values,
    picture_shape,
    refusing,
)
from lenet.formats.weights import floats
from lenet.model import Model
from lenet.net import AvgPool2d, Conv2d, MaxPool2d
from lenet.net.document import MAX_JSON
from lenet.net.layers import LEAKY_SLOPE, Pool2d, Sides
from lenet.net.words import name_text, shown
from lenet.tensor_files import read_json

_SETTINGS, _WEIGHTS = "config.json", "model.weights.h5"
_MAX_LAYERS: Final = 10_000
#: What has layers inside it.
_NESTS: Final = ("Sequential", "Functional")
#: What holds code, which is not run.
_CODE: Final = ("Lambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer")
_USUAL: Final = (
    "convolutions, poolings, dense layers, batch normalisations and activations are read"
)
#: Added to a variance by Keras' own Normalization.
_SMALLEST: Final = 1e-7


def read_keras(
    path: Any,
    input_shape: Picture | None,
    what: str = "",
    classes: Any = None,
    seen: Any = None,
) -> tuple[Model, list[str]]:
    """Return the model that a ``.keras`` file is, and notes.

    Args:
        path: the file.
        input_shape: (C, H, W), where the file leaves it open.
        what: to call it in errors; by default its path.
        classes: names for its outputs.
        seen: the preprocessing of its pictures as a dictionary, where no layer does it.

    Raises:
        ModelFileError: the file is cut or damaged, or holds what we have no layer for.
        UsageError: the file leaves the size of its pictures open, and none is given.
    """
    what = what or path_text(path)
    settings, content = _opened(path, what)
    with refusing(what):
        settings = settings["config"]
        try:
            arrays = read_arrays(content)
        except DamageError as error:
            raise RefusedError(f"its weights cannot be read: {error}; save it anew") from error
        layers = list(_chain(settings, arrays, "layers"))
        row = _begun(settings, layers, input_shape, what)
    for layer in layers:
        with refusing(f"{what} has {layer.kind[:60]} ({name_text(layer.name)})"):
            _take(row, layer)
    with refusing(what):
        row.channels_last = True  # as maps are at the end of every model
        return row.model(classes, seen), row.notes


def _opened(path: Any, what: str) -> tuple[dict[str, Any], bytes]:
    """Return the settings of the model and the bytes of its weights."""
    content = read_whole(path, kinds.KERAS)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [archive.getinfo(name) for name in (_SETTINGS, _WEIGHTS)]
            if parts[0].file_size > MAX_JSON or parts[1].file_size > len(content) + 2**20:
                raise ModelFileError(f"{what} unpacks to more than a model; save it anew.")
            text, weights = (archive.read(part) for part in parts)
        settings = read_json(text)
    except ModelFileError:
        raise
    except Exception as error:  # a damaged archive may make its readers raise anything
        raise ModelFileError(
            f"{what} is no intact Keras model: it is cut or damaged, or lacks {_SETTINGS} or "
            f"{_WEIGHTS}; save it anew with Keras 3."
        ) from error
    if not isinstance(settings, dict) or settings.get("class_name") not in _NESTS:
        kind = settings.get("class_name") if isinstance(settings, dict) else settings
        raise ModelFileError(
            f"{what} is a model of {shown(kind)}, whose code the file does not have; "
            "a Sequential or a functional model is read."
        )
    return settings, weights


@dataclass
class _Layer:
    """One layer: what it is, its settings and its weights in Keras' order."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    weights: list[Values]

    def pair(self, key: str) -> tuple[int, int]:
        """Return a setting that is two numbers, or one for both."""
        value = self.settings[key]
        first, second = (value, value) if isinstance(value, int) else value
        return first, second


def _chain(
    settings: Mapping[str, Any], arrays: Mapping[str, Values], place: str
) -> Iterator[_Layer]:
    """Yield the layers in the order in which they run, those of nested models, too.

    Their weights lie under their classes, numbered where one comes again in a model.
    """
    used: dict[str, int] = {}
    before: list[str] = []
    if len(settings["layers"]) > _MAX_LAYERS:
        raise RefusedError(f"it has more than {_MAX_LAYERS:,} layers")
    for entry in settings["layers"]:
        kind, own = str(entry["class_name"]), entry["config"]
        name = str(own["name"])
        word = _snake_case(kind)
        used[word] = used.get(word, -1) + 1
        inside = f"{place}/{word}_{used[word]}" if used[word] else f"{place}/{word}"
        if str(entry.get("module")).partition(".")[0] != "keras":
            raise RefusedError(f"{name_text(name)} is a {kind[:60]}, no layer of Keras' own")
        calls = entry.get("inbound_nodes")
        if calls is not None and _sources(calls) != before:
            raise RefusedError(
                f"{name_text(name)} does not follow the layer before it, and it alone; one flow "
                "of values is read, without branches"
            )
        if kind in _NESTS:
            yield from _chain(own, arrays, f"{inside}/layers")
        else:
            yield _Layer(name, kind, own, _weights(arrays, inside))
        before = [name]
    ends = settings.get("output_layers")
    if ends is not None and ends not in ([*before, 0, 0], [[*before, 0, 0]]):
        raise RefusedError("it gives more than what its last layer does")


def _snake_case(kind: str) -> str:
    """Write a class as Keras does in the names of weights."""
    kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()


def _sources(calls: Any) -> list[str]:
    """Return the layers whose results a layer is called with, one for each tensor of each call."""
    if isinstance(calls, Mapping):
        if calls.get("class_name") == "__keras_tensor__":
            return [str(calls["config"]["keras_history"][0])]
        if calls.get("training"):
            raise RefusedError("a layer of it is called as in training")
        calls = list(calls.values())
    return [name for call in calls for name in _sources(call)] if isinstance(calls, list) else []


def _begun(
    settings: Mapping[str, Any], layers: list[_Layer], given: Picture | None, what: str
) -> Row:
    shape = settings.get("build_input_shape")
    if layers and layers[0].kind == "InputLayer":
        first = layers[0].settings
        shape = first.get("batch_shape") or first.get("batch_input_shape")
    sizes = [size or 0 for size in (shape or [None] * 4)[1:]]
    if len(sizes) not in (1, 2, 3):
        raise RefusedError(f"its input has the shape {shown(shape)}; pictures are read")
    row = Row(picture_shape(what, sizes, len(sizes) == 3, given))
    if len(sizes) == 1:
        row.begin_flat()
        row.channels_last = True
    return row


def _weights(arrays: Mapping[str, Values], place: str) -> list[Values]:
    found: list[Values] = []
    while (name := f"{place}/vars/{len(found)}") in arrays:
        found.append(arrays[name])
    return found


def _take(row: Row, layer: _Layer) -> None:
    if layer.settings.get("data_format", "channels_last") != "channels_last":
        raise RefusedError("it works on (C, H, W), and (H, W, C) is read")
    take = _TAKEN.get(layer.kind)
    if take is None:
        is_code = layer.kind in _CODE
        raise RefusedError(
            "it holds code, which is not run" if is_code else f"it is not read: {_USUAL}"
        )
    take(row, layer)
    if "activation" in layer.settings and layer.kind != "Activation":
        _activate(row, layer.settings["activation"])


def _tensors(layer: _Layer, *axes: int) -> list[Any]:
    """Return the weights, with so many axes each, and nothing for a bias that is not there."""
    wanted = axes if layer.settings.get("use_bias", True) else axes[:-1]
    if len(layer.weights) != len(wanted):
        raise RefusedError(
            f"it has {len(layer.weights)} weights and needs {len(wanted)}; save the model anew "
            "with Keras 3"
        )
    for values, count in zip(layer.weights, wanted, strict=True):
        if floats(layer.name, values).ndim != count:
            raise RefusedError(f"its weight has the shape {values.shape}")
    return [*layer.weights, *[None] * (len(axes) - len(wanted))]


def _window(row: Row, layer: _Layer, size: str) -> tuple[Any, Any, Sides]:
    """Return kernel, stride and padding."""
    kernel, stride = layer.pair(size), layer.pair("strides")
    if "dilation_rate" in layer.settings and layer.pair("dilation_rate") != (1, 1):
        raise RefusedError("it has a dilation, and 1 is read")
    if min(*kernel, *stride) < 1 or len(row.shape) != 3:
        raise RefusedError("it does not slide over height and width")
    padding = layer.settings["padding"]
    if padding not in ("valid", "same"):
        raise RefusedError(f"its padding is {shown(padding)}; valid and same are read")
    return kernel, stride, row.same_sides(kernel, stride) if padding == "same" else (0, 0, 0, 0)


def _conv(row: Row, layer: _Layer) -> None:
    weight, bias = _tensors(layer, 4, 1)
    kernel, stride, padding = _window(row, layer, "kernel_size")
    groups = layer.settings.get("groups", 1)
    made = Conv2d(weight.shape[3], kernel, stride, padding, groups=groups)
    row.conv(made, weight.transpose(3, 2, 0, 1), bias)


def _depthwise(row: Row, layer: _Layer) -> None:
    _by_channel(row, layer, *_tensors(layer, 4, 1))


def _separable(row: Row, layer: _Layer) -> None:
    each, across, bias = _tensors(layer, 4, 4, 1)
    _by_channel(row, layer, each, None)
    row.conv(Conv2d(across.shape[3], 1), across.transpose(3, 2, 0, 1), bias)


def _by_channel(row: Row, layer: _Layer, weight: Any, bias: Values | None) -> None:
    height, width, channels, each = weight.shape
    kernel, stride, padding = _window(row, layer, "kernel_size")
    weight = weight.transpose(2, 3, 0, 1).reshape(channels * each, 1, height, width)
    made = Conv2d(channels * each, kernel, stride, padding, groups=channels)
    row.conv(made, weight, bias)


def _pool(kind: type[Pool2d]) -> Callable[[Row, _Layer], None]:
    def take(row: Row, layer: _Layer) -> None:
        kernel, stride, padding = _window(row, layer, "pool_size")
        if kind is AvgPool2d and any(padding):
            raise RefusedError("its mean leaves the padding out, and means with it are read")
        row.pool(kind(kernel, stride, padding))

    return take


def _global(kind: type[Pool2d]) -> Callable[[Row, _Layer], None]:
    def take(row: Row, layer: _Layer) -> None:
        row.global_pool(kind)
        if not layer.settings.get("keepdims"):
            row.flatten()

    return take


def _dense(row: Row, layer: _Layer) -> None:
    weight, bias = _tensors(layer, 2, 1)
    if row.is_flat:
        row.dense(weight.T, bias)
    else:  # at every place of the maps
        row.conv(Conv2d(weight.shape[1], 1), weight.T[:, :, None, None], bias)


def _norm(row: Row, layer: _Layer) -> None:
    settings = layer.settings
    if settings["axis"] not in (-1, 1 if row.is_flat else 3, [1 if row.is_flat else 3]):
        raise RefusedError(f"its axis is {shown(settings['axis'])}, and the last is read")
    if len(layer.weights) != 2 + settings["scale"] + settings["center"]:
        raise RefusedError(f"it has {len(layer.weights)} weights; save the model anew with Keras 3")
    *affine, mean, variance = (floats(layer.name, values) for values in layer.weights)
    gamma = affine.pop(0) if settings["scale"] else np.ones_like(mean)
    beta = affine.pop(0) if settings["center"] else np.zeros_like(mean)
    row.norm(gamma, beta, mean, variance, float(settings["epsilon"]))


def _rescaling(row: Row, layer: _Layer) -> None:
    row.affine(*(np.ravel(np.asarray(layer.settings[key], float)) for key in ("scale", "offset")))


def _normalization(row: Row, layer: _Layer) -> None:
    told = [layer.settings.get(key) for key in ("mean", "variance")]
    if layer.settings.get("invert") or layer.settings["axis"] not in (None, -1, [], [-1], [3]):
        raise RefusedError("it is inverted, or not of the last axis")
    mean, variance, *_ = layer.weights if told[0] is None else told
    spread = np.maximum(np.sqrt(np.ravel(np.asarray(variance, float))), _SMALLEST)
    row.affine(1 / spread, -np.ravel(np.asarray(mean, float)) / spread)


def _pad(row: Row, layer: _Layer) -> None:
    (top, bottom), (left, right) = layer.settings["padding"]
    row.pad((top, bottom, left, right))


def _flatten(row: Row, layer: _Layer) -> None:
    row.flatten()
    row.channels_last = True


def _reshape(row: Row, layer: _Layer) -> None:
    target = tuple(layer.settings["target_shape"])
    if target in ((-1,), (row.size,)):
        _flatten(row, layer)
    elif len(target) == 3 and -1 not in target and np.prod(target) == row.size:
        row.fold((target[2], target[0], target[1]), is_last=True)
    else:
        raise RefusedError(f"it makes the shape {shown(list(target))} of {row.size:,} numbers")


def _activate(row: Row, name: Any) -> None:
    """Take an activation by the name that Keras has for it."""
    if name == "softmax":
        row.softmax()
    elif name in (*PLAIN, "silu", "swish"):
        row.activation("silu" if name == "swish" else name)
    elif name not in ("linear", None):
        raise RefusedError(
            f"its activation is {shown(name)}; relu, leaky-relu (0.01), sigmoid, tanh and silu are "
            "read, and a softmax at the end"
        )


def _relu(row: Row, layer: _Layer) -> None:
    told = layer.settings
    if told.get("max_value") is not None or told.get("negative_slope") or told.get("threshold"):
        raise RefusedError("it has a largest value, a slope or a threshold")
    row.activation("relu")


def _leaky(row: Row, layer: _Layer) -> None:
    slope = float(layer.settings["negative_slope"])
    if abs(slope - LEAKY_SLOPE) > 1e-6:
        raise RefusedError(f"its slope is {slope:g}, and {LEAKY_SLOPE:g} is read")
    row.activation("leaky-relu")


def _softmax(row: Row, layer: _Layer) -> None:
    if layer.settings.get("axis", -1) not in (-1, 1 if row.is_flat else 3):
        raise RefusedError("its softmax is not over the classes")
    _activate(row, "softmax")


def _nothing(row: Row, layer: _Layer) -> None:
    """Take what changes nothing once a network is trained."""


_TAKEN: Final[dict[str, Callable[[Row, _Layer], None]]] = {
    "Conv2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "MaxPooling2D": _pool(MaxPool2d),
    "AveragePooling2D": _pool(AvgPool2d),
    "GlobalMaxPooling2D": _global(MaxPool2d),
    "GlobalAveragePooling2D": _global(AvgPool2d),
    "Dense": _dense,
    "BatchNormalization": _norm,
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    "ZeroPadding2D": _pad,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Activation": lambda row, layer: _activate(row, layer.settings["activation"]),
    "ReLU": _relu,
    "LeakyReLU": _leaky,
    "Softmax": _softmax,
    **dict.fromkeys(
        (
            "InputLayer",
            "Identity",
            "Dropout",
            "SpatialDropout2D",
            "GaussianDropout",
            "GaussianNoise",
            "AlphaDropout",
            "ActivityRegularization",
            "RandomFlip",
            "RandomRotation",
            "RandomTranslation",
            "RandomZoom",
            "RandomContrast",
            "RandomBrightness",
        ),
        _nothing,
    ),
}
