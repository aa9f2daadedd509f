"""What a file is that is not what was asked for, told by its first bytes: nothing of it is run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lenet.errors import Advice
from lenet.files import read_start

#: So many bytes tell every kind.
START: Final = 1024


@dataclass(frozen=True)
class Kind:
    """What a file is: one of them with its article, and several."""

    one: str
    many: str


def _kind(one: str, many: str = "") -> Kind:
    return Kind(one, many or f"{one.partition(' ')[2]}s")


EMPTY: Final = _kind("an empty file")
PYTORCH: Final = _kind("a PyTorch file")
PICKLE: Final = _kind("a pickle of Python objects", "pickles of Python objects")
HDF5: Final = _kind("an HDF5 file")
KERAS: Final = _kind("a Keras model")
ONNX: Final = _kind("an ONNX model")
NUMBERS: Final = _kind("a file of numbers", "files of numbers")
MXNET: Final = _kind("an MXNet file")
SAFETENSORS: Final = _kind("a safetensors file")
ARRAYS: Final = _kind("an archive of NumPy arrays", "archives of NumPy arrays")
JSON: Final = _kind("a JSON file")
LFS: Final = _kind("a pointer of Git LFS", "pointers of Git LFS")
TEXT: Final = _kind("a text file")
UNKNOWN: Final = _kind("an unknown kind of file", "files of an unknown kind")

_ZIP: Final = _kind("a ZIP archive")
_STARTS: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"%PDF", _kind("a PDF")),
    (b"%!PS", _kind("a PostScript file")),
    (b"\x89HDF\r\n\x1a\n", HDF5),
    (b"\x93NUMPY", _kind("a NumPy array")),
    (b"\x1f\x8b", _kind("a gzip archive")),
    (b"7z\xbc\xaf", _kind("a 7z archive")),
    (b"Rar!", _kind("a RAR archive")),
    (b"\xff\x0a", _kind("a JPEG XL picture")),
    (b"\0\0\0\x0cJXL ", _kind("a JPEG XL picture")),
    (b"\0\0\0\x0cjP  ", _kind("a JPEG 2000 picture")),
    (b"\xff\x4f\xff\x51", _kind("a JPEG 2000 picture")),
    (b"8BPS", _kind("a Photoshop file")),
    (b"gimp xcf", _kind("a GIMP file")),
    (b"\0\0\1\0", _kind("an icon file")),
    (b"version https://git-lfs", LFS),
    (b"\x12\1\0\0\0\0\0\0", MXNET),
    (b"\x7fELF", _kind("a program")),
    (b"MZ", _kind("a program")),
    (b"\x1aE\xdf\xa3", _kind("a video")),
    (b"\xff\xd8", _kind("a damaged JPEG picture")),
    (b"\x89PNG", _kind("a damaged PNG picture")),
    (b"GIF8", _kind("a damaged GIF picture")),
    (b"BM", _kind("a damaged BMP picture")),
    (b"II*\0", _kind("a damaged TIFF picture")),
    (b"MM\0*", _kind("a damaged TIFF picture")),
)
#: What stands behind "ftyp" in files of the ISO base media format.
_BRANDS: Final[dict[bytes, Kind]] = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"mif1", b"msf1"), _kind("a HEIC picture")),
    **dict.fromkeys((b"avif", b"avis"), _kind("an AVIF picture")),
}
#: What stands inside a ZIP file, by a name among its first.
_INSIDE: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"data.pkl", PYTORCH),
    (b"model.weights.h5", KERAS),
    (b"config.json", KERAS),
    (b"[Content_Types].xml", _kind("an Office document")),
    (b".npy", ARRAYS),
)
#: What files begin with that no text is.
_PATTERNS: Final[tuple[tuple[bytes, Kind], ...]] = (
    (rb"\0\0[\x08\x09\x0b-\x0e][\x01-\x04]", NUMBERS),  # as MNIST's, under any name
    (rb".{4}\0\0\0\0\{", SAFETENSORS),  # the length of a header in JSON, and its begin
    (rb".{128}DICM", _kind("a DICOM picture")),
)
#: The magic number of PyTorch before 1.6, as a pickle writes it.
_LEGACY: Final = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"


def kind_of(start: bytes) -> Kind:
    """Return what a file is that begins with these bytes, :data:`START` of them if it has so many.

    A picture that can be read is asked for before: what looks like one here is damaged.
    """
    if not start:
        return EMPTY
    if known := next((kind for magic, kind in _STARTS if start.startswith(magic)), None):
        return known
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], _kind("a video"))
    if start.startswith(b"PK"):
        return next((kind for name, kind in _INSIDE if name in start), _ZIP)
    if start[:4] == b"RIFF":
        is_picture = start[8:12] == b"WEBP"
        return _kind("a damaged WebP picture" if is_picture else "a sound or a video")
    if start[:1] == b"\x80" and start[1:2] in b"\2\3\4\5":
        return PYTORCH if _LEGACY in start[:20] else PICKLE
    if start[:1] == b"\x08" and b"\x12" in start[:4]:  # ir_version and producer, in protobuf
        return ONNX
    alike = (kind for pattern, kind in _PATTERNS if re.match(pattern, start, re.DOTALL))
    return next(alike, None) or _kind_of_text(start)


def _kind_of_text(start: bytes) -> Kind:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:400].lower()
    if re.match(rb"(<!--.*?-->\s*)*<(!doctype html|html|head|body)\b", text, re.DOTALL):
        return _kind("an HTML page")
    if b"<svg" in text:
        return _kind("an SVG drawing")
    if text.startswith(b"<?xml"):
        return _kind("an XML file")
    if text.startswith((b"{", b"[")):
        return JSON
    is_text = not any(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in start)
    return TEXT if is_text and text else UNKNOWN


def kind_of_file(path: str | os.PathLike[str]) -> Kind | None:
    """Return what a file is; None of one that cannot be opened, or is none."""
    try:
        return kind_of(read_start(path, START))
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return None


def counted(kinds: Iterable[Kind], most: int = 6) -> str:
    """Write ``3 HTML pages, 2 empty files, 1 PDF``, the most frequent first."""
    counts: dict[Kind, int] = {}
    for kind in kinds:
        counts[kind] = counts.get(kind, 0) + 1
    texts = [
        f"{count:,} {kind.many if count > 1 else kind.one.partition(' ')[2]}"
        for kind, count in sorted(counts.items(), key=lambda pair: -pair[1])
    ]
    return ", ".join(texts[:most]) + ", ..." * (len(texts) > most)


#: Files that hold weights for other programs, by their endings: what to call them.
_FOREIGN: Final = {
    **dict.fromkeys((".pth", ".pt", ".ckpt", ".bin"), PYTORCH),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), PICKLE),
    **dict.fromkeys((".h5", ".hdf5"), HDF5),
    ".keras": KERAS,
    ".onnx": ONNX,
    ".params": MXNET,
}
#: By what can be imported: the endings it has to have.
_IMPORTED: Final = {
    PYTORCH: (".pt", ".pth"),
    ONNX: (".onnx",),
    KERAS: (".keras",),
    MXNET: (".params",),
}


def foreign_kind(path: str) -> Kind | None:
    """Return what a file with another program's weights is; None of any other file."""
    kind = kind_of_file(path)
    if kind in _FOREIGN.values():
        return kind
    return _FOREIGN.get(os.path.splitext(path)[1].lower()) if kind in (None, UNKNOWN) else None


