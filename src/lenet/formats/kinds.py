"""What a file is by its first bytes, whatever it is called; nothing of it is run or unpickled."""

from __future__ import annotations

import os
from typing import Final

from lenet.errors import ModelFileError, path_text, reason
from lenet.files import open_regular

#: The largest file that is read whole, in bytes.
MAX_BYTES: Final = 2**31 - 1
#: First bytes, and what they are the first bytes of.
_STARTS: Final = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; run git lfs pull"),
    (b"\x89HDF", "an HDF5 file (Keras); save the network as ONNX with tf2onnx"),
    (b"\x1f\x8b", "compressed by gzip; unpack it first"),
    (b"<!DOCTYPE", "a web page; download the file itself"),
    (b"<!doctype", "a web page; download the file itself"),
    (b"<html", "a web page; download the file itself"),
)
_SAVE: Final = "in PyTorch save the weights with safetensors.torch.save_file(net.state_dict(), ...)"
_LONGEST_HEAD: Final = 4096


def read_whole(path: str | os.PathLike[str]) -> bytes:
    """Return a file's bytes; a ModelFileError where it cannot be read or is too large."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise ModelFileError(
                    f"{path_text(path)} has {size:,} bytes; at most {MAX_BYTES:,} are read."
                )
            return file.read(size)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        what = f"cannot read {path_text(path)}: {reason(error)}"
        raise ModelFileError(f"{what}; give a file of a trained network.") from error


def refuse_others(path: str | os.PathLike[str], content: bytes, wanted: str) -> None:
    """Refuse a file that is something else than it is called; ``wanted`` is what it should be."""
    other = _other_kind(content, wanted)
    if other:
        raise ModelFileError(f"{path_text(path)} is {other}.")


def is_zip(content: bytes) -> bool:
    """Does it begin as a zip archive does?"""
    return content[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def is_torch(content: bytes) -> bool:
    """Is it what ``torch.save`` writes, an archive or, before 2020, a pickle?"""
    return (is_zip(content) and b"data.pkl" in content[:_LONGEST_HEAD]) or _is_pickle(content)


def _is_pickle(content: bytes) -> bool:
    return content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _is_safetensors(content: bytes) -> bool:
    return content[8:9] == b"{" and content[5:8] == b"\0\0\0"


def _other_kind(content: bytes, wanted: str) -> str:
    if not content:
        return "empty; copy it anew"
    for start, what in _STARTS:
        if content.startswith(start):
            return what
    if wanted != "PyTorch" and is_zip(content) and is_torch(content):
        return f"PyTorch's, a zip archive with a pickle in it; {_SAVE}"
    if wanted != "PyTorch" and _is_pickle(content):
        return f"a pickle, which may run anything when it is read; {_SAVE}"
    if wanted != "safetensors" and _is_safetensors(content):
        return "a safetensors file under another name; end its name in .safetensors"
    if wanted not in ("MXNet", "PyTorch") and is_zip(content):
        return "a zip archive; give the file in it"
    return ""
