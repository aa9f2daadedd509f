"""Weights that come without their network: fitted to one that is named, or that they tell of.

Names are those of PyTorch, ``conv0.weight`` or ``0.weight``; MXNet's are
brought to that. Which weight belongs to which layer is for :mod:`lenet.analysis.diagnosis` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.analysis.diagnosis import mismatch_text, reconcile
from lenet.analysis.diagnosis.weights import (
    Tensor,
    find_norms,
    guessed,
    match_weights,
    ordered,
    stray_notes,
)
from lenet.arguments import MODEL_ENDING
from lenet.data.preprocess import Preprocessing
from lenet.errors import LenetError, ModelFileError, UsageError, path_text
from lenet.model import Model
from lenet.net import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Network
from lenet.net.layers import same_padding
from lenet.net.words import name_text

Values = npt.NDArray[Any]
Arrays = Mapping[str, Values]

_ADVICE: Final = "name the network"
#: Whole words in names that belong to what we have no layer for.
_STRANGERS: Final = {
    "(bi)?lstm": "an LSTM",
    "i2h": "a recurrent layer",
    "weight_ih": "a recurrent layer",
    "gru": "a GRU",
    "rnn": "a recurrent layer",
    "embedding": "an embedding",
    "attn": "attention",
    "attention": "attention",
    "in_proj": "attention",
}


def floats(name: str, values: Values) -> Values:
    """Return a tensor of floating-point numbers, or refuse what is none."""
    if values.dtype.kind != "f":
        raise ModelFileError(
            f"{name_text(name)} holds numbers of type {values.dtype}, and weights are "
            "floating-point; save the network before it is quantised."
        )
    return values


def fit_weights(
    path: object, arrays: Arrays, network: Network, classes: Any, seen: Preprocessing | None
) -> tuple[Model, tuple[str, ...]]:
    """Return ``network`` with a file's weights, and what else there is to know, in sentences.

    Raises:
        ModelFileError: they do not fit; the error says where, and what network they fit.
    """
    shapes = {name: values.shape for name, values in arrays.items()}
    result = reconcile(network, shapes)
    if not result.agrees:
        raise ModelFileError(f"{path_text(path)} does not fit the network: {_misfit(result)}.")
    pairs, _, _ = match_weights(network, shapes)
    owned = {place: tensor for place, tensor in pairs if place is not None and tensor}
    convs = [tensor for tensor in owned.values() if tensor.is_conv]
    all_tensors = [Tensor(name, shape) for name, shape in shapes.items()]
    norms = find_norms(convs, all_tensors)
    model = Model(network, classes, seen)
    tensors: dict[str, Values] = {}
    for place, tensor in owned.items():
        norm = norms.get(tensor.name)
        found = _tensors(arrays, tensor, norm.path if norm else None)
        tensors |= {f"{network.names[place]}.{name}": values for name, values in found}
    _check_left(path, owned.values(), norms, all_tensors)
    given = {name: np.ascontiguousarray(v, np.float32) for name, v in tensors.items()}
    try:
        is_sorted = str(path).lower().endswith(MODEL_ENDING)
        guesses = _guesses(all_tensors) if is_sorted else ()
        notes = [*guesses, *stray_notes(norms, all_tensors)]
        return model.load_state_dict(given), tuple(notes)
    except ModelFileError as error:
        why = str(error).removeprefix("the state dict is not an intact model: ").split(";")[0]
        raise ModelFileError(f"{path_text(path)} does not fit the network: {why}.") from error


def _check_left(
    path: object, owned: Iterable[Tensor], norms: Mapping[str, Any], tensors: Iterable[Tensor]
) -> None:
    """Refuse a file in which the numbers of a layer are left over: what it gives would differ."""
    taken = {name for norm in norms.values() for name in norm.names}
    for tensor in owned:
        taken |= {tensor.name, f"{tensor.path}bias"}
    left = [t.name for t in tensors if t.name not in taken and _is_of_layer(t.name)]
    if left:
        names = f"{', '.join(map(name_text, left[:4]))}{', ...' * (len(left) > 4)}"
        raise ModelFileError(
            f"{path_text(path)} does not fit the network: it also holds {names}, for which no "
            "layer has a place; leave such layers out of the file, or fold them into others."
        )


def _is_of_layer(name: str) -> bool:
    return bool(_OF_LAYERS.search(name)) and not _OF_LOSSES.search(name)


#: Weights of classes, which belong to a loss.
_OF_LOSSES: Final = re.compile(r"(?:^|[._])(?:loss|criterion|class_weight|pos_weight)")
#: How the names of a layer's numbers end, in PyTorch and where it computes a weight from others.
_OF_LAYERS: Final = re.compile(
    r"(?:^|\.)(?:weight|bias|running_mean|running_var)$|(?:weight|bias)_(?:orig|mask|u|v|g)$"
    r"|(?:^|\.)parametrizations\."
)


def _guesses(tensors: Sequence[Tensor]) -> Iterator[str]:
    """Yield which weights could stand in another order as well."""
    for axes in (4, 2):
        if same := guessed(tensors, axes):
            names = ", ".join(name_text(tensor.name) for tensor in same)
            yield f"Nothing tells the order of {names}: they are taken in this one. Check it."


def check_strangers(path: object, arrays: Arrays) -> None:
    """Refuse by their names the weights of what we have no layer for."""
    for name in arrays:
        words = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
        for word, what in _STRANGERS.items():
            if re.search(f"(?<![a-z]){word}s?(?![a-z])", words):
                raise ModelFileError(
                    f"{path_text(path)} holds {what} ({name_text(name)}), and only convolutions, "
                    "batch normalisations and dense layers are read."
                )


def _misfit(result: Any) -> str:
    text = mismatch_text(result.mismatches[0]).rstrip(".") if result.mismatches else ""
    more = result.notes[0].rstrip(".") if result.notes and not result.fixes else ""
    fits = f"this one fits: {result.fixes[0].network}" if result.fixes else more
    return "; ".join(filter(None, (text, fits)))


def _tensors(arrays: Arrays, tensor: Tensor, norm: str | None) -> Iterator[tuple[str, Values]]:
    """Yield what a layer of ours is made of, by our short names."""
    width = tensor.shape[0]

    def vector(name: str, default: float) -> Values:
        values = arrays.get(name, np.full(width, float(default)))
        if values.shape != (width,):
            what = f"{name_text(name)} is {values.shape}"
            raise ModelFileError(f"{what}, and ({width},) is needed beside {tensor.name}.")
        return floats(name, values)

    is_ours = norm == tensor.path  # conv0.scale, and the shift is conv0.bias
    bias = vector(f"{tensor.path}bias", 0)
    yield "weight", floats(tensor.name, arrays[tensor.name])
    if norm is None:
        yield "bias", bias
        return
    scale, mean, variance = _OUR_NORM if is_ours else _THEIR_NORM
    yield "bias", bias if is_ours else vector(f"{norm}bias", 0)
    yield "scale", vector(f"{norm}{scale}", 1)
    yield "mean", vector(f"{norm}{mean}", 0) - (0 if is_ours else bias)
    yield "variance", vector(f"{norm}{variance}", 1)


#: The last words of the names of scale, running mean and running variance.
_OUR_NORM: Final = ("scale", "mean", "variance")
_THEIR_NORM: Final = ("weight", "running_mean", "running_var")


def deduce_network(
    path: object, arrays: Arrays, input_shape: tuple[int, int, int] | None, activation: str | None
) -> tuple[Network, str]:
    """Return the likeliest network for weights alone, on an input of a shape, and a note on it.

    The shapes of weights tell kernels and widths; windows of poolings and paddings are tried, the
    usual ones first.

    Raises:
        UsageError: the input or the activation is not given, which no weights tell; the error
            writes the network, to copy.
        ModelFileError: nothing usual fits.
    """
    tensors = [Tensor(name, values.shape) for name, values in arrays.items()]
    convs, dense = ordered(tensors, 4), ordered(tensors, 2)
    if not dense and not convs:
        raise ModelFileError(f"{path_text(path)} holds no weights of convolutions or dense layers.")
    if input_shape is None:
        raise UsageError(
            f"{path_text(path)} holds weights and no network; {_ADVICE}, or say what pictures it "
            "takes, such as 1x28x28, and the network is looked for.",
            parameter="input_shape",
        )
    shapes = {name: values.shape for name, values in arrays.items()}
    usual = _usual(convs, dense, input_shape, activation or "relu")
    found = (_fitting(input_shape, layers, shapes) for layers in usual)
    fitting = list(dict.fromkeys(network for network in found if network))
    if not fitting:
        raise ModelFileError(
            f"{path_text(path)} fits no usual network on {'x'.join(map(str, input_shape))}; "
            f"{_ADVICE} it belongs to, as a notation or a .json file."
        )
    if activation is None:
        raise UsageError(
            f"{path_text(path)} fits {str(fitting[0])!r}, and no weights tell the activation; "
            f"give it, such as relu or sigmoid, or {_ADVICE} as it was.",
            parameter="activation",
        )
    return fitting[0], _found_note(fitting)


def _found_note(fitting: Sequence[Network]) -> str:
    text = "The network was found from the shapes of the weights, which do not tell poolings"
    if len(fitting) > 1:
        text += f"; {fitting[1]} would fit, too"
    return f"{text}. Check it, or {_ADVICE}."


def _usual(
    convs: Sequence[Tensor],
    dense: Sequence[Tensor],
    input_shape: tuple[int, int, int],
    activation: str,
) -> Iterator[list[Layer]]:
    """Yield what people build of such convolutions and dense layers, the most usual first."""
    count = len(convs)
    each, second = [True] * count, [i % 2 == 1 for i in range(count)]
    pools = [each, [False] * count, second, [i == count - 1 for i in range(count)]]
    paddings = [[False] * count, [True] * count, [i == 0 for i in range(count)]]
    for pooled, padded, is_global in product(pools, paddings, (False, True)):
        layers: list[Layer] = []
        shape: tuple[int, ...] = input_shape
        try:
            for tensor, has_pool, has_padding in zip(convs, pooled, padded, strict=True):
                width, inputs, *kernel = tensor.shape
                window = kernel[0], kernel[1]
                padding = same_padding(window) if has_padding else 0
                groups = max(1, shape[0] // max(1, inputs))
                layers.append(Conv2d(width, window, 1, padding, activation, groups=groups))
                shape = layers[-1].output_shape(shape)
                if has_pool and not (is_global and tensor is convs[-1]):
                    layers.append(MaxPool2d(2))
                    shape = layers[-1].output_shape(shape)
            if is_global and len(shape) == 3:
                layers.append(AvgPool2d((shape[1], shape[2])))
        except UsageError:
            continue
        for tensor in dense:
            layers.append(
                Dense(tensor.shape[0], activation if tensor is not dense[-1] else "identity")
            )
        if layers:
            yield layers


def _fitting(
    input_shape: tuple[int, int, int],
    layers: Iterable[Layer],
    shapes: Mapping[str, tuple[int, ...]],
) -> Network | None:
    """Return the network if the weights fit, normalised where they are; otherwise nothing."""
    try:
        network = Network(input_shape, layers)
        _, mismatches, _ = match_weights(network, shapes)
    except LenetError:
        return None
    norms = [mismatch for mismatch in mismatches if mismatch.normalised]
    if len(norms) < len(mismatches):
        return None
    changed = {mismatch.layer for mismatch in norms}
    return Network(
        input_shape,
        [
            layer.replace(batch_norm=True) if name in changed else layer
            for name, layer in zip(network.names, network.layers, strict=True)
        ],
    )