def conversion(path: str) -> Advice | None:
    """Return what a file with another program's weights is, and how lenet can read them."""
    if (kind := foreign_kind(path)) is None:
        return None
    stem, ending = os.path.splitext(path)
    endings = _IMPORTED.get(kind, ())
    target = f"{stem}.safetensors"
    if os.path.exists(target):  # and is not to be written over
        target = f"{stem}-imported.safetensors"
    if ending.lower() in endings:
        made, command = f"lenet.import_model({path!r})", ("import", path, "-o", target)
        return Advice(f"is {kind.one}", f"make a model of it with {made}", command)
    if endings and kind is not PYTORCH:
        named = stem + endings[0]
        made = f"lenet.import_model({named!r})"
        remedy = f"end its name in {endings[0]}, and make a model of it with {made}"
        return Advice(f"is {kind.one}", remedy)
    compare = f"then lenet.reconcile(network, {target!r}) says which network they fit"
    if kind is PYTORCH:
        save = f"safetensors.torch.save_file(torch.load({path!r}, weights_only=True), {target!r})"
        what = "is a PyTorch file, which is never unpickled here"
        return Advice(what, f"write {save}, {compare}")
    save = f"safetensors.numpy.save_file(tensors, {target!r})"
    remedy = f"write its weights, arrays by name, with {save}, {compare}"
    return Advice(f"is {kind.one}, which is not read here", remedy)
