"""What stands out in a network: sentences, each computed from its numbers.

First what concerns the network as a whole, then single kernels and windows. What several layers
have in common is told of the first, with the names of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from math import prod
from typing import Final

from lenet.analysis.counts import LayerCounts, Memory, ReceptiveField, total
from lenet.analysis.neighbours import Neighbours, neighbours_of
from lenet.net import Network, PlacedLayer
from lenet.net.layers import ACTIVATIONS, Activation, Windowed
from lenet.net.shapes import pair_text, shape_text, size_text
from lenet.net.words import listed
from lenet.writing.numbers import bytes_text, chain, plural, times, whole_percent

#: From this factor on, any two neighbours are told.
_FAR: Final = 4
#: How many names are listed before the rest is only counted.
_NAMES_SHOWN: Final = 3


def findings(
    network: Network,
    counts: Sequence[LayerCounts],
    fields: Sequence[ReceptiveField],
    memory: Memory,
) -> tuple[str, ...]:
    """Return the sentences on ``network``; ``counts`` and ``fields`` are of its layers in order."""
    return (
        *_heaviest(network, counts),
        *_pyramid(network),
        *_neighbours(network),
        *_receptive(network, fields),
        *_saturation(network),
        *_linear_pairs(network),
        *_normalised(network, counts),
        *window_findings(network),
        *_outweighed(memory),
    )


def _heaviest(network: Network, counts: Sequence[LayerCounts]) -> Iterator[str]:
    if sum(count.parameters > 0 for count in counts) < 2:
        return
    everything = total(counts)
    name, most = max(zip(network.names, counts, strict=True), key=lambda pair: pair[1].parameters)
    parameters = whole_percent(most.parameters / everything.parameters)
    macs = whole_percent(most.multiply_adds / everything.multiply_adds)
    does = f"does {macs} % of the multiply-adds"
    yield f"{name} holds the most parameters, {parameters} %, and {does}."


def _pyramid(network: Network) -> Iterator[str]:
    """Smaller maps, more channels from block to block, as in most networks; or not."""
    ends = {p.block: p.output_shape for p in network.placed if len(p.output_shape) == 3}
    maps = [network.input_shape, *ends.values()]
    sizes = [size for size, _ in groupby(shape[1:] for shape in maps)]
    channels = [channel for channel, _ in groupby(shape[0] for shape in maps)]
    if len(sizes) < 2:
        return
    square = all(height == width for height, width in sizes)
    size_chain = chain(str(size[0]) if square else pair_text(size) for size in sizes)
    what = f"Maps shrink {size_chain} but channels do not only grow,"
    if not all(a[0] >= b[0] and a[1] >= b[1] for a, b in pairwise(sizes)):
        what = f"Maps do not only shrink, {size_chain}, with channels"
    elif len(channels) < 2:
        what = f"Maps shrink {size_chain} and the channels stay"
    elif all(a < b for a, b in pairwise(channels)):
        what = f"Maps shrink {size_chain} while channels grow"
    yield f"{what} {chain(map(str, channels))}."


def _neighbours(network: Network) -> Iterator[str]:
    """Are a layer and what it reads about equally large? A pooling belongs to its convolution."""
    # A dense output's size is the problem's, not a choice.
    is_vector = len(network.output_shape) == 1
    pairs = [pair for pair in neighbours_of(network) if not (pair.is_output and is_vector)]
    pool = next((p for p in pairs if (p.before[:4], p.after[:4]) == ("pool", "conv")), None)
    if pool:
        yield _pool_and_convolution(pool)
    others = [pair for pair in pairs if pair is not pool]
    furthest = max(others, key=lambda pair: pair.ratio, default=None)
    if furthest and furthest.ratio >= _FAR:
        before, after = furthest.before_activations, furthest.after_activations
        ratio = f"{times(furthest.ratio)} {'more' if after > before else 'fewer'}"
        of = f"{before:,} of {furthest.before}"
        yield f"{furthest.after} has {after:,} activations, {ratio} than the {of} before it."


def _pool_and_convolution(pair: Neighbours) -> str:
    before, after = pair.before_activations, pair.after_activations
    if before == after:
        return f"{pair.before} and {pair.after} have {before:,} activations each."
    equal = f"a single channel in {pair.after} is already more"
    if pair.equal_text:
        equal = f"{pair.equal_text} in {pair.after} would make them equal"
    both = f"{pair.before} {before:,} and {pair.after} {after:,} activations"
    return f"{both} are {pair.verdict} ({times(pair.ratio)}); {equal}."


def _receptive(network: Network, fields: Sequence[ReceptiveField]) -> Iterator[str]:
    """At which layer one unit sees the whole input."""
    seen = list(zip(network.placed, fields, strict=True))
    maps = [(placed, field) for placed, field in seen if field.jump]
    if not maps:
        return
    size = network.input_shape[1:]
    whole = pair_text(size)
    for placed, field in maps:
        if field.covers(network.input_shape):
            larger = "larger than" if field.size != size else "as large as"
            sees = f"a unit's receptive field, {pair_text(field.size)}"
            yield f"From {placed.name} on, {sees}, is {larger} the {whole} input."
            return
    placed, field = maps[-1]
    height, width = map(min, field.size, size)
    part = f"{height}x{width} of {whole} pixels"
    if len(maps) == len(seen):
        yield f"No unit sees the whole input: one of {placed.name} sees {part}."
        return
    dense, reach = seen[len(maps)]
    sees = f"one of {dense.name} sees {pair_text(reach.size)}"
    if reach.covers(network.input_shape):
        sees = f"{dense.name} is the first to see them all"
        windows = ((p, p.layer) for p, _ in maps if isinstance(p.layer, Windowed))
        if any(gap > 0 for p, layer in windows for gap in _gaps(p, layer)):
            sees = f"{dense.name} is the first to see from edge to edge"
    yield f"A unit of {placed.name} sees {part}; {sees}."


def _saturation(network: Network) -> Iterator[str]:
    used = [name for layer in network.layers if (name := layer.values.get("activation"))]
    for name, activation in ACTIVATIONS.items():
        count = used.count(name)
        if activation.saturates and count:
            yield (
                f"{name.capitalize()} in {count:,} of {plural(len(used), 'layer')}: its derivative "
                f"is at most {_steepest(activation)} and near 0 where it "
                "saturates, so gradients fade in the backward pass."
            )


def _steepest(activation: Activation) -> str:
    over, under = activation.steepest.as_integer_ratio()
    simple = f"{over}/{under}" if under < 100 else f"{activation.steepest:.2f}"
    return str(over) if under == 1 else simple


def _linear_pairs(network: Network) -> Iterator[str]:
    """Layers without an activation function, where only a mean stands before the next weights."""
    bends = [placed for placed in network.placed if not placed.layer.is_linear]
    told = []
    for first, second in pairwise(bends):
        is_open = first.layer.values.get("activation") == "identity"
        if is_open and second.layer.is_trained:
            what = f"it and {second.name} together are linear"
            told.append((first.name, f"{first.name} has no activation function: {what}."))
    yield from told_once(told)


def _normalised(network: Network, counts: Sequence[LayerCounts]) -> Iterator[str]:
    if names := [placed.name for placed in network.placed if placed.layer.is_normalised]:
        some = f"{_some_listed(names)} {'is' if len(names) == 1 else 'are'}"
        shift = "a shift takes the bias' place, which the mean would take off again"
        yield f"{some} normalised over the batch in training; {shift}."
        numbers = f"({total(counts).statistics:,} numbers, counted and not trained)"
        fold = "fold into weights and biases: normalisation then costs nothing"
        yield f"For use, running means and variances {numbers} {fold}."


def _outweighed(memory: Memory) -> Iterator[str]:
    """From which batch on activations take more memory than parameters."""
    if not memory.parameters:
        return
    kept = memory.activations()
    images = memory.parameters // kept + 1
    when = "Already for one image" if images == 1 else f"From a batch of {images:,} on"
    kept_text = f"the activations kept for training ({bytes_text(kept)} per image)"
    yield f"{when}, {kept_text} take more than the parameters ({bytes_text(memory.parameters)})."


def window_findings(network: Network) -> Iterator[str]:
    """Yield the sentences on the windows of convolutions and poolings."""
    windowed = [(p, p.layer) for p in network.placed if isinstance(p.layer, Windowed)]
    for check in (_dropped, _skipped, _even, _padded, _overlapping, _last_pixel):
        checked = ((placed.name, check(placed, layer)) for placed, layer in windowed)
        yield from told_once([(name, f"{name} {text}.") for name, text in checked if text])


def told_once(told: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield the first of some layers' sentences, and for which others it holds likewise."""
    names = [name for name, _ in told[1:]]
    for _, sentence in told[:1]:
        yield f"{sentence} Likewise {_some_listed(names)}." if names else sentence


