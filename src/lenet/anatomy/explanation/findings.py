"""What stands out in a network as a whole: sentences, each computed from its numbers.

What stands out in single windows (kernels, strides, padding) is in ``window_findings``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final, TypeVar

from lenet.anatomy.counts import LayerCounts, total
from lenet.anatomy.explanation.window_findings import told_once, window_findings
from lenet.anatomy.memory import Memory
from lenet.anatomy.receptive import ReceptiveField
from lenet.anatomy.units import bytes_text, percent
from lenet.net import AvgPool2d, Conv2d, Dense, Network, PlacedLayer
from lenet.net.shapes import elements, pair_text

_T = TypeVar("_T")

#: The activations whose slope fades away from zero, and the largest slope they have.
_SATURATING: Final = {"sigmoid": "1/4", "tanh": "1"}
#: Activations of neighbours up to this factor apart are called near each other.
_NEAR: Final = 2
#: From this factor on, any two neighbours are told.
_FAR: Final = 4
#: Of a longer chain of numbers, the middle is left out.
_LONGEST_CHAIN: Final = 8


def findings(
    network: Network,
    counts: Sequence[LayerCounts],
    fields: Sequence[ReceptiveField],
    memory: Memory,
) -> tuple[str, ...]:
    """The sentences on ``network``; ``counts`` and ``fields`` are its layers' in order."""
    return tuple(
        [
            *_heaviest(network, counts),
            *_pyramid(network),
            *_balance(network),
            *_sight(network, fields),
            *_saturation(network),
            *_linear_pairs(network),
            *window_findings(network),
            *_outweighed(memory),
        ]
    )


def _heaviest(network: Network, counts: Sequence[LayerCounts]) -> Iterator[str]:
    if sum(count.parameters > 0 for count in counts) < 2:
        return
    everything = total(counts)
    index = max(range(len(counts)), key=lambda i: counts[i].parameters)
    parameters = percent(counts[index].parameters / everything.parameters)
    work = percent(counts[index].multiply_adds / everything.multiply_adds)
    name = network.placed[index].name
    yield f"{name} holds the most parameters, {parameters} %, and does {work} % of the work."


def _pyramid(network: Network) -> Iterator[str]:
    """Smaller maps, more channels from block to block, as in most networks; or not."""
    ends = {p.block: p.output_shape for p in network.placed if len(p.output_shape) == 3}
    maps = [network.input_shape, *ends.values()]
    sizes = _steps(shape[1:] for shape in maps)
    channels = _steps(shape[0] for shape in maps)
    if len(sizes) < 2:
        return
    square = all(height == width for height, width in sizes)
    size_chain = _chain(str(size[0]) if square else pair_text(size) for size in sizes)
    channel_chain = _chain(map(str, channels))
    if not all(a[0] >= b[0] and a[1] >= b[1] for a, b in pairwise(sizes)):
        yield f"Maps do not only shrink, {size_chain}, with channels {channel_chain}."
    elif len(channels) < 2:
        yield f"Maps shrink {size_chain} and the channels stay {channel_chain}."
    elif all(a < b for a, b in pairwise(channels)):
        yield f"Maps shrink {size_chain} while channels grow {channel_chain}."
    else:
        yield f"Maps shrink {size_chain} but channels do not only grow, {channel_chain}."


def _balance(network: Network) -> Iterator[str]:
    """Are a layer and what it reads about equally large? A pooling belongs to its convolution.

    The first pooling and the convolution after it are told, and the two that are furthest apart.
    """
    pairs = [
        (one, other)
        for one, other in pairwise(network.placed)
        # A dense output's size is the problem's, not a choice.
        if _is_trained(other)
        and not (other is network.placed[-1] and isinstance(other.layer, Dense))
    ]
    told = next(
        (p for p in pairs if not _is_trained(p[0]) and isinstance(p[1].layer, Conv2d)), None
    )
    if told:
        yield _pool_and_convolution(*told)
    others = [pair for pair in pairs if pair != told]
    if others and _ratio(*(furthest := max(others, key=lambda pair: _ratio(*pair)))) >= _FAR:
        (left, before), (right, after) = ((p.name, elements(p.output_shape)) for p in furthest)
        more = "more" if after > before else "fewer"
        yield (
            f"{right} has {after:,} activations, {_ratio(*furthest):,.1f}x {more} than the "
            f"{before:,} of {left} before it."
        )


