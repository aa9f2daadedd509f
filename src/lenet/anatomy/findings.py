"""What stands out in a network: sentences, each computed from its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final, TypeVar

from lenet.anatomy.counts import LayerCounts, total
from lenet.net import Conv2d, Dense, Network
from lenet.net.shapes import elements

_T = TypeVar("_T")

#: The activations whose slope fades away from zero, and the largest slope they have.
_SATURATING: Final = {"sigmoid": "1/4", "tanh": "1"}
#: Activations of neighbours up to this factor apart are called near each other.
_NEAR: Final = 2
#: Of a longer chain of numbers, the middle is left out.
_LONGEST_CHAIN: Final = 8


def findings(network: Network, counts: Sequence[LayerCounts]) -> tuple[str, ...]:
    """The sentences on ``network``; ``counts`` are its layers' in order."""
    return tuple(
        [
            *_heaviest(network, counts),
            *_pyramid(network),
            *_balance(network),
            *_saturation(network),
        ]
    )


def percent(share: float) -> str:
    """A share from 0 to 1 in whole percent, without the sign; never 0 or 100 by rounding."""
    if 0 < share <= 0.005:
        return "<1"
    return ">99" if 0.995 <= share < 1 else f"{100 * share:.0f}"


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
    """Smaller maps, more channels: said only where it holds from block to block."""
    ends = {p.block: p.output_shape for p in network.placed if len(p.output_shape) == 3}
    maps = [network.input_shape, *ends.values()]
    sizes = _steps(shape[1:] for shape in maps)
    channels = _steps(shape[0] for shape in maps)
    shrink = all(a[0] >= b[0] and a[1] >= b[1] for a, b in pairwise(sizes))
    grow = all(a < b for a, b in pairwise(channels))
    if len(sizes) < 2 or len(channels) < 2 or not (shrink and grow):
        return
    square = all(height == width for height, width in sizes)
    size_texts = [str(size[0]) if square else "x".join(map(str, size)) for size in sizes]
    yield (f"Maps shrink {_chain(size_texts)} while channels grow {_chain(map(str, channels))}.")


def _balance(network: Network) -> Iterator[str]:
    """Are a pooling and the convolution after it about equally large? The first pair is told."""
    for pool, conv in pairwise(network.placed):
        if isinstance(pool.layer, Conv2d | Dense) or not isinstance(conv.layer, Conv2d):
            continue
        before, after = elements(pool.output_shape), elements(conv.output_shape)
        if before == after:
            yield f"{pool.name} and {conv.name} have {before:,} activations each."
            return
        ratio = max(before, after) / min(before, after)
        verdict = "near each other" if ratio <= _NEAR else "far apart"
        yield (
            f"{pool.name} {before:,} and {conv.name} {after:,} activations are {verdict} "
            f"({ratio:,.2f}x); {_equal_channels(before, after // conv.layer.channels, conv.name)}."
        )
        return


def _equal_channels(activations: int, positions: int, name: str) -> str:
    if activations < positions:
        return f"a single channel in {name} is already more"
    channels = f"{activations / positions:,.1f}".removesuffix(".0")
    about = "" if activations * 10 % positions == 0 else "about "
    plural = "channel" if channels == "1" else "channels"
    return f"{about}{channels} {plural} in {name} would make them equal"


def _saturation(network: Network) -> Iterator[str]:
    used = [layer.activation for layer in network.layers if isinstance(layer, Conv2d | Dense)]
    for name, slope in _SATURATING.items():
        if count := used.count(name):
            layers = "layer" if len(used) == 1 else "layers"
            yield (
                f"{name.capitalize()} in {count} of {len(used)} {layers}: its slope is at most "
                f"{slope} and near 0 where it saturates, so gradients fade on their way back."
            )


def _steps(values: Iterable[_T]) -> list[_T]:
    """``values`` without those equal to the one before."""
    return [value for value, _ in groupby(values)]


def _chain(texts: Iterable[str]) -> str:
    links = list(texts)
    if len(links) > _LONGEST_CHAIN:
        links[3:-2] = ["..."]
    return " -> ".join(links)
