"""A network as JSON, the notation's long form, both ways.

    {"format": "lenet-network", "version": 1, "input": [1, 28, 28], "blocks": [
      {"layers": [
        {"kind": "conv", "channels": 6, "kernel_size": [5, 5], "stride": [1, 1],
         "padding": [0, 0, 0, 0], "activation": "sigmoid"},
        {"kind": "maxpool", "kernel_size": [2, 2], "stride": [2, 2], "padding": [0, 0, 0, 0]}]},
      {"layers": [
        {"kind": "dense", "units": 10, "activation": "identity"}]}]}

Pairs are (height, width), padding is (top, bottom, left, right). An input that would be taken for
channels last is text, ``"28@28x1"``. A convolution may also have ``"groups": 2``,
``"table": "lenet-5"`` and ``"batch_norm": true``, written only where they are not 1, "" and false.
Every other key is required and no other is allowed: such a document may come from anywhere, so
nothing in it is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from lenet.errors import UsageError
from lenet.net.layers import LAYERS, Layer, elsewhere
from lenet.net.network import Block, Network
from lenet.net.shapes import Shape, input_text, read_shape
from lenet.net.words import check_choice, shown

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
        "input": _input_document(network.input_shape),
        "blocks": [{"layers": list(map(_layer_document, block))} for block in network.blocks],
    }


def from_document(document: object) -> Network:
    """Read what :func:`to_document` gave; a UsageError names the path of what cannot be."""
    top = _object(document, "the document")
    if top.get("format") != FORMAT:
        raise UsageError(
            f"the document is no network: its format is {shown(top.get('format'))}, not {FORMAT!r}."
        )
    version = top.get("version", 0)
    _expect(_is_whole(version) and version >= 1, version, "version", str(VERSION))
    if version > VERSION:
        raise UsageError(
            f"the network was written by a newer lenet (format {shown(version)}, this one reads "
            f"{VERSION}): upgrade lenet."
        )
    _check_keys(top, ("format", "version", "input", "blocks"), "the document")
    shape = _read_input(top["input"])
    blocks = enumerate(_list(top["blocks"], "blocks"))
    return Network(shape, [_block(block, f"blocks[{i}]") for i, block in blocks])


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
        return from_document(json.loads(text, object_pairs_hook=_unique))
    except json.JSONDecodeError as error:
        where = f"at line {error.lineno}, column {error.colno}"
        raise UsageError(f"the network is no valid JSON: {error.msg} {where}.") from None
    except RecursionError:
        raise UsageError("the network's JSON is nested too deep to be a network.") from None
    except UsageError:
        raise
    except ValueError:  # a number of more digits than Python is willing to read
        raise UsageError("the network's JSON has a number of too many digits.") from None


def _input_document(shape: Shape) -> list[int] | str:
    """A list; text where that would be taken for channels last, for text can say that it is not."""
    text = input_text(shape)
    return text if "@" in text else list(shape)


def _read_input(value: object) -> Shape:
    shape = read_shape(value) if isinstance(value, str) and "@" in value else None
    return shape or _numbers(value, _INPUT, "input")


def _layer_document(layer: Layer) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": layer.keyword}
    for field in layer.fields:
        value = getattr(layer, field.name)
        if not (field.may_lack and value == field.default):
            document[field.name] = list(value) if field.kind in _NUMBERS else value
    return document


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
    if kind not in list(LAYERS) and (why := elsewhere(kind, is_layer=True)):
        raise UsageError(f"{path}.kind: {why}")
    check_choice(kind, LAYERS, f"{path}.kind")
    layer = LAYERS[str(kind)]
    required = [field.name for field in layer.fields if not field.may_lack]
    optional = [field.name for field in layer.fields if field.may_lack]
    _check_keys(document, ("kind", *required), path, optional)
    values = {name: value for name, value in document.items() if name != "kind"}
    for field in layer.fields:
        if field.kind in _NUMBERS:  # the layer itself would also take a single number
            names = _NUMBERS[field.kind]
            values[field.name] = _numbers(values[field.name], names, f"{path}.{field.name}")
    try:
        return layer(**values)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _numbers(value: object, names: tuple[str, ...], path: str) -> tuple[int, ...]:
    numbers = value if isinstance(value, list) else []
    valid = len(numbers) == len(names) and all(map(_is_whole, numbers))
    _expect(valid, value, path, f"a list of {len(names)} whole numbers, [{', '.join(names)}]")
    return tuple(numbers)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _object(value: object, path: str) -> dict[str, Any]:
    _expect(isinstance(value, dict), value, path, "a JSON object")
    return cast("dict[str, Any]", value)


def _list(value: object, path: str) -> list[Any]:
    _expect(isinstance(value, list), value, path, "a list")
    return cast("list[Any]", value)


def _expect(valid: bool, value: object, path: str, allowed: str) -> None:
    if not valid:
        raise UsageError(f"{path} is {shown(value)}; it must be {allowed}.")


def _check_keys(
    value: dict[str, Any], keys: tuple[str, ...], path: str, optional: Iterable[str] = ()
) -> None:
    allowed = (*keys, *optional)
    for key in value:
        check_choice(key, allowed, f"a key of {path}")
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
