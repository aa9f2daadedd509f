"""Do the weights in a file belong to a network? Which weight is which layer's, and what differs?

Tensors are told apart by their axes, as PyTorch and our own files have them: four are a
convolution's weight (channels, input channels, height, width), two a dense layer's (units,
inputs), one a bias. Names only decide the order: ``conv0.weight``, ``0.weight``,
``features.0.weight`` and ``fc1.weight`` are all understood.

A batch normalisation is known by its running mean and variance, as PyTorch (``bn1.running_mean``,
``bn1.running_var``) or this package (``conv0.mean``, ``conv0.variance``) names them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isqrt
from typing import Final

from lenet.analysis.differences import align
from lenet.errors import ShapeError, UsageError
from lenet.net import Layer, Network, Shape
from lenet.net.shapes import shape_text
from lenet.net.words import name_text, natural
from lenet.tensor_files import read_header
from lenet.writing.numbers import plural

#: Weights: a safetensors file, or every tensor's name and shape.
Weights = str | os.PathLike[str] | Mapping[str, Sequence[int]] | Iterable[tuple[str, Sequence[int]]]

#: How many axes the weights of each kind of layer have; convolutions come first.
_CONV_AXES: Final = 4
_DENSE_AXES: Final = 2
#: The last words of the names: mean, variance, and what else belongs to a normalisation.
_SPELLINGS: Final = (
    ("running_mean", "running_var", ("weight", "bias", "num_batches_tracked")),
    ("mean", "variance", ("scale",)),
)


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file: its name and shape, and of a convolution's weight if what it gives is
    normalised over the batch."""

    name: str
    shape: Shape
    batch_norm: bool = False

    @property
    def is_conv(self) -> bool:
        """Is it a convolution's weight?"""
        return len(self.shape) == _CONV_AXES

    @property
    def path(self) -> str:
        """What its name begins with: ``conv0.`` of ``conv0.weight``."""
        return self.name[: self.name.rfind(".") + 1]


#: (a layer's place in the network, its weight), convolutions first; either may be missing.
Pairs = list[tuple[int | None, Tensor | None]]


@dataclass(frozen=True)
class Norm:
    """A batch normalisation in a file: its channels, and the names of all its tensors."""

    path: str  # "bn1."
    channels: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Mismatch:
    """A layer and the weight that should be its own.

    Attributes:
        layer: the layer's name; None for a weight that no layer is there for.
        tensor: the weight's name; None for a layer whose weight the file lacks.
        found: the weight's shape.
        wanted: the shape that the network wants; None too where the network does not fit so far.
        normalised: where it is not the shape that differs: is the layer normalised over the batch
            in the file (and not in the network), or the other way round?
    """

    layer: str | None
    tensor: str | None
    found: Shape | None
    wanted: Shape | None
    normalised: bool | None = None


@dataclass(frozen=True)
class Match:
    """Which weight belongs to which layer, where they differ, and what else there is to say."""

    pairs: Pairs
    mismatches: tuple[Mismatch, ...]
    notes: tuple[str, ...]


def match_weights(network: Network, weights: Weights) -> Match:
    """Match a file's weights with the layers of ``network``, which need not fit.

    Raises:
        ModelFileError: the file is missing, cut or no safetensors file.
        UsageError: among the tensors is no weight of a convolution or a dense layer.
    """
    if isinstance(weights, str | os.PathLike):
        weights = read_header(weights).shapes
    shapes = weights.items() if isinstance(weights, Mapping) else weights
    tensors = [Tensor(name, tuple(shape)) for name, shape in shapes]
    convs = _ordered(tensors, _CONV_AXES)
    norms = find_norms(convs, tensors)
    convs = [replace(conv, batch_norm=conv.name in norms) for conv in convs]
    dense = _ordered(tensors, _DENSE_AXES)
    if not convs and not dense:
        raise UsageError(
            "the file holds no weights: a convolution's has four axes and a dense layer's two; "
            "give the file of a trained network."
        )
    pairs = _aligned(network, convs, _CONV_AXES)
    pairs += _transposed(network, dense) or _aligned(network, dense, _DENSE_AXES)
    mismatches = tuple(_mismatches(network, pairs))
    notes = [*_dense_notes(network, pairs, mismatches), *_bias_notes(norms, tensors)]
    return Match(pairs, mismatches, (*notes, *_other_notes(norms, tensors)))


