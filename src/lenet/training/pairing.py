"""A network and the data it is to learn, made to suit each other."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from lenet.data import NAMES, Dataset, is_name, load
from lenet.net import Network, fitted, zoo


def pair(
    network: Network,
    name: str,
    data: Dataset | str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
    *,
    size: int | str | Sequence[int] | None = None,
    gray: bool = False,
    rgb: bool = False,
    skip_bad: bool = False,
) -> tuple[Network, Dataset]:
    """Load the data and settle who follows whom.

    A network that has a name in the zoo follows the data: it gets their image shape as its input
    and their classes as its outputs. Data that have a name stay with a named network's own input.
    Pictures of one's own become what a network of one's own takes, in one step, as in ``predict``.

    Args:
        network: the network.
        name: what it was asked for by; it is of the zoo if that is a name there.
        data: a data set, its name, or a path.
        data_dir: as ``lenet.load`` takes it, like all that follows.

    Raises:
        UsageError: a name or path nobody knows, or images too small for a network of the zoo.
        DataError: the data cannot be read.
    """
    if not isinstance(data, Dataset):
        wishes = {"size": size, "gray": gray, "rgb": rgb, "skip_bad": skip_bad}
        data = load(**arguments(network, name, data, data_dir, **wishes))
    if is_zoo_name(name) and (data.source or data.name not in NAMES):
        network = fitted(network, data.image_shape, len(data.classes))
    return network, data


def arguments(
    network: Network,
    name: str,
    data: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
    **wishes: Any,
) -> dict[str, Any]:
    """What :func:`pair` calls ``lenet.load`` with; its arguments are those of :func:`pair`."""
    found: dict[str, Any] = {"source": data, "data_dir": data_dir, **wishes}
    if not is_zoo_name(name) and not is_name(data):
        channels, *own = network.input_shape
        found["size"] = own if wishes.get("size") is None else wishes["size"]
        if not (wishes.get("gray") or wishes.get("rgb")):
            found |= {"gray": channels == 1, "rgb": channels == 3}
    return {each: value for each, value in found.items() if value not in (None, False)}


def lasting(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of ``lenet.load`` in values for JSON that hold in any folder."""
    found = dict(arguments)
    for name in ("source", "data_dir"):
        if name in found:
            text = os.fsdecode(found[name])
            named = name == "source" and is_name(text)
            found[name] = text if named else os.path.abspath(text)
    return found


def is_zoo_name(name: str) -> bool:
    """Does the zoo know it? A file ``lenet.json`` is called so, too, and is none of the zoo's."""
    return name.strip().lower() in zoo.names()
