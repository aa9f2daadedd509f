"""Safetensors files: any file's header, and the whole of a file that is a model of ours.

A safetensors file is eight bytes (the header's size, little-endian), a JSON header and the
tensors' bytes. Besides what :mod:`lenet.model` puts in, the metadata of a model have ``format``
("lenet-model"), ``version`` and ``sha256``, of all bytes behind the header (older files have
none). Nothing of a file is taken on trust: its sizes are checked before it is parsed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lenet.arguments import MODEL_ENDING
from lenet.errors import ModelFileError, path_text, reason
from lenet.files import open_regular

if TYPE_CHECKING:  # NumPy is slow to import, and a header holds no arrays
    import numpy.typing as npt

FORMAT: Final = "lenet-model"
VERSION: Final = 1
#: What a model's metadata say of its numbers; without it they are floats.
PRECISION: Final = "precision"
INT8: Final = "int8"
#: Caps that are checked before a header is parsed: a network of 10,000 layers fits, and so does
#: the history of 100,000 epochs.
MAX_HEADER: Final = 40_000_000
MAX_TENSORS: Final = 50_000
#: The longest reason that is given, in characters.
_LONGEST_REASON: Final = 300


@dataclass(frozen=True)
class Header:
    """What a file says of itself."""

    metadata: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]  # of its tensors, in the file's order

    @property
    def is_int8(self) -> bool:
        """Does it hold whole numbers alone?"""
        return self.metadata.get(PRECISION) == INT8


def read_header(path: str | os.PathLike[str]) -> Header:
    """Read the header of any safetensors file, and no weights."""
    content = read(path, header_only=True)
    try:
        entries: dict[str, Any] = read_json(content[8:])
        metadata = entries.pop("__metadata__", {})
        ordered = sorted(entries.items(), key=lambda entry: entry[1]["data_offsets"])
        shapes = {name: _sizes(entry["shape"]) for name, entry in ordered}
        return Header(metadata if isinstance(metadata, dict) else {}, shapes)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        why = f" ({error})" if isinstance(error, ValueError) else ""
        what = f"{path_text(path)} is no safetensors file: its header cannot be read{_short(why)}"
        raise ModelFileError(f"{what}; save the weights as one.") from error


def read_model_header(path: str | os.PathLike[str]) -> Header:
    """Read the header of a model that lenet saved."""
    header = read_header(path)
    _check_format(os.fspath(path), header.metadata)
    return header


def _sizes(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, list) or not all(type(n) is int and 0 <= n < 2**63 for n in shape):
        raise ValueError("a shape is no list of sizes")
    return tuple(shape)


def compose(tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of the file that holds these; equal ones are equal bytes."""
    import safetensors.numpy

    own = {"format": FORMAT, "version": str(VERSION)}
    content = safetensors.numpy.save(dict(tensors), own | dict(metadata))
    end = _end_of_header(content)
    entries = json.loads(content[8:end])
    entries["__metadata__"]["sha256"] = hashlib.sha256(content[end:]).hexdigest()
    # Sorted: the library shuffles the metadata.
    header = json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[end:]


def damaged(path: object, why: str) -> ModelFileError:
    """Return the error for a file, or bytes, that were such a file once."""
    what = f"{path_text(path)} is not an intact model: {_short(why)}"
    return ModelFileError(f"{what}; save or copy it anew.")


def _short(why: str) -> str:
    """Return a reason that others found, or that quotes the file: cut, without its full stop."""
    return why.rstrip(".") if len(why) <= _LONGEST_REASON else f"{why[:_LONGEST_REASON]}..."


