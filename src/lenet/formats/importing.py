"""``lenet.import_model``: another program's network as a model of ours, weights and all.

A file is read as what it is, whatever it is called; nothing in it is ever unpickled or run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from pathlib import Path
from typing import Any, Final

import numpy as np

from lenet import kinds, tensor_files
from lenet.engine.plan import make_plan
from lenet.errors import ModelFileError, UsageError, about, needing, path_text
from lenet.formats.keras_file import read_keras
from lenet.formats.mxnet_arrays import plain_names, read_params
from lenet.formats.mxnet_symbol import read_symbol, symbol_path
from lenet.formats.plain import is_scaled_alone, plain_network
from lenet.formats.reading import read_whole
from lenet.formats.row import TAKES_BYTES, UNPREPARED
from lenet.formats.weights import Arrays, check_strangers, deduce_network, fit_weights
from lenet.model import Model
from lenet.net import ACTIVATIONS, Network, Source, is_model_file, read_named
from lenet.net.network import read_input
from lenet.net.words import check_choice, listed, shown
from lenet.run_folder import is_run
from lenet.writing import Result
from lenet.writing.document import Document, Notation, Paragraph, Section
from lenet.writing.numbers import plural


@dataclass(frozen=True)
class Options:
    """What a person says of a file."""

    net: Source | None = None
    symbol: str | os.PathLike[str] | None = None
    input_shape: tuple[int, int, int] | None = None
    activation: str | None = None
    classes: tuple[str, ...] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


@dataclass(frozen=True, repr=False)
class Imported(Result):
    """What :func:`read_model` makes of a file.

    Attributes:
        model: the model.
        format: what the file is.
        notes: what the file does not say and was supposed, a sentence each.
        path: where the model was saved; None if it was not.
    """

    model: Model
    format: str
    notes: tuple[str, ...] = ()
    path: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        return {
            "format": self.format,
            "network": str(self.model.network),
            "parameters": self.model.parameter_count,
            "classes": list(self.model.classes),
            "preprocessing": self.model.preprocessing.to_dict(),
            "notes": list(self.notes),
            "file": None if self.path is None else str(self.path),
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return the network, ready to copy, and what was supposed."""
        place = "" if self.path is None else f", in {path_text(self.path)}"
        text = f"{self.format}: {plural(self.model.parameter_count, 'parameter')}{place}"
        network = Notation(str(self.model.network))
        return Document("", (Section("", (Paragraph(text), network, *map(Paragraph, self.notes))),))


def import_model(
    file: str | os.PathLike[str],
    *,
    net: Source | None = None,
    symbol: str | os.PathLike[str] | None = None,
    input_shape: Iterable[int] | str | None = None,
    activation: str | None = None,
    classes: Sequence[str] | None = None,
    mean: Iterable[float] | None = None,
    std: Iterable[float] | None = None,
) -> Model:
    """Read another program's trained network as a model.

    ``.onnx`` of any framework, ``.keras`` of Keras 3, MXNet's ``.params``, and PyTorch's state
    dicts, as ``.safetensors`` or, with PyTorch installed, ``.pt``.

    Args:
        file: the file.
        net: the network that the weights of a ``.params`` file or a state dict belong to: a zoo
            name, a notation, a ``.json`` file or a network; of a model, or a saved one, the
            preprocessing and the class names are taken, too.
        symbol: MXNet's ``-symbol.json``, which tells the network; one beside the ``.params`` file
            is found.
        input_shape: of one image, (channels, height, width), or text such as ``1x28x28``; where
            the file leaves it open.
        activation: of every layer but the last, where neither file nor ``net`` tells it: ``relu``.
        classes: names for the outputs, in their order.
        mean: what is subtracted from pixels from 0 to 1, one number or one for each channel; by
            default what the file says, or 0.
        std: what they are divided by then, in the same way, or by 1; both as in torchvision's
            Normalize. They take the place of what the file says.

    Raises:
        ModelFileError: the file is damaged, something else, or holds what we have no layer for.
        UsageError: the file leaves open what has to be given, or an option is out of range.
        MissingPackageError: the format needs a package that is not installed.
    """
    return read_model(
        file,
        net=net,
        symbol=symbol,
        input_shape=input_shape,
        activation=activation,
        classes=classes,
        mean=mean,
        std=std,
    ).model