def _is_trained(placed: PlacedLayer) -> bool:
    return isinstance(placed.layer, Conv2d | Dense)


def _ratio(one: PlacedLayer, other: PlacedLayer) -> float:
    sizes = elements(one.output_shape), elements(other.output_shape)
    return max(sizes) / min(sizes)


def _pool_and_convolution(pool: PlacedLayer, conv: PlacedLayer) -> str:
    before, after = elements(pool.output_shape), elements(conv.output_shape)
    if before == after:
        return f"{pool.name} and {conv.name} have {before:,} activations each."
    ratio = _ratio(pool, conv)
    verdict = "near each other" if ratio <= _NEAR else "far apart"
    positions = elements(conv.output_shape[1:])
    return (
        f"{pool.name} {before:,} and {conv.name} {after:,} activations are {verdict} "
        f"({ratio:,.2f}x); {_equal_channels(before, positions, conv.name)}."
    )


def _equal_channels(activations: int, positions: int, name: str) -> str:
    if activations < positions:
        return f"a single channel in {name} is already more"
    channels = f"{activations / positions:,.1f}".removesuffix(".0")
    about = "" if activations * 10 % positions == 0 else "about "
    plural = "channel" if channels == "1" else "channels"
    return f"{about}{channels} {plural} in {name} would make them equal"


def _sight(network: Network, fields: Sequence[ReceptiveField]) -> Iterator[str]:
    """At which layer one unit sees the whole input."""
    seen = list(zip(network.placed, fields, strict=True))
    maps = [(placed, field) for placed, field in seen if field.jump]
    if not maps:
        return
    whole = pair_text(network.input_shape[1:])
    for placed, field in maps:
        if field.covers(network.input_shape):
            yield (
                f"From {placed.name} on, a unit's receptive field, {pair_text(field.size)}, is as "
                f"large as the {whole} input."
            )
            return
    placed, field = maps[-1]
    height, width = map(min, field.size, network.input_shape[1:])
    part = f"{height}x{width} of {whole} pixels"
    if len(maps) == len(seen):
        yield f"No unit sees the whole input: one of {placed.name} sees {part}."
    else:
        first = seen[len(maps)][0].name
        yield f"A unit of {placed.name} sees {part}; {first} is the first to see them all."


def _saturation(network: Network) -> Iterator[str]:
    used = [layer.activation for layer in network.layers if isinstance(layer, Conv2d | Dense)]
    for name, slope in _SATURATING.items():
        if count := used.count(name):
            layers = "layer" if len(used) == 1 else "layers"
            yield (
                f"{name.capitalize()} in {count} of {len(used)} {layers}: its slope is at most "
                f"{slope} and near 0 where it saturates, so gradients fade on their way back."
            )


def _linear_pairs(network: Network) -> Iterator[str]:
    """Layers without an activation function, where only a mean stands before the next weights."""
    bends = [placed for placed in network.placed if not isinstance(placed.layer, AvgPool2d)]
    pairs = [
        (one.name, f"{one.name} has no activation function: with {other.name} it is still linear.")
        for one, other in pairwise(bends)
        if _is_trained(other)
        and isinstance(one.layer, Conv2d | Dense)
        and one.layer.activation == "identity"
    ]
    yield from told_once(pairs)


def _outweighed(memory: Memory) -> Iterator[str]:
    """From which batch on activations take more memory than parameters."""
    if not memory.parameters:
        return
    one = memory.activations()
    images = memory.parameters // one + 1
    when = "Already for one image" if images == 1 else f"From a batch of {images:,} on"
    yield (
        f"{when}, the activations kept for training ({bytes_text(one)} an image) take more than "
        f"the parameters ({bytes_text(memory.parameters)})."
    )


def _steps(values: Iterable[_T]) -> list[_T]:
    """``values`` without those equal to the one before."""
    return [value for value, _ in groupby(values)]


def _chain(texts: Iterable[str]) -> str:
    links = list(texts)
    if len(links) > _LONGEST_CHAIN:
        links[3:-2] = ["..."]
    return " -> ".join(links)
