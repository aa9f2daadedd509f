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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lenet.errors import ModelFileError, reason

if TYPE_CHECKING:  # NumPy is slow to import, and a header holds no arrays
    import numpy.typing as npt

SUFFIX: Final = ".safetensors"
FORMAT: Final = "lenet-model"
VERSION: Final = 1
#: Caps that are checked before a header is parsed: a network of 10,000 layers fits.
MAX_HEADER: Final = 16_000_000
MAX_TENSORS: Final = 50_000


@dataclass(frozen=True)
class Header:
    """What a file says of itself: its metadata, and its tensors' shapes in the file's order."""

    metadata: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]


def read_header(path: str | os.PathLike[str]) -> Header:
    """Read the header of any safetensors file, and no weights.

    Raises:
        ModelFileError: the file is missing, cut, oversized or no safetensors file.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(8)
            size = os.fstat(file.fileno()).st_size
            _check_sizes(os.fspath(path), start, size)
            entries: dict[str, Any] = json.loads(file.read(int.from_bytes(start, "little")))
        metadata = entries.pop("__metadata__", {})
        ordered = sorted(entries.items(), key=lambda entry: entry[1]["data_offsets"])
        shapes = {name: _sizes(entry["shape"]) for name, entry in ordered}
        return Header(metadata if isinstance(metadata, dict) else {}, shapes)
    except ModelFileError:
        raise
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        if "\0" in os.fspath(path):
            raise _unreadable(path, error) from error
        raise ModelFileError(
            f"{os.fspath(path)} is no safetensors file: its header cannot be read; save the "
            "weights as one."
        ) from error


def read_model_header(path: str | os.PathLike[str]) -> Header:
    """Read the header of a model that lenet saved.

    Raises:
        ModelFileError: as :func:`read_header`, or the file is no model of ours.
    """
    header = read_header(path)
    _check_format(os.fspath(path), header.metadata)
    return header


def _sizes(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, list) or not all(type(n) is int and 0 <= n < 2**63 for n in shape):
        raise ValueError("a shape is no list of sizes")
    return tuple(shape)


def _unreadable(path: str | os.PathLike[str], error: Exception) -> ModelFileError:
    shown = os.fspath(path).replace("\0", "\\0")
    return ModelFileError(f"cannot read {shown}: {reason(error)}; give a {SUFFIX} file.")


def compose(tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """The file that holds these; equal ones are equal bytes."""
    import safetensors.numpy

    own = {"format": FORMAT, "version": str(VERSION)}
    return _finished(safetensors.numpy.save(dict(tensors), own | dict(metadata)))


def damaged(path: object, why: str) -> ModelFileError:
    """The error for a file, or bytes, that were such a file once."""
    return ModelFileError(f"{path} is not an intact model: {why}; save or copy it anew.")


def read(path: Path) -> bytes:
    """All bytes of a file; of one whose sizes cannot be ours only the first eight are read.

    Raises:
        ModelFileError: it cannot be read, is cut, or has a header too large.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
            _check_sizes(path, start, os.fstat(file.fileno()).st_size)
            return start + file.read()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise _unreadable(path, error) from error


def _check_sizes(path: object, start: bytes, size: int) -> None:
    """The header's size is checked before it is parsed."""
    header = int.from_bytes(start[:8], "little")
    if size < 8 or header > size - 8:
        raise damaged(path, f"it has {size:,} bytes and its header needs {header + 8:,}")
    if header > MAX_HEADER:
        raise damaged(path, f"its header has {header:,} bytes, at most {MAX_HEADER:,} are read")


def parse(path: object, content: bytes) -> tuple[dict[str, str], dict[str, npt.NDArray[Any]]]:
    """Metadata and tensors of ``content``; ``path`` is what an error calls it.

    Raises:
        ModelFileError: it is cut, damaged, hostile, another program's or of another version.
    """
    import safetensors.numpy

    _check_sizes(path, content, len(content))
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        # Holds the header against the format, too.
        tensors = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
        metadata = header.get("__metadata__") or {}
        _check_format(path, metadata)
        behind = content[8 + int.from_bytes(content[:8], "little") :]
        if metadata.get("sha256", digest := hashlib.sha256(behind).hexdigest()) != digest:
            raise damaged(path, "its weights are not those that were saved")
        if len(tensors) > MAX_TENSORS:
            raise damaged(path, f"it holds {len(tensors):,} tensors, {MAX_TENSORS:,} at most")
        return metadata, safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise damaged(path, str(error).strip().rstrip(".")) from error
    except KeyError as error:  # a type of numbers that NumPy does not have
        raise damaged(path, f"it holds numbers of type {error}") from error
    except (ValueError, RecursionError) as error:
        raise damaged(path, "its header is no JSON") from error


def _check_format(path: object, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT:
        raise ModelFileError(
            f"{path} is a safetensors file but no lenet model (its format is "
            f"{metadata.get('format')!r}, not {FORMAT!r}); give a file that lenet saved."
        )
    version = metadata.get("version", "")
    if version != str(VERSION):
        newer = version.isascii() and version.isdecimal() and int(version[:9]) > VERSION
        raise ModelFileError(
            f"{path} has model format {version[:20]!r} and this lenet reads {VERSION}; "
            + ("upgrade lenet." if newer else "save it anew.")
        )


def _finished(content: bytes) -> bytes:
    """The same file with its checksum, and its header's keys sorted: the library shuffles the
    metadata, and equal models should be equal files."""
    end = 8 + int.from_bytes(content[:8], "little")
    parsed = json.loads(content[8:end])
    parsed["__metadata__"]["sha256"] = hashlib.sha256(content[end:]).hexdigest()
    header = json.dumps(parsed, sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[end:]
