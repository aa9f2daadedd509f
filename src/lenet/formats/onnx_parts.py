"""How many parts an ONNX file has, counted before it is parsed.

Two bytes of a file can become two hundred of memory: a file of nothing but empty nodes would take
gigabytes. So the parts are counted first, in the file's own bytes, and none of them is kept.
"""

from __future__ import annotations

from typing import Final

#: A network of 10,000 layers has fewer.
MAX_PARTS: Final = 400_000

#: By the kind of a message, its fields that are messages of a known kind; others are only counted.
_MESSAGES: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 8: "opset", 14: "entry", 25: "function"},
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value", 15: "sparse"},
    "node": {5: "attribute", 9: "entry"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "value": {2: "type", 4: "entry"},
    "type": {1: "type", 2: "shape", 4: "type"},
    "shape": {1: "dim"},
    "function": {7: "node", 11: "attribute", 12: "value"},
    "tensor": {13: "entry"},
}


class TooManyPartsError(Exception):
    """There are more than :data:`MAX_PARTS`."""


def check_parts(content: bytes) -> None:
    """Raise a :class:`TooManyPartsError` for a file with more parts than a network has.

    What is damaged is left to those who parse it.
    """
    left, work = MAX_PARTS, [("model", 0, len(content))]
    while work:
        kind, place, end = work.pop()
        inside = _MESSAGES.get(kind, {})
        while place < end:
            left -= 1
            if left < 0:
                raise TooManyPartsError
            key, place = _number(content, place, end)
            wire = key & 7
            if wire == 2:
                size, place = _number(content, place, end)
                if (known := inside.get(key >> 3)) and size:
                    work.append((known, place, min(end, place + size)))
                place += size
            elif wire == 0:
                _, place = _number(content, place, end)
            elif wire in (1, 5):
                place += 8 if wire == 1 else 4
            elif wire > 5:  # no such thing: nobody will parse it
                return
            # A group's ends, 3 and 4, hold nothing; what is between them is counted as well.


def _number(content: bytes, place: int, end: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and the place behind it."""
    value = shift = 0
    while place < end:
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128 or shift > 63:
            return value, place
        shift += 7
    return value, end
