"""An image as a PNG file (ISO/IEC 15948): a byte a channel, compressed, nothing else in it."""

from __future__ import annotations

import struct
from base64 import b64encode
from typing import Final
from zlib import compress, crc32

from lenet.drawing.scene import Pixels

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES: Final = {1: 0, 3: 2}  # grey, RGB


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG: its length, kind, content and checksum."""
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc32(kind + content))
    )


def png_file(image: Pixels) -> bytes:
    """The image alone, a pixel a pixel."""
    rows, columns = image.size
    stride = columns * image.channels
    lines = (image.data[stride * row : stride * (row + 1)] for row in range(rows))
    header = struct.pack(">IIBBBBB", columns, rows, 8, _COLOR_TYPES[image.channels], 0, 0, 0)
    # A line begins with its filter; 0 is none.
    body = compress(b"".join(b"\0" + line for line in lines), 9)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def png_address(image: Pixels) -> str:
    """The same as an address that holds all of it, for pages that load nothing from elsewhere."""
    return f"data:image/png;base64,{b64encode(png_file(image)).decode('ascii')}"
