"""The one door to a network: whatever a person names it by, this reads it.

A zoo name, a notation, a ``.json`` file, a saved model, the folder of a run, an ``.onnx`` or
``.keras`` file, or an object that is a network or has one (such as :class:`lenet.Model`). Of a
saved model only the header is read, not the weights.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from lenet.arguments import MODEL_ENDING
from lenet.errors import LenetError, UsageError, about, path_text, reason
from lenet.net import zoo
from lenet.net.document import MAX_JSON, from_json
from lenet.net.network import Network, read_input
from lenet.net.notation import EXAMPLE, parse_network
from lenet.net.words import check_text, did_you_mean, shown


class HasNetwork(Protocol):
    """Anything that holds a network, such as a model."""

    @property
    def network(self) -> Network: ...


#: The endings of other programs' files that hold a whole network.
_FOREIGN: Final = (".onnx", ".keras")
#: Whatever a person names a network by.
Source = str | os.PathLike[str] | Network | HasNetwork


def read_network(source: Source, input_shape: Iterable[int] | str | None = None) -> Network:
    """Return the network that ``source`` names.

    A zoo name (``lenet-60``), a notation (it contains ``|`` or starts with a digit), the path of
    a ``.json`` file, of a saved model, of a run's folder or of an ``.onnx`` or ``.keras`` file, a
    network, which is given back as it is, a model, a module of PyTorch or a Keras model. A file or
    a Keras model may leave its input open, and a module always does: then it has ``input_shape``.

    Raises:
        NotationError, ModelFileError: a notation, a saved model or an ONNX file cannot be read.
        MissingPackageError: what reads ONNX is not installed.
        UsageError: nobody knows the name, or the file is missing or no network.
    """
    if not isinstance(source, str | os.PathLike):
        return _read_object(source, input_shape)
    text = os.fspath(source)
    if is_model_file(source):
        return _read_model(text)
    if text.lower().endswith(".json"):
        return _read_json(text)
    if is_foreign(text):
        return _read_foreign("import_model", text, input_shape)
    name = text.strip().lower()
    if name in zoo.names():
        return zoo.get(name)
    if os.path.isdir(text):
        return _read_run(text)
    if "|" in text or name[:1].isdigit():
        return parse_network(text)
    if os.path.isfile(text):
        _refuse_foreign(text)
    near = did_you_mean(name, zoo.names())
    raise UsageError(f"{shown(text)} names no network{near}; {_ALLOWED}.")


def read_named(
    source: Source, name: str = "", input_shape: Iterable[int] | str | None = None
) -> tuple[Network, str]:
    """Return the network, on an input (C, H, W) or text ``3x64x64``, and ``name`` or its own.

    Raises:
        UsageError: ``name`` is no text; otherwise as :func:`read_network`.
    """
    check_text(name, "name")
    network = read_network(source, input_shape)
    if input_shape is not None:
        with about("input_shape"):
            network = network.on(read_input(input_shape))
    return network, name or name_of(source)


def name_of(source: Source) -> str:
    """Return what to call the network that ``source`` names: its zoo name, or that of its file or
    folder, or nothing."""
    if is_module(source) or is_keras(source):
        return type(source).__name__
    if not isinstance(source, str | os.PathLike):
        return zoo_name_of(read_network(source))
    text = os.fspath(source)
    name = text.strip().lower()
    if name in zoo.names():
        return name
    if os.path.isdir(text):
        return os.path.basename(os.path.abspath(text))
    is_file = is_model_file(source) or is_foreign(text) or name.endswith(".json")
    return os.path.splitext(os.path.basename(text))[0] if is_file else ""


def split_sources(text: str) -> list[str]:
    """Return the networks that a text names one after the other: ``lenet, 1x8x8 | dense 4, tiny``.

    A notation has commas of its own, so a network begins only at a name, a file or an input.
    """
    if "|" not in text:
        return [piece.strip() for piece in text.split(",")]
    found: list[str] = []
    for piece in map(str.strip, text.split(",")):
        lower = piece.lower()
        is_name = lower in zoo.names() or lower.endswith((MODEL_ENDING, *_FOREIGN, ".json"))
        if found and not is_name and not re.match(r"[\d@x* ]+\|", lower):
            found[-1] += f", {piece}"
        else:
            found.append(piece)
    return found


def zoo_name_of(network: Network) -> str:
    """Return the name that the zoo has for exactly this network, or nothing."""
    return next((name for name in zoo.names() if zoo.get(name) == network), "")


def is_model_file(source: object) -> bool:
    """Does ``source`` name a saved model, by its ending?"""
    if not isinstance(source, str | os.PathLike):
        return False
    return os.fspath(source).lower().endswith(MODEL_ENDING)


def is_int8(source: object) -> bool:
    """Does ``source`` name a saved model of whole numbers alone?"""
    if not is_model_file(source):
        return False
    from lenet import tensor_files

    return tensor_files.read_header(str(source)).is_int8


def is_foreign(path: str) -> bool:
    """Does the path name a file of another program that holds a whole network?"""
    return path.lower().endswith(_FOREIGN)


def _read_object(source: object, input_shape: Iterable[int] | str | None) -> Network:
    network = getattr(source, "network", source)
    if isinstance(network, Network):
        return network
    if is_keras(source):
        return _read_foreign("from_keras", source, input_shape)
    if is_module(source):
        return _read_module(source, input_shape)
    raise UsageError(f"{shown(source)} names no network; {_ALLOWED}.")


def is_module(source: object) -> bool:
    """Is it a module of PyTorch's? Told without importing PyTorch."""
    return hasattr(source, "named_modules") and hasattr(source, "state_dict")


