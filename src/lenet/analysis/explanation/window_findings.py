"""What stands out in single kernels and pooling windows, as sentences.

What several layers have in common is told of the first, with the names of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Final

from lenet.net import Conv2d, Network, PlacedLayer
from lenet.net.layers import Pool2d, Windowed
from lenet.net.shapes import pair_text, shape_text, size_text
from lenet.net.words import listed
from lenet.writing.numbers import plural

#: A layer's name, and the sentence on it.
Told = tuple[str, str]

#: How many names are listed before the rest is only counted.
_NAMES_SHOWN: Final = 3


def window_findings(network: Network) -> Iterator[str]:
    """The sentences on the convolutions' and poolings' windows."""
    for check in (_dropped, _skipped, _even, _padded, _overlapping, _last_pixel):
        found = [(placed.name, text) for placed in network.placed for text in check(placed)]
        yield from told_once(found)


def told_once(found: Sequence[Told]) -> Iterator[str]:
    """The first sentence, and which other layers it holds for likewise."""
    if not found:
        return
    (_, sentence), *others = found
    names = [name for name, _ in others]
    yield f"{sentence} Likewise {some_listed(names)}." if names else sentence


def some_listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _NAMES_SHOWN
    rest = [plural(more, "more layer")] if more > 0 else []
    return listed([*names[:_NAMES_SHOWN], *rest])


def _dropped(placed: PlacedLayer) -> Iterator[str]:
    """Rows and columns at the end of the maps that no window reaches."""
    layer = placed.layer
    if not isinstance(layer, Windowed):
        return
    _, height, width = placed.input_shape
    _, rows, columns = placed.output_shape
    top, _, left, _ = layer.padding
    parts = []
    for word, size, count, axis, before in (
        ("row", height, rows, 0, top),
        ("column", width, columns, 1, left),
    ):
        reached = (count - 1) * layer.stride[axis] + layer.kernel_size[axis] - before
        unseen = min(size, size - reached)
        if unseen > 0:
            parts.append(f"last {word}" if unseen == 1 else f"last {unseen:,} {word}s")
    if parts:
        yield (
            f"{placed.name} never looks at the {' and the '.join(parts)} of its "
            f"{shape_text(placed.input_shape)} input: the next window would not fit."
        )


def skips_pixels(placed: PlacedLayer) -> bool:
    """Are there pixels between the layer's windows that no window covers?"""
    return any(_gaps(placed))


def _gaps(placed: PlacedLayer) -> list[bool]:
    """Whether there are rows, and columns, between the windows."""
    layer = placed.layer
    if not isinstance(layer, Windowed):
        return []
    counts = placed.output_shape[1:]
    return [
        count > 1 and step > size
        for count, step, size in zip(counts, layer.stride, layer.kernel_size, strict=True)
    ]


def _skipped(placed: PlacedLayer) -> Iterator[str]:
    layer, gaps = placed.layer, _gaps(placed)
    if not isinstance(layer, Windowed) or not any(gaps):
        return
    seen = prod(size for size, gap in zip(layer.kernel_size, gaps, strict=True) if gap)
    whole = prod(step for step, gap in zip(layer.stride, gaps, strict=True) if gap)
    what = "pixels" if all(gaps) else ("rows", "columns")[gaps.index(True)]
    yield (
        f"{placed.name} looks at {seen:,} of every {whole:,} {what}: its "
        f"{pair_text(layer.kernel_size)} window moves in steps of {size_text(layer.stride)}."
    )


def _even(placed: PlacedLayer) -> Iterator[str]:
    layer = placed.layer
    if isinstance(layer, Conv2d) and any(size % 2 == 0 for size in layer.kernel_size):
        yield (
            f"{placed.name} has an even kernel, {pair_text(layer.kernel_size)}: without a centre, "
            "no padding keeps the size with equal sides."
        )


def _padded(placed: PlacedLayer) -> Iterator[str]:
    """More padding on a side than "same" ever needs."""
    layer = placed.layer
    if not isinstance(layer, Windowed):
        return
    for index, side in enumerate(layer.padding):
        size = layer.kernel_size[index // 2]
        if 2 * side > size:
            yield (
                f"{placed.name} pads {side:,} on a side, more than half of its "
                f"{pair_text(layer.kernel_size)} window: at the border it sees mostly padding."
            )
            return


def _overlapping(placed: PlacedLayer) -> Iterator[str]:
    """Pooling windows that share pixels, as in Krizhevsky, Sutskever & Hinton 2012."""
    layer = placed.layer
    if not isinstance(layer, Pool2d):
        return
    shared = tuple(
        max(0, size - step) if count > 1 else 0
        for count, step, size in zip(
            placed.output_shape[1:], layer.stride, layer.kernel_size, strict=True
        )
    )
    if any(shared):
        yield (
            f"{placed.name} overlaps: {pair_text(layer.kernel_size)} windows in steps of "
            f"{size_text(layer.stride)} share {_rows_and_columns(shared)}."
        )


def _last_pixel(placed: PlacedLayer) -> Iterator[str]:
    """Maps that become a single pixel, where a window has nothing left to slide over."""
    layer = placed.layer
    if not isinstance(layer, Windowed) or placed.output_shape[1:] != (1, 1):
        return
    left, given = shape_text(placed.output_shape), shape_text(placed.input_shape)
    if placed.input_shape[1:] == (1, 1):
        return
    if isinstance(layer, Conv2d) and layer.kernel_size == placed.input_shape[1:]:
        yield (
            f"{placed.name} leaves {left}: its {pair_text(layer.kernel_size)} kernel covers all of "
            f"its {given} input, so it is a dense layer in all but name."
        )
    elif layer.is_global(placed.input_shape):
        yield (
            f"{placed.name} is a global average pooling: it leaves the mean of each map, {left} of "
            f"{given}."
        )
    else:
        yield f"{placed.name} makes {left} of {given}: single pixels, with no neighbours left."


def _rows_and_columns(shared: Sequence[int]) -> str:
    parts = [plural(n, word) for n, word in zip(shared, ("row", "column"), strict=True) if n]
    return " and ".join(parts)