def read_model(file: str | os.PathLike[str], **how: Any) -> Imported:
    """Do the same as :func:`import_model`, and tell what was supposed."""
    if not isinstance(file, str | os.PathLike):
        raise UsageError(f"the file is {shown(file)}; give a path such as 'model.onnx'.")
    suffix = Path(file).suffix.lower()
    if suffix not in _READERS:
        raise ModelFileError(
            f"{path_text(file)} does not say its format; it must end in "
            f"{listed(list(_READERS), 'or')}."
        )
    options = _options(**how)
    if suffix in _WHOLE:
        _refuse(options, f"a {suffix} file", "net", "symbol", "activation")
    with np.errstate(all="ignore"):  # what is not finite is refused at the end
        model, kind, notes = _READERS[suffix](file, options)
    notes = [*notes, *_doubts(model)]
    return Imported(_prepared(model, options), kind, _left(notes, options))


def _options(
    net: Any = None,
    symbol: Any = None,
    input_shape: Any = None,
    activation: Any = None,
    classes: Any = None,
    mean: Any = None,
    std: Any = None,
) -> Options:
    if input_shape is not None:
        with about("input_shape"):
            input_shape = read_input(input_shape)
    if activation is not None:
        check_choice(activation, ACTIVATIONS, "the activation", "activation")
    if not isinstance(classes, Iterable | None):
        raise UsageError(f"classes is {shown(classes)}; give a list of names.", parameter="classes")
    names = None if classes is None else tuple(map(str, classes))
    return Options(
        net, symbol, input_shape, activation, names, _numbers(mean, "mean"), _numbers(std, "std")
    )


def _refuse(options: Options, what: str, *names: str) -> None:
    """Raise a UsageError, if one of these options is given, of which the file has no need."""
    for name in names:
        if getattr(options, name) is not None:
            why = f"{what} says what its network is"
            raise UsageError(f"{why}; leave {name} out.", parameter=name)


def _numbers(values: Any, name: str) -> tuple[float, ...] | None:
    if values is None:
        return None
    try:
        numbers = tuple(float(v) for v in np.atleast_1d(np.asarray(values, float)).ravel())
    except (TypeError, ValueError):
        numbers = (nan,)
    if not all(map(isfinite, numbers)) or (name == "std" and min(numbers, default=1) <= 0):
        allowed = "numbers above 0" if name == "std" else "finite numbers"
        what = f"{name} is {shown(values)}; give {allowed}: one, or one for each channel."
        raise UsageError(what, parameter=name)
    return numbers


def _prepared(model: Model, options: Options) -> Model:
    """Return the model with the class names and the preprocessing that a person gives."""
    if options.classes is None and options.mean is None and options.std is None:
        return model
    seen = model.preprocessing
    if options.mean is not None or options.std is not None:
        shape = model.network.input_shape
        mean = _per_channel(options.mean or seen.mean, shape[0], "mean")
        std = _per_channel(options.std or seen.std, shape[0], "std")
        seen = replace(seen, mean=mean, std=std)
    with about("classes"):
        made = Model(model.network, options.classes or model.classes, seen)
    made.load_state_dict(model.state_dict())
    made.training = model.training
    return made


def _per_channel(values: tuple[float, ...], channels: int, name: str) -> tuple[float, ...]:
    if len(values) not in (1, channels):
        what = (
            f"{name} has {len(values)} numbers; give one, or one for each of {channels} channels."
        )
        raise UsageError(what, parameter=name)
    return values * channels if len(values) == 1 else values


def _doubts(model: Model) -> Iterator[str]:
    """Say where what comes out is no score of one class among others."""
    if model.plan.classes == 1:
        yield (
            "It gives one number for an image. lenet compares the scores of classes, so its "
            "predictions with this network mean nothing."
        )
    elif model.plan.steps[-1].activation == "sigmoid":
        yield (
            "It ends in a sigmoid for each class, and classes exclude each other here: lenet's "
            "probabilities add up to 1 and are not those that come out of the file."
        )


def _left(notes: Iterable[str], options: Options) -> tuple[str, ...]:
    """Return the notes that are still true once a person has said more."""
    notes, told = list(notes), options.mean is not None or options.std is not None
    is_open = UNPREPARED in notes or TAKES_BYTES in notes
    left = [note for note in notes if not (told and note in (UNPREPARED, TAKES_BYTES))]
    return tuple(left if is_open or not told else [*left, _REPLACED])


_REPLACED: Final = (
    "The file or its network says how pixels are scaled; the mean and std that are given take its "
    "place."
)
_Read = tuple[Model, str, Iterable[str]]