def is_keras(source: object) -> bool:
    """Is it a model of Keras'? Told without importing Keras; on PyTorch it is a module, too."""
    kinds = type(source).__mro__
    return any(kind.__name__ == "Model" and kind.__module__[:6] == "keras." for kind in kinds)


def _read_module(module: object, input_shape: Iterable[int] | str | None) -> Network:
    import lenet  # a row above, through the root's map of public names

    if input_shape is None:
        what = "a PyTorch module does not say how large its images are"
        raise UsageError(f"{what}; give their shape, such as 1x28x28.", parameter="input_shape")
    return lenet.from_torch(module, input_shape).network


def _read_foreign(verb: str, source: object, input_shape: Iterable[int] | str | None) -> Network:
    """Read what may leave its input open, and only then has the one that is given."""
    import lenet  # a row above, through the root's map of public names

    read: Callable[..., HasNetwork] = getattr(lenet, verb)
    try:
        return read(source).network
    except UsageError as error:
        if error.parameter != "input_shape" or input_shape is None:
            raise
        return read(source, input_shape=input_shape).network


def _read_model(path: str) -> Network:
    from lenet import tensor_files

    header = tensor_files.read_model_header(path)
    try:
        return from_json(str(header.metadata.get("network")))
    except LenetError as error:
        raise tensor_files.damaged(path, str(error)) from error


def _read_run(folder: str) -> Network:
    import lenet  # a row above, through the root's map of public names

    return lenet.Model.load(folder).network


def _read_json(path: str) -> Network:
    from lenet.files import read_regular

    try:
        return from_json(read_regular(path, MAX_JSON).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError(f"{shown(path)} is no text in UTF-8, so it is no network.") from None
    except UsageError as error:
        raise UsageError(f"{shown(path)} cannot be read as a network: {error}") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        why = f"{reason(error)}; give a .json file that holds one."
        raise UsageError(f"{shown(path)} cannot be read as a network: {why}") from None


def _refuse_foreign(path: str) -> None:
    """Say what a file with another program's weights is, if it is one."""
    from lenet.kinds import conversion

    if advice := conversion(path):
        what, remedy, command = advice
        raise UsageError(f"{path_text(path)} {what}", remedy=remedy, command=command)


_ALLOWED: Final = (
    f"give one of {', '.join(zoo.names())}, a notation such as {EXAMPLE!r}, a .json, .onnx or "
    ".keras file, a saved model or a run's folder"
)