def read(path: str | os.PathLike[str], header_only: bool = False) -> bytes:
    """Return the bytes of a file, or those to the header's end, once its sizes are checked."""
    try:
        with open_regular(path) as file:
            start = file.read(8)
            _check_sizes(os.fspath(path), start, os.fstat(file.fileno()).st_size)
            return start + file.read(_end_of_header(start) - 8 if header_only else -1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        what = f"cannot read {path_text(path)}: {reason(error)}"
        raise ModelFileError(f"{what}; give a {MODEL_ENDING} file.") from error


def _end_of_header(content: bytes) -> int:
    return 8 + int.from_bytes(content[:8], "little")


def _check_sizes(path: object, start: bytes, size: int) -> None:
    end = _end_of_header(start)
    if size >= 8 and end > size and end - 8 > MAX_HEADER:
        raise damaged(path, "it does not begin as a safetensors file does")
    if size < 8 or end > size:
        raise damaged(path, f"it has {size:,} bytes and its header needs {end:,}")
    if end - 8 > MAX_HEADER:
        raise damaged(path, f"its header has {end - 8:,} bytes, at most {MAX_HEADER:,} are read")


def parse(path: object, content: bytes) -> tuple[dict[str, str], dict[str, npt.NDArray[Any]]]:
    """Return metadata and tensors of a model's bytes; ``path`` is what an error calls them."""
    import safetensors

    _check_sizes(path, content, len(content))
    end = _end_of_header(content)
    try:
        # Holds the header against the format, before it is read again for what is in it.
        tensors = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
        header = read_json(content[8:end])
        metadata = header.get("__metadata__") or {}
        _check_format(path, metadata)
        digest = hashlib.sha256(content[end:]).hexdigest()
        if metadata.get("sha256", digest) != digest:
            raise damaged(path, "its weights are not those that were saved")
        if len(tensors) > MAX_TENSORS:
            raise damaged(path, f"it holds {len(tensors):,} tensors, {MAX_TENSORS:,} at most")
        return metadata, {name: _array(entry) for name, entry in tensors}
    except safetensors.SafetensorError as error:
        raise damaged(path, str(error).strip()) from error
    except KeyError as error:
        raise damaged(path, f"it holds numbers of type {error}") from error
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"its header is no JSON ({error})") from error


def read_json(text: str | bytes) -> Any:
    """Read JSON; an object with two values for one key is a ValueError: whose turn is it?"""

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            twice = next(name for name, count in Counter(n for n, _ in pairs).items() if count > 1)
            raise ValueError(f"it has {twice!r:.60} twice")
        return values

    return json.loads(text, object_pairs_hook=each_once)


def read_tensors(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors of any safetensors file; bfloat16 comes as float32."""
    import numpy as np
    import safetensors

    places = {name: place for place, name in enumerate(read_header(path).shapes)}
    try:
        entries = safetensors.deserialize(read(path))  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        why = str(error).strip().rstrip(".")
        raise ModelFileError(f"{path_text(path)} is no intact safetensors file: {why}.") from error
    tensors = {}
    # The library gives them in any order, and another one each time.
    for name, entry in sorted(entries, key=lambda pair: places[pair[0]]):
        kind, shape = entry["dtype"], entry["shape"]
        if kind == "BF16":
            bits = np.frombuffer(entry["data"], "<u2").astype("<u4") << 16
            tensors[name] = bits.view("<f4").reshape(shape)
        elif kind in _NUMPY_TYPES:
            tensors[name] = _array(entry)
        else:
            raise ModelFileError(f"{path_text(path)} holds numbers of type {kind}; save float32.")
    return tensors


def _array(entry: Mapping[str, Any]) -> npt.NDArray[Any]:
    """Return a tensor as the library has read it, without a copy; a KeyError, if NumPy has no such
    numbers."""
    import numpy as np

    return np.frombuffer(entry["data"], _NUMPY_TYPES[entry["dtype"]]).reshape(entry["shape"])


#: The format's names for what NumPy has, too.
_NUMPY_TYPES: Final = {
    **{f"F{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    "BOOL": "?",
}


def _check_format(path: object, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT:
        raise ModelFileError(
            f"{path_text(path)} is a safetensors file but no lenet model (its format is "
            f"{metadata.get('format')!r:.60}, not {FORMAT!r}); give a file that lenet saved, or "
            "make one of it with lenet.import_model."
        )
    version = str(metadata.get("version", ""))
    if version != str(VERSION):
        newer = version.isascii() and version.isdecimal() and int(version[:9]) > VERSION
        what = f"{path_text(path)} has model format {version[:20]!r} and this lenet reads {VERSION}"
        raise ModelFileError(f"{what}; {'upgrade lenet' if newer else 'save it anew'}.")