def _some_listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return listed([*names[:_NAMES_SHOWN], *[plural(more, "more layer")] * (more > 0)])


def _dropped(placed: PlacedLayer, layer: Windowed) -> str:
    """Rows and columns at the end of the maps that no window reaches."""
    parts = []
    for axis, word in enumerate(("row", "column")):
        size, count = placed.input_shape[1 + axis], placed.output_shape[1 + axis]
        reached = (count - 1) * layer.stride[axis] + layer.kernel_size[axis]
        unseen = min(size, size - reached + layer.padding[2 * axis])
        if unseen > 0:
            parts.append(f"last {word}" if unseen == 1 else f"last {unseen:,} {word}s")
    if not parts:
        return ""
    given = f"{' and the '.join(parts)} of its {shape_text(placed.input_shape)} input"
    return f"never looks at the {given}: the next window would not fit"


def _gaps(placed: PlacedLayer, layer: Windowed) -> list[int]:
    """How many rows, and columns, lie between the windows; negative where windows share some."""
    axes = zip(placed.output_shape[1:], layer.stride, layer.kernel_size, strict=True)
    return [step - size if count > 1 else 0 for count, step, size in axes]


def _skipped(placed: PlacedLayer, layer: Windowed) -> str:
    axes = [axis for axis, gap in enumerate(_gaps(placed, layer)) if gap > 0]
    if not axes:
        return ""
    seen = prod(layer.kernel_size[axis] for axis in axes)
    whole = prod(layer.stride[axis] for axis in axes)
    what = "pixels" if len(axes) == 2 else ("rows", "columns")[axes[0]]
    window = f"{pair_text(layer.kernel_size)} window moves in steps of {size_text(layer.stride)}"
    return f"looks at {seen:,} of every {whole:,} {what}: its {window}"