def weight_shapes(network: Network) -> dict[int, Shape]:
    """Return the weight's shape of each layer that has one, by its place; none if it misfits."""
    try:
        placed = enumerate(network.placed)
    except ShapeError:
        return {}
    return {place: layer.tensors[0].shape for place, layer in placed if layer.tensors}


def is_normalised(layer: Layer) -> bool:
    """Are the layer's maps normalised over the batch?"""
    return bool(getattr(layer, "batch_norm", False))


def find_norms(convs: Sequence[Tensor], tensors: Sequence[Tensor]) -> dict[str, Norm]:
    """Return the normalisation that follows each weight of a convolution, by the weight's name.

    It is found by names where these tell; else in order, each behind a convolution of as many
    channels, first among those without a bias, for it would be of no use.

    Args:
        convs: the convolutions' weights in the order of their layers.
        tensors: everything in the file.
    """
    norms = sorted(_norms(tensors), key=lambda norm: natural(norm.path))
    names = {tensor.name for tensor in tensors}
    biasless = [conv for conv in convs if f"{conv.path}bias" not in names]
    choices = (_followers(convs, norms), _in_order(biasless, norms), _in_order(convs, norms))
    return max(choices, key=len)


def _norms(tensors: Iterable[Tensor]) -> Iterator[Norm]:
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    for tensor in tensors:
        for mean, variance, others in _SPELLINGS:
            path, partner = tensor.path, f"{tensor.path}{variance}"
            is_mean = tensor.name == f"{path}{mean}" and len(tensor.shape) == 1
            if is_mean and shapes.get(partner) == tensor.shape:
                more = [name for word in others if (name := f"{path}{word}") in shapes]
                yield Norm(path, tensor.shape[0], (tensor.name, partner, *more))


def _followers(convs: Sequence[Tensor], norms: Sequence[Norm]) -> dict[str, Norm]:
    """As in an ``nn.Sequential``: ``0.weight`` and ``1.running_mean``."""
    members: list[Tensor | Norm] = [*convs, *norms]
    members.sort(key=lambda member: natural(member.path))
    return {
        conv.name: norm
        for conv, norm in pairwise(members)
        if isinstance(conv, Tensor) and isinstance(norm, Norm) and conv.shape[0] == norm.channels
    }


def _in_order(convs: Iterable[Tensor], norms: Iterable[Norm]) -> dict[str, Norm]:
    """Each normalisation behind the next convolution that has its channels."""
    left = iter(convs)
    pairs = ((next((c for c in left if c.shape[0] == n.channels), None), n) for n in norms)
    return {conv.name: norm for conv, norm in pairs if conv}


def _ordered(tensors: Iterable[Tensor], axes: int) -> list[Tensor]:
    """The weights of one kind in the order of their layers.

    The file's own order or that of the names (10 after 9): the one in which every layer reads
    what the one before it gives.
    """
    given = [tensor for tensor in tensors if len(tensor.shape) == axes]
    by_name = sorted(given, key=lambda tensor: natural(tensor.name))
    return given if _is_chain(given) and not _is_chain(by_name) else by_name


def _is_chain(tensors: list[Tensor]) -> bool:
    return all(a.shape[0] == b.shape[1] for a, b in pairwise(tensors))


def _aligned(network: Network, tensors: Sequence[Tensor], axes: int) -> Pairs:
    """Pair the layers and weights of one kind: as few differences as possible, order kept."""
    layers: dict[int, _Key] = {}
    for place, layer in enumerate(network.layers):
        shapes = [tensor.shape for tensor in layer.tensors((1, 1, 1))]
        if shapes and len(shapes[0]) == axes:
            layers[place] = _key(shapes[0], is_normalised(layer))
    places, keys = list(layers), [_key(tensor.shape, tensor.batch_norm) for tensor in tensors]
    return [
        (None if a is None else places[a], None if b is None else tensors[b])
        for a, b in align(list(layers.values()), keys, _differences)
    ]


_Key = tuple[int, Shape, bool]


def _key(weight: Shape, batch_norm: bool) -> _Key:
    """What a weight's shape says of its layer by itself, whatever comes before."""
    return weight[0], weight[2:], batch_norm


def _differences(layer: _Key, tensor: _Key) -> float:
    """At most 2: a layer that is another in every way is changed, not dropped and added."""
    return min(2, sum(a != b for a, b in zip(layer, tensor, strict=True)))


