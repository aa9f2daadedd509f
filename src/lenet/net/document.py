"""A network as JSON, the notation's long form, both ways.

    {"format": "lenet-network", "version": 1, "input": [1, 28, 28], "blocks": [
      {"layers": [
        {"kind": "conv", "channels": 6, "kernel_size": [5, 5], "stride": [1, 1],
         "padding": [0, 0, 0, 0], "activation": "sigmoid"},
        {"kind": "maxpool", "kernel_size": [2, 2], "stride": [2, 2], "padding": [0, 0, 0, 0]}]},
      {"layers": [
        {"kind": "dense", "units": 10, "activation": "identity"}]}]}

Pairs are (height, width), padding is (top, bottom, left, right). A convolution may also have
``"batch_norm": true``; it is written only where it is so, for documents without it are older than
it is. Every other key is required and no other is allowed: such a document may come from anywhere,
so nothing in it is guessed.
"""

from __future__ import annotations

from typing import Any, Final

from lenet.errors import UsageError
from lenet.net.layers import ACTIVATIONS, LAYERS, Field, Layer
from lenet.net.network import Block, Network
from lenet.net.words import did_you_mean, shown

FORMAT: Final = "lenet-network"
VERSION: Final = 1
#: In bytes; longer than the longest network of MAX_LAYERS layers that ``to_json`` can write.
MAX_JSON: Final = 4_000_000

#: What the numbers of a value are that is a list.
_INPUT: Final = ("channels", "height", "width")
_NUMBERS: Final = {"pair": ("height", "width"), "sides": ("top", "bottom", "left", "right")}


def to_document(network: Network) -> dict[str, Any]:
    """Describe ``network`` by plain dicts, lists, numbers and strings."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "input": list(network.input_shape),
        "blocks": [{"layers": list(map(_layer_document, block))} for block in network.blocks],
    }


def from_document(document: object) -> Network:
    """Read a network from what :func:`to_document` gave.

    Raises:
        UsageError: anything missing, unknown or impossible; the message names its path.
    """
    top = _object(document, "the document")
    if top.get("format") != FORMAT:
        raise UsageError(
            f"the document is no network: its format is {shown(top.get('format'))}, not {FORMAT!r}."
        )
    _check_version(top.get("version"))
    _check_keys(top, ("format", "version", "input", "blocks"), "the document")
    shape = _numbers(top["input"], _INPUT, "input")
    blocks = [
        _block(block, f"blocks[{i}]") for i, block in enumerate(_list(top["blocks"], "blocks"))
    ]
    return Network(shape, blocks)


def to_json(network: Network) -> str:
    """Write ``network`` as JSON text, one layer per line, ready to be read and edited."""
    import json  # here, for most uses of a network need no JSON and should not wait for it

    document = to_document(network)
    blocks = (
        '  {"layers": [\n    ' + ",\n    ".join(map(json.dumps, block["layers"])) + "]}"
        for block in document.pop("blocks")
    )
    return json.dumps(document)[:-1] + ', "blocks": [\n' + ",\n".join(blocks) + "]}\n"


def from_json(text: str) -> Network:
    """Read a network from JSON text, which may come from anywhere.

    Raises:
        UsageError: the text is too long, no JSON, or no network.
    """
    import json

    if len(text) > MAX_JSON:
        raise UsageError(
            f"the network's JSON has {len(text):,} characters; at most {MAX_JSON:,} are allowed."
        )
    try:
        document = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"the network is no valid JSON: {error.msg} at line {error.lineno}, column "
            f"{error.colno}."
        ) from None
    except RecursionError:
        raise UsageError("the network's JSON is nested too deep to be a network.") from None
    except UsageError:
        raise
    except ValueError:  # a number of more digits than Python is willing to read
        raise UsageError("the network's JSON has a number of too many digits.") from None
    return from_document(document)


def _layer_document(layer: Layer) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": layer.keyword}
    for field in layer.fields:
        value = getattr(layer, field.name)
        if not (field.may_lack and value == field.default):
            document[field.name] = list(value) if field.kind in _NUMBERS else value
    return document


def _check_version(version: object) -> None:
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise UsageError(f"version is {shown(version)}; it must be {VERSION}.")
    if version > VERSION:
        raise UsageError(
            f"the network was written by a newer lenet (format {shown(version)}, this one reads "
            f"{VERSION}): upgrade lenet."
        )


def _block(value: object, path: str) -> Block:
    block = _object(value, path)
    _check_keys(block, ("layers",), path)
    layers = _list(block["layers"], f"{path}.layers")
    if not layers:
        raise UsageError(f"{path}.layers is empty; a block has at least one layer.")
    return Block(_layer(layer, f"{path}.layers[{i}]") for i, layer in enumerate(layers))


def _layer(value: object, path: str) -> Layer:
    document = _object(value, path)
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in LAYERS:
        raise UsageError(f"{path}.kind is {shown(kind)}; it must be one of {', '.join(LAYERS)}.")
    layer = LAYERS[kind]
    required = [field.name for field in layer.fields if not field.may_lack]
    optional = [field.name for field in layer.fields if field.may_lack]
    _check_keys(document, ("kind", *required), path, tuple(optional))
    values = {
        field.name: _field(document[field.name], field, f"{path}.{field.name}")
        for field in layer.fields
        if field.name in document
    }
    try:
        return layer(**values)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _field(value: object, field: Field, path: str) -> Any:
    match field.kind:
        case "pair" | "sides":
            return _numbers(value, _NUMBERS[field.kind], path)
        case "activation":
            valid, allowed = value in list(ACTIVATIONS), f"one of {', '.join(ACTIVATIONS)}"
        case "switch":
            valid, allowed = isinstance(value, bool), "true or false"
        case "count":
            valid, allowed = _is_whole(value), "a whole number"
    if not valid:
        raise UsageError(f"{path} is {shown(value)}; it must be {allowed}.")
    return value


def _numbers(value: object, wanted: tuple[str, ...], path: str) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) != len(wanted) or not all(map(_is_whole, value)):
        raise UsageError(
            f"{path} is {shown(value)}; it must be a list of {len(wanted)} whole numbers, "
            f"[{', '.join(wanted)}]."
        )
    return tuple(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _object(value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{path} is {shown(value)}; it must be a JSON object.")
    return value


def _list(value: object, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise UsageError(f"{path} is {shown(value)}; it must be a list.")
    return value


def _check_keys(
    value: dict[str, Any], keys: tuple[str, ...], path: str, optional: tuple[str, ...] = ()
) -> None:
    allowed = keys + optional
    for key in value:
        if key not in allowed:
            near = did_you_mean(key, allowed) if isinstance(key, str) else ""
            raise UsageError(
                f"{path} has the unknown key {shown(key)}{near}; it has {', '.join(allowed)}."
            )
    for key in keys:
        if key not in value:
            raise UsageError(f"{path} lacks the key {key!r}; it has {', '.join(keys)}.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse equal keys in one JSON object, of which JSON would silently keep the last."""
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"the network's JSON has the key {shown(twice)} twice in one object.")
    return result