def _even(placed: PlacedLayer, layer: Windowed) -> str:
    if not layer.is_trained or all(size % 2 for size in layer.kernel_size):
        return ""
    why = "without a centre, no padding keeps the size with equal sides"
    return f"has an even kernel, {pair_text(layer.kernel_size)}: {why}"


def _padded(placed: PlacedLayer, layer: Windowed) -> str:
    """More padding on a side than "same" ever needs."""
    half = f"more than half of its {pair_text(layer.kernel_size)} window"
    for index, side in enumerate(layer.padding):
        if 2 * side > layer.kernel_size[index // 2]:
            return f"pads {side:,} on a side, {half}: at the border it sees mostly padding"
    return ""


def _overlapping(placed: PlacedLayer, layer: Windowed) -> str:
    """Pooling windows that share pixels, as in Krizhevsky, Sutskever & Hinton 2012."""
    shared = zip(_gaps(placed, layer), ("row", "column"), strict=True)
    parts = [plural(-gap, word) for gap, word in shared if gap < 0]
    if not parts or layer.is_trained:
        return ""
    windows = f"{pair_text(layer.kernel_size)} windows in steps of {size_text(layer.stride)}"
    return f"overlaps: {windows} share {' and '.join(parts)}"


def _last_pixel(placed: PlacedLayer, layer: Windowed) -> str:
    """Maps that become a single pixel, where a window has nothing left to slide over."""
    size = placed.input_shape[1:]
    if placed.output_shape[1:] != (1, 1) or size == (1, 1):
        return ""
    left, given = shape_text(placed.output_shape), shape_text(placed.input_shape)
    if layer.is_trained and layer.kernel_size == size:
        covers = f"{pair_text(layer.kernel_size)} kernel covers all of its {given} input"
        return f"leaves {left}: its {covers}, so it is a dense layer in all but name"
    if layer.is_global(placed.input_shape):
        return f"is a global average pooling: it leaves the mean of each map, {left} of {given}"
    return f"makes {left} of {given}: single pixels, with no neighbours left"