def _transposed(network: Network, dense: Sequence[Tensor]) -> Pairs:
    """The pairs where every dense weight is the network's own turned over; else none."""
    shapes = weight_shapes(network)
    places = [place for place, shape in shapes.items() if len(shape) == _DENSE_AXES]
    places.sort(key=lambda place: shapes[place])
    wanted = [shapes[place] for place in places]
    turned = sorted(dense, key=lambda tensor: tensor.shape[::-1])
    if wanted != [tensor.shape[::-1] for tensor in turned] or wanted == sorted(
        tensor.shape for tensor in dense
    ):
        return []
    by_place = dict(zip(places, turned, strict=True))
    return [(place, by_place[place]) for place in sorted(by_place)]


def _mismatches(network: Network, pairs: Pairs) -> Iterator[Mismatch]:
    wanted = weight_shapes(network)
    for place, tensor in pairs:
        layer = None if place is None else network.names[place]
        shape = None if place is None else wanted.get(place)
        name, found = (tensor.name, tensor.shape) if tensor else (None, None)
        if shape is None or shape != found:
            yield Mismatch(layer, name, found, shape)
        if (
            place is not None
            and tensor
            and is_normalised(network.layers[place]) != tensor.batch_norm
        ):
            yield Mismatch(layer, name, found, shape, tensor.batch_norm)


def _dense_notes(network: Network, pairs: Pairs, mismatches: Sequence[Mismatch]) -> Iterator[str]:
    """What the first dense weight of another shape tells: it is turned over, or read other maps."""
    for one in mismatches:
        if one.found and one.wanted and one.normalised is None and len(one.found) == _DENSE_AXES:
            break
    else:
        return
    if one.found == one.wanted[::-1]:
        yield (
            f"{name_text(one.tensor or '')} looks transposed: the file stores (inputs, units), "
            "as Keras does, and here it is (units, inputs); transpose the dense layers' weights."
        )
        return
    maps = network.placed[network.names.index(one.layer or "")].input_shape
    if one.found[1] != one.wanted[1] and len(maps) == 3:
        channels = [tensor.shape[0] for _, tensor in pairs if tensor and tensor.is_conv]
        yield _map_sentence(one.found[1], channels[-1] if channels else maps[0], maps)


def _map_sentence(inputs: int, channels: int, maps: Shape) -> str:
    """What maps a dense layer of so many inputs once read."""
    made = f"the network makes {shape_text(maps)}"
    given = f"{plural(inputs, 'input')} {'is' if inputs == 1 else 'are'}"
    if not channels or inputs % channels:
        return f"{given} no whole number of maps of {plural(channels, 'channel')}; {made}."
    area = inputs // channels
    side = isqrt(area)
    if side * side == area:
        return f"{given} {shape_text((channels, side, side))}, and {made}."
    return f"{given} {plural(channels, 'channel')} of {plural(area, 'pixel')}, and {made}."


def _bias_notes(norms: dict[str, Norm], tensors: Sequence[Tensor]) -> Iterator[str]:
    """A bias that normalisation takes off again; our own files have the shift in its place."""
    biases = {tensor.path: tensor.name for tensor in tensors if tensor.name == f"{tensor.path}bias"}
    paths = {tensor.name: tensor.path for tensor in tensors}
    for weight, norm in norms.items():
        path = paths[weight]
        if path in biases and path != norm.path:
            yield (
                f"{name_text(biases[path])} does nothing before normalisation: take it off "
                f"{name_text(norm.names[0])}, and leave it out."
            )
            return


def _other_notes(norms: dict[str, Norm], tensors: Sequence[Tensor]) -> Iterator[str]:
    """Tensors that belong to no layer of ours: counters, transformers."""
    known = {name for norm in norms.values() for name in norm.names}
    left = [tensor for tensor in tensors if tensor.name not in known]
    odd = [tensor.name for tensor in left if len(tensor.shape) not in (1, _DENSE_AXES, _CONV_AXES)]
    odd += [t.name for t in left if len(t.shape) == 1 and not t.name.lower().endswith("bias")]
    if odd:
        names = ", ".join(map(name_text, odd[:4])) + (", ..." if len(odd) > 4 else "")
        yield f"The file also holds what no layer here has a place for: {names}."
