"""What stands out in a network as a whole: sentences, each computed from its numbers.

What stands out in single windows (kernels, strides, padding) is in ``window_findings``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final, TypeVar

from lenet.analysis.counts import LayerCounts, total
from lenet.analysis.explanation.window_findings import (
    skips_pixels,
    some_listed,
    told_once,
    window_findings,
)
from lenet.analysis.memory import Memory
from lenet.analysis.ratios import Neighbours, neighbours_of
from lenet.analysis.receptive import ReceptiveField
from lenet.net import AvgPool2d, Network
from lenet.net.layers import Trained
from lenet.net.shapes import pair_text
from lenet.writing.numbers import bytes_text, plural, times, whole_percent
from lenet.writing.prose import chain

_T = TypeVar("_T")

#: The activations whose slope fades away from zero, and the largest slope they have.
_SATURATING: Final = {"sigmoid": "1/4", "tanh": "1"}
#: From this factor on, any two neighbours are told.
_FAR: Final = 4


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
            *_normalised(network, counts),
            *window_findings(network),
            *_outweighed(memory),
        ]
    )


def _heaviest(network: Network, counts: Sequence[LayerCounts]) -> Iterator[str]:
    if sum(count.parameters > 0 for count in counts) < 2:
        return
    everything = total(counts)
    index = max(range(len(counts)), key=lambda i: counts[i].parameters)
    parameters = whole_percent(counts[index].parameters / everything.parameters)
    work = whole_percent(counts[index].multiply_adds / everything.multiply_adds)
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
    size_chain = chain(str(size[0]) if square else pair_text(size) for size in sizes)
    channel_chain = chain(map(str, channels))
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
    # A dense output's size is the problem's, not a choice.
    is_vector = len(network.output_shape) == 1
    pairs = [one for one in neighbours_of(network) if not (one.is_output and is_vector)]
    pool = next((one for one in pairs if _is_pool_and_convolution(one)), None)
    if pool:
        yield _pool_and_convolution(pool)
    furthest = max((one for one in pairs if one is not pool), key=_ratio, default=None)
    if furthest and furthest.ratio >= _FAR:
        before, after = furthest.before_activations, furthest.after_activations
        yield (
            f"{furthest.after} has {after:,} activations, {times(furthest.ratio)} "
            f"{'more' if after > before else 'fewer'} than the {before:,} of {furthest.before} "
            "before it."
        )


def _is_pool_and_convolution(pair: Neighbours) -> bool:
    return pair.before.startswith("pool") and pair.after.startswith("conv")


def _ratio(pair: Neighbours) -> float:
    return pair.ratio


def _pool_and_convolution(pair: Neighbours) -> str:
    before, after = pair.before_activations, pair.after_activations
    if before == after:
        return f"{pair.before} and {pair.after} have {before:,} activations each."
    equal = f"a single channel in {pair.after} is already more"
    if pair.equal_text:
        equal = f"{pair.equal_text} in {pair.after} would make them equal"
    return (
        f"{pair.before} {before:,} and {pair.after} {after:,} activations are "
        f"{'near each other' if pair.near else 'far apart'} ({times(pair.ratio)}); {equal}."
    )


def _sight(network: Network, fields: Sequence[ReceptiveField]) -> Iterator[str]:
    """At which layer one unit sees the whole input."""
    seen = list(zip(network.placed, fields, strict=True))
    maps = [(placed, field) for placed, field in seen if field.jump]
    if not maps:
        return
    _, *size = network.input_shape
    whole = pair_text((size[0], size[1]))
    for placed, field in maps:
        if field.covers(network.input_shape):
            larger = "larger than" if list(field.size) != size else "as large as"
            yield (
                f"From {placed.name} on, a unit's receptive field, {pair_text(field.size)}, is "
                f"{larger} the {whole} input."
            )
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
        if any(skips_pixels(one) for one, _ in maps):
            sees = f"{dense.name} is the first to see from edge to edge"
    yield f"A unit of {placed.name} sees {part}; {sees}."


def _saturation(network: Network) -> Iterator[str]:
    used = [layer.activation for layer in network.layers if isinstance(layer, Trained)]
    for name, slope in _SATURATING.items():
        if count := used.count(name):
            share = f"{count:,} of {plural(len(used), 'layer')}"
            yield (
                f"{name.capitalize()} in {share}: its slope is at most {slope} and near 0 where it "
                "saturates, so gradients fade on their way back."
            )


def _linear_pairs(network: Network) -> Iterator[str]:
    """Layers without an activation function, where only a mean stands before the next weights."""
    bends = [placed for placed in network.placed if not isinstance(placed.layer, AvgPool2d)]
    pairs = [
        (
            one.name,
            f"{one.name} has no activation function: it and {other.name} together are linear.",
        )
        for one, other in pairwise(bends)
        if isinstance(one.layer, Trained)
        and isinstance(other.layer, Trained)
        and one.layer.activation == "identity"
    ]
    yield from told_once(pairs)


def _normalised(network: Network, counts: Sequence[LayerCounts]) -> Iterator[str]:
    pairs = zip(network.names, counts, strict=True)
    if names := [name for name, count in pairs if count.statistics]:
        yield (
            f"{some_listed(names)} {'is' if len(names) == 1 else 'are'} normalised over the batch "
            "in training; a shift takes the bias' place, which the mean would take off again."
        )
        yield (
            f"For use, running means and variances ({total(counts).statistics:,} numbers, counted "
            "and not trained) fold into weights and biases: normalisation then costs nothing."
        )


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
