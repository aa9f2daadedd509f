"""A network as code that a person would write in PyTorch, Keras or Gluon: plain layers in a row."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from lenet.engine.normalise import EPSILON, MOMENTUM
from lenet.formats.names import ACTIVATIONS, PLAIN, is_own_padding
from lenet.model import Model
from lenet.net import PlacedLayer
from lenet.net.layers import LEAKY_SLOPE, same_padding
from lenet.net.shapes import Shape, elements

#: The frameworks whose code can be written.
FRAMEWORKS: Final = ("torch", "keras", "gluon")
#: By our name: an activation that is a layer of its own.
_KERAS: Final = {
    **{name: f'layers.Activation("{name}")' for name in (*PLAIN, "silu")},
    "leaky-relu": f"layers.LeakyReLU(negative_slope={LEAKY_SLOPE})",
}
_GLUON: Final = {
    **{name: f'nn.Activation("{name}")' for name in PLAIN},
    "leaky-relu": f"nn.LeakyReLU({LEAKY_SLOPE})",
    "silu": "nn.Swish()",
}


@dataclass(frozen=True)
class _Line:
    """One layer of the framework: its name there, what makes it, and what comes out of it."""

    name: str
    code: str
    note: str = ""


def network_code(model: Model, framework: str = "torch") -> str:
    """Return a Python file whose ``network()`` makes the network, with new weights.

    PyTorch's takes the state dict that :func:`lenet.export` writes to a ``.pt`` file, and Gluon's
    the parameters that it writes to a ``.params`` file. ``prepare()`` makes bytes what the network
    was trained on.
    """
    return _DIALECTS[framework](model)


def _torch(model: Model) -> str:
    lines = [line for place in model.network.placed for line in _torch_lines(place)]
    if len(model.network.output_shape) > 1:
        lines.append(_Line("flatten", "nn.Flatten()"))
    rows = _beside([(f'("{line.name}", {line.code}),', line.note) for line in lines])
    shape = ", ".join(map(str, model.network.input_shape))
    seen = model.preprocessing
    return _file(
        model,
        ["from collections import OrderedDict", "", "import torch", "from torch import nn"],
        f'''
def network() -> nn.Sequential:
    """Images (N, {shape}) of prepare() to scores (N, {len(model.classes)})."""
    return nn.Sequential(OrderedDict([
{rows}
    ]))


def prepare(images: torch.Tensor) -> torch.Tensor:
    """Bytes (N, {shape}), 0 to 255, to what the network was trained on.

    {_fitting(model)}
    """
    mean = torch.tensor({list(seen.mean)}).view(-1, 1, 1)
    std = torch.tensor({list(seen.std)}).view(-1, 1, 1)
    return (images.float() / 255 - mean) / std


if __name__ == "__main__":
    net = network()
    print(net(torch.zeros(1, {shape})).shape)
''',
    )


def _torch_lines(place: PlacedLayer) -> Iterator[_Line]:
    layer: Any = place.layer
    note = _note(place.output_shape)
    names = ACTIVATIONS[getattr(layer, "activation", "identity")]
    if layer.flattens:
        if len(place.input_shape) > 1:
            yield _Line(f"{place.name}_flatten", "nn.Flatten()")
        yield _Line(place.name, f"nn.Linear({elements(place.input_shape)}, {layer.units})", note)
    else:
        top, bottom, left, right = layer.padding
        own = is_own_padding(layer)
        if not own:
            value = 'float("-inf")' if layer.keyword == "maxpool" else "0.0"
            pad = f"nn.ConstantPad2d({(left, right, top, bottom)}, {value})"
            yield _Line(f"{place.name}_pad", pad)
        padding = f"padding={_pair((top, left))}" if own and any(layer.padding) else ""
        kernel, stride = _pair(layer.kernel_size), _pair(layer.stride)
        if layer.is_trained:
            code = _called(
                "nn.Conv2d",
                str(place.input_shape[0]),
                str(layer.channels),
                kernel,
                stride if stride != "1" else "",
                padding,
                f"groups={layer.groups}" if layer.groups > 1 else "",
                "bias=False" if layer.batch_norm else "",
            )
            yield _Line(place.name, code, note)
            if layer.batch_norm:
                norm = f"nn.BatchNorm2d({layer.channels}, {EPSILON}, {MOMENTUM})"
                yield _Line(f"{place.name}_norm", norm)
        else:
            kind = {"maxpool": "nn.MaxPool2d", "avgpool": "nn.AvgPool2d"}[layer.keyword]
            yield _Line(place.name, _called(kind, kernel, stride, padding), note)
    if names is not None:
        slope = "" if names.slope is None else str(names.slope)
        yield _Line(f"{place.name}_{names.torch.lower()}", f"nn.{names.torch}({slope})")


def _keras(model: Model) -> str:
    channels, height, width = model.network.input_shape
    shape = f"{height}, {width}, {channels}"
    lines = [line for place in model.network.placed for line in _keras_lines(place)]
    if len(model.network.output_shape) > 1:
        lines.append(_Line("", "layers.Flatten()"))
    rows = _beside([(f"keras.Input(({shape})),", ""), *((f"{i.code},", i.note) for i in lines)])
    return _file(
        model,
        ["import keras", "import numpy as np", "from keras import layers"],
        f'''
def network() -> keras.Sequential:
    """Images (N, {shape}) of prepare(), channels last, to scores (N, {len(model.classes)})."""
    return keras.Sequential([
{rows}
    ])


{_numpy_prepare(model, shape, "")}


if __name__ == "__main__":
    network().summary()
''',
    )


def _keras_lines(place: PlacedLayer) -> Iterator[_Line]:
    layer: Any = place.layer
    note, name = _note(place.output_shape, last=True), f'name="{place.name}"'
    word = getattr(layer, "activation", "identity")
    is_normal = getattr(layer, "batch_norm", False)
    inside = word in (*PLAIN, "silu") and not is_normal
    activation = f'activation="{word}"' if inside else ""
    if layer.flattens:
        if len(place.input_shape) > 1:
            yield _Line("", "layers.Flatten()")
        yield _Line("", _called("layers.Dense", str(layer.units), activation, name), note)
    else:
        yield from _keras_windowed(place, activation, note)
    if is_normal:
        yield _Line("", f"layers.BatchNormalization(momentum={1 - MOMENTUM}, epsilon={EPSILON})")
    if word != "identity" and not inside:
        yield _Line("", _KERAS[word])


def _keras_windowed(place: PlacedLayer, activation: str, note: str) -> Iterator[_Line]:
    layer: Any = place.layer
    top, bottom, left, right = layer.padding
    is_same = layer.stride == (1, 1) and layer.padding == same_padding(layer.kernel_size)
    is_same = is_same and layer.is_trained and any(layer.padding)
    if any(layer.padding) and not is_same:
        sides = f"(({top}, {bottom}), ({left}, {right}))"
        if layer.keyword == "maxpool":
            pad = (
                f'keras.ops.pad(x, ((0, 0), {sides[1:-1]}, (0, 0)), constant_values=float("-inf"))'
            )
            yield _Line("", f"layers.Lambda(lambda x: {pad})")
        else:
            yield _Line("", f"layers.ZeroPadding2D({sides})")
    kernel, stride, name = _pair(layer.kernel_size), _pair(layer.stride), f'name="{place.name}"'
    if not layer.is_trained:
        kind = {"maxpool": "MaxPooling2D", "avgpool": "AveragePooling2D"}[layer.keyword]
        yield _Line("", _called(f"layers.{kind}", kernel, stride, name), note)
        return
    code = _called(
        "layers.Conv2D",
        str(layer.channels),
        kernel,
        stride if stride != "1" else "",
        'padding="same"' if is_same else "",
        f"groups={layer.groups}" if layer.groups > 1 else "",
        activation,
        "use_bias=False" if layer.batch_norm else "",
        name,
    )
    yield _Line("", code, note)


def _gluon(model: Model) -> str:
    lines = [line for place in model.network.placed for line in _gluon_lines(place)]
    if len(model.network.output_shape) > 1:
        lines.append(_Line("", "nn.Flatten()"))
    rows = _beside([(f"{line.code},", line.note) for line in lines])
    shape = ", ".join(map(str, model.network.input_shape))
    return _file(
        model,
        ["import mxnet as mx", "import numpy as np", "from mxnet.gluon import nn"],
        f'''
def network() -> nn.HybridSequential:
    """Images (N, {shape}) of prepare() to scores (N, {len(model.classes)})."""
    net = nn.HybridSequential()
    net.add(
{rows}
    )
    return net


{_numpy_prepare(model, shape, ".reshape(-1, 1, 1)")}


if __name__ == "__main__":
    net = network()
    net.initialize()
    print(net(mx.nd.zeros((1, {shape}))).shape)
''',
    )


def _gluon_lines(place: PlacedLayer) -> Iterator[_Line]:
    layer: Any = place.layer
    note, word = _note(place.output_shape), getattr(layer, "activation", "identity")
    is_normal = getattr(layer, "batch_norm", False)
    inside = word in PLAIN and not is_normal
    activation = f'activation="{word}"' if inside else ""
    if layer.flattens:
        yield _Line("", _called("nn.Dense", str(layer.units), activation), note)
    else:
        top, bottom, left, right = layer.padding
        own = (top, left) == (bottom, right)
        if not own:
            value = 'float("-inf")' if layer.keyword == "maxpool" else "0"
            width = (0, 0, 0, 0, top, bottom, left, right)
            pad = f'F.pad(x, mode="constant", pad_width={width}, constant_value={value})'
            yield _Line("", f"nn.HybridLambda(lambda F, x: {pad})")
        padding = f"padding={_pair((top, left))}" if own and any(layer.padding) else ""
        kernel, stride = _pair(layer.kernel_size), _pair(layer.stride)
        if layer.is_trained:
            code = _called(
                "nn.Conv2D",
                str(layer.channels),
                kernel,
                stride if stride != "1" else "",
                padding,
                f"groups={layer.groups}" if layer.groups > 1 else "",
                activation,
                "use_bias=False" if layer.batch_norm else "",
            )
        else:
            kind = {"maxpool": "nn.MaxPool2D", "avgpool": "nn.AvgPool2D"}[layer.keyword]
            code = _called(kind, kernel, stride, padding)
        yield _Line("", code, note)
    if is_normal:
        yield _Line("", f"nn.BatchNorm(momentum={1 - MOMENTUM}, epsilon={EPSILON})")
    if word != "identity" and not inside:
        yield _Line("", _GLUON[word])


def _file(model: Model, imports: list[str], body: str) -> str:
    about = f'"""{model.network}"""'
    classes = f"CLASSES = {list(model.classes)!r}"
    return "\n".join([about, "", *imports, "", classes, "", "", body.strip("\n"), ""])


def _numpy_prepare(model: Model, shape: str, axes: str) -> str:
    """Write the preprocessing in NumPy; ``axes`` brings the means to where the channels stand."""
    mean, std = (
        f"np.array({list(v)}){axes}" for v in (model.preprocessing.mean, model.preprocessing.std)
    )
    return f'''def prepare(images: np.ndarray) -> np.ndarray:
    """Bytes (N, {shape}), 0 to 255, to what the network was trained on.

    {_fitting(model)}
    """
    mean, std = {mean}, {std}
    return ((images / 255 - mean) / std).astype(np.float32)'''


def _fitting(model: Model) -> str:
    return textwrap.fill(model.preprocessing.for_programs, 92, subsequent_indent=" " * 4)


def _beside(rows: list[tuple[str, str]]) -> str:
    """Write rows of code with what comes out beside each."""
    width = max(len(code) for code, _ in rows)
    return "\n".join(f"        {code:<{width}}  {note}".rstrip() for code, note in rows)


def _note(shape: Shape, last: bool = False) -> str:
    shape = (*shape[1:], shape[0]) if last else shape
    return f"# {'x'.join(map(str, shape))}"


def _called(name: str, *arguments: str) -> str:
    return f"{name}({', '.join(filter(None, arguments))})"


def _pair(value: tuple[int, int]) -> str:
    return str(value[0]) if value[0] == value[1] else str(value)


_DIALECTS: Final[dict[str, Callable[[Model], str]]] = {
    "torch": _torch,
    "keras": _keras,
    "gluon": _gluon,
}