def _fit(path: Any, arrays: Arrays, options: Options, kind: str) -> _Read:
    """Put weights into the network that is named, or that they tell of."""
    check_strangers(path, arrays)
    if options.symbol is not None:
        what = "a symbol is of MXNet's .params files"
        raise UsageError(f"{what}; leave it out.", parameter="symbol")
    like: Any = options.net
    like = Model.load(like) if is_model_file(like) or _is_run(like) else like
    seen, classes = getattr(like, "preprocessing", None), getattr(like, "classes", None)
    if like is not None:
        network, _ = read_named(like, input_shape=options.input_shape)
        if seen is not None and seen.input_shape != network.input_shape:
            seen = None
        notes = [UNPREPARED] if seen is None else []
        is_told = not is_scaled_alone(network)  # by their shapes, whose weights these are
        is_ours = isinstance(like, Model) and Path(path).suffix.lower() in _EXPORTED
        if (is_told or is_ours) and (plain := plain_network(network)) != network:
            if is_told and _are_of(arrays, network):
                return Model(network, classes, seen).load_state_dict(arrays), kind, notes
            network, notes = plain, [*notes, _PLAIN]
    else:
        network, note = deduce_network(path, arrays, options.input_shape, options.activation)
        notes = [note, UNPREPARED]
    model, more = fit_weights(path, arrays, network, classes, seen)
    return model, kind, [*notes, *more]


def _are_of(arrays: Arrays, network: Network) -> bool:
    """Are these the tensors of a network of ours, by their names and shapes?"""
    own = {tensor.name: tensor.shape for tensor in make_plan(network).tensors}
    return own == {name: values.shape for name, values in arrays.items()}


#: How the names of state dicts end that lenet exports, with the weights of plain layers.
_EXPORTED: Final = (".pt", ".params")
_PLAIN: Final = (
    "The network has layers that other programs lack. The weights are taken as those of the plain "
    "layers that lenet's exports have in their place, and the model has these layers."
)


def _is_run(source: Any) -> bool:
    return isinstance(source, str | os.PathLike) and is_run(source)


def _read_mxnet(path: Any, options: Options) -> _Read:
    content = read_whole(path, kinds.MXNET, kinds.ARRAYS)
    arrays, named = read_params(path, content)
    check_strangers(path, arrays)
    symbol = options.symbol
    if symbol is None and options.net is None and symbol_path(Path(path)).is_file():
        symbol = symbol_path(Path(path))
    if symbol is not None:
        _refuse(options, "a symbol", "net", "activation")
        model, notes = read_symbol(symbol, path, arrays, options.input_shape)
        return model, "MXNet symbol and parameters", notes
    return _fit(path, plain_names(arrays, named), options, "MXNet parameters")


def _read_safetensors(path: Any, options: Options) -> _Read:
    header = tensor_files.read_header(path)
    if header.metadata.get("format") == tensor_files.FORMAT:
        _refuse(options, "a model of lenet's own", "input_shape", "net", "symbol", "activation")
        return Model.load(path), "lenet model", ()
    arrays = _with_points(tensor_files.read_tensors(path))
    return _fit(path, arrays, options, "PyTorch state dict")


def _with_points(arrays: Arrays) -> Arrays:
    """Return a state dict under names such as ``conv0.weight``, where none has a point."""
    return arrays if any("." in name for name in arrays) else plain_names(dict(arrays))


def _read_torch(path: Any, options: Options) -> _Read:
    content = read_whole(path, kinds.PYTORCH, kinds.PICKLE)
    instead = "save the weights with safetensors.torch.save_file where PyTorch is installed"
    with needing("PyTorch", "to read its file", "torch", instead):
        from lenet.formats.torch_file import read_state_dict
    arrays = _with_points(read_state_dict(path, content))
    return _fit(path, arrays, options, "PyTorch state dict")


def _read_onnx(path: Any, options: Options) -> _Read:
    with needing("the package onnx", "to read ONNX", "onnx"):
        from lenet.formats.onnx_graph import read_graph
    model, notes = read_graph(path, options.input_shape)
    return model, "ONNX", notes


def _read_keras(path: Any, options: Options) -> _Read:
    model, notes = read_keras(path, options.input_shape)
    return model, "Keras", notes


#: By a file's ending: what reads it.
#: Files that say all of a network.
_WHOLE: Final = (".onnx", ".keras")
_READERS: Final[dict[str, Callable[[Any, Options], _Read]]] = {
    ".params": _read_mxnet,
    ".onnx": _read_onnx,
    ".keras": _read_keras,
    ".safetensors": _read_safetensors,
    ".pt": _read_torch,
    ".pth": _read_torch,
}
