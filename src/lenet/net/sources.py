"""A network from whatever a person names it by: a zoo name, a notation, a JSON file.

Saved models hold a network too, but reading them takes weights and arrays: that is done by what
stands above this package, which asks :func:`is_model_file` first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from lenet.errors import UsageError
from lenet.net import zoo
from lenet.net.document import MAX_JSON, from_json
from lenet.net.network import Network
from lenet.net.notation import EXAMPLE, parse_network
from lenet.net.shapes import read_shape
from lenet.net.words import did_you_mean, shown

_MODEL_SUFFIX: Final = ".safetensors"

#: Whatever a person names a network by.
Source = str | os.PathLike[str] | Network


def read_network(source: Source) -> Network:
    """The network that ``source`` names.

    A zoo name (``lenet-60``), a notation (it contains ``|`` or starts with a digit), the path of
    a ``.json`` file, or a network, which is given back as it is.

    Raises:
        NotationError: a notation that cannot be read.
        UsageError: a name nobody knows, or a file that is missing or no network.
    """
    if isinstance(source, Network):
        return source
    if not isinstance(source, str | os.PathLike):
        raise UsageError(f"{shown(source)} names no network; {_ALLOWED}.")
    text = os.fspath(source)
    if is_model_file(source):
        raise UsageError(
            f"{shown(text)} is a saved model, not only a network; lenet.Model.load reads it, and "
            "its .network is what you want."
        )
    if text.lower().endswith(".json"):
        return _read_json(text)
    name = text.strip().lower()
    if name in zoo.names():
        return zoo.get(name)
    if "|" in text or name[:1].isdigit():
        return parse_network(text)
    near = did_you_mean(name, zoo.names())
    raise UsageError(f"{shown(text)} names no network{near}; {_ALLOWED}.")


def read_named(
    source: Source, name: str = "", input_shape: Iterable[int] | str | None = None
) -> tuple[Network, str]:
    """The network that ``source`` names, and what to call it.

    Args:
        source: as :func:`read_network` takes it.
        name: what to call it; by default what :func:`name_of` says.
        input_shape: another input than the network's own: (channels, height, width), or text
            such as ``3x64x64``.

    Raises:
        UsageError: ``source`` names no network, or the input shape is impossible.
    """
    network = read_network(source)
    if not isinstance(source, Network):
        name = name or name_of(source)
    if input_shape is not None:
        shape = read_shape(input_shape) if isinstance(input_shape, str) else input_shape
        network = network.changed(input_shape=shape)
    return network, name


def name_of(source: str | os.PathLike[str]) -> str:
    """What to call the network that ``source`` names: its zoo name or file name, or nothing."""
    text = os.fspath(source)
    name = text.strip().lower()
    if name in zoo.names():
        return name
    is_file = is_model_file(source) or name.endswith(".json")
    return os.path.splitext(os.path.basename(text))[0] if is_file else ""


def is_model_file(source: object) -> bool:
    """Does ``source`` name a saved model, by its ending?"""
    if not isinstance(source, str | os.PathLike):
        return False
    return os.fspath(source).lower().endswith(_MODEL_SUFFIX)


def _read_json(path: str) -> Network:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_JSON + 1)
        return from_json(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError(f"{shown(path)} is no text in UTF-8, so it is no network.") from None
    except (OSError, ValueError) as error:
        # ValueError: from_json's own UsageError, or a path with a zero byte in it.
        reason = getattr(error, "strerror", None)
        why = f"{reason.lower()}; give a .json file that holds one." if reason else error
        raise UsageError(f"{shown(path)} cannot be read as a network: {why}") from None


_ALLOWED: Final = (
    f"give one of {', '.join(zoo.names())}, a notation such as {EXAMPLE!r}, or a .json file"
)
