"""Do the weights in a file belong to a network? If not, which change makes them agree?

Tensors are told apart by their axes, as PyTorch and our own files have them: four are a
convolution's weight (channels, input channels, height, width), two a dense layer's (units,
inputs), one a bias. Names only decide the order: ``conv0.weight``, ``0.weight``,
``features.0.weight`` and ``fc1.weight`` are all understood. Batch normalisation is known by the
names of its running mean and variance (``norms``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from math import isqrt
from typing import Any

from lenet.analysis.diagnosis.adapt import Pairs, Tensor, adapt, geometries, normalised
from lenet.analysis.diagnosis.changes import Fix
from lenet.analysis.diagnosis.norms import FileNorm, norms_of
from lenet.analysis.differences import align
from lenet.errors import ShapeError, UsageError
from lenet.net import Conv2d, Dense, Layer, Network, Shape, Source, read_named
from lenet.net.shapes import elements, shape_text
from lenet.net.words import name_text, natural
from lenet.writing.numbers import plural

#: So many fixes are enough to choose from.
_MOST_FIXES = 8


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

    def __str__(self) -> str:
        if self.normalised is not None:
            where = ("in the file", "in the network")
            one, other = where if self.normalised else where[::-1]
            return f"{self.layer} is normalised over the batch {one} and not {other}"
        if self.found is None:
            wanted = f" {_shape(self.wanted)}" if self.wanted else ""
            return f"{self.layer} wants a weight{wanted} and the file has none"
        name = name_text(self.tensor or "")
        if self.layer is None:
            return f"{name} is {_shape(self.found)} and the network has no layer for it"
        if not name.startswith(f"{self.layer}."):
            name = f"{name} ({self.layer})"
        if self.wanted is None:
            return f"{name} is {_shape(self.found)} and the network does not fit"
        return f"{name} is {_shape(self.found)} and the network wants {_shape(self.wanted)}"


@dataclass(frozen=True)
class Reconciliation:
    """What :func:`reconcile` found out; ``print`` it to read it.

    Attributes:
        name: what the network is called; may be empty.
        network: the network looked at.
        tensors: how many weights the file holds.
        mismatches: where they differ, in the network's order.
        notes: what else there is to know, a sentence each.
        changes: how many changes every fix is made of; 0 where all agrees or no fix is known.
        fixes: changes that make every weight agree, the best first.
    """

    name: str
    network: Network
    tensors: int
    mismatches: tuple[Mismatch, ...]
    notes: tuple[str, ...] = ()
    changes: int = 0
    fixes: tuple[Fix, ...] = ()

    @property
    def agrees(self) -> bool:
        """Has every weight the shape that the network wants?"""
        return not self.mismatches

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON can hold it: dicts, lists, numbers, strings and None."""
        from lenet.analysis.diagnosis.document import reconciliation_document

        return reconciliation_document(self)

    def __str__(self) -> str:
        from lenet.analysis.diagnosis.text import render_reconciliation
        from lenet.terminal import columns

        return render_reconciliation(self, columns())


def _shape(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"


def reconcile(
    network: Source, shapes: Sequence[tuple[str, Sequence[int]]], name: str = ""
) -> Reconciliation:
    """Compare ``network`` with a file's tensors, and find the change that makes them agree.

    Args:
        network: a network, zoo name, notation or ``.json`` file; it need not fit.
        shapes: every tensor's name and shape, in the file's order.
        name: what to call it; by default its zoo name or file.

    Raises:
        UsageError: ``network`` names none, or among the tensors is no weight of a convolution or
            a dense layer.
    """
    network, name = read_named(network, name)
    tensors = [Tensor(tensor, tuple(shape)) for tensor, shape in shapes]
    convs = _ordered(tensors, 4)
    norms = norms_of(convs, tensors)
    convs = [replace(conv, batch_norm=conv.name in norms) for conv in convs]
    weights = [*convs, *_ordered(tensors, 2)]
    if not weights:
        raise UsageError(
            "the file holds no weights: a convolution's has four axes and a dense layer's two; "
            "give the file of a trained network."
        )
    match = _match(network, weights)
    mismatches = tuple(_mismatches(network, match))
    notes = [*_notes(network, match, mismatches), *_biases(norms, tensors)]
    notes += _others(tensors, norms)
    changes, fixes = _fixes(network, match) if mismatches else (0, ())
    return Reconciliation(name, network, len(weights), mismatches, tuple(notes), changes, fixes)


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


def _match(network: Network, weights: Sequence[Tensor]) -> Pairs:
    """Which weight belongs to which layer: as few differences as possible, order kept."""
    pairs: Pairs = []
    for kind, axes in ((Conv2d, 4), (Dense, 2)):
        places = [i for i, layer in enumerate(network.layers) if isinstance(layer, kind)]
        some = [tensor for tensor in weights if len(tensor.shape) == axes]
        if kind is Dense and (turned := _transposed(network, some)):
            pairs += turned
            continue
        keys = [_key(network.layers[i]) for i in places], [_tensor_key(t) for t in some]
        for a, b in align(*keys, _differences):
            pairs.append((None if a is None else places[a], None if b is None else some[b]))
    return pairs


def _transposed(network: Network, dense: Sequence[Tensor]) -> Pairs:
    """The pairs where every dense weight is the network's own turned over; else none."""
    wanted = {place: shape for place, shape in wanted_shapes(network).items() if len(shape) == 2}
    left = list(dense)
    if sorted(wanted.values()) == sorted(tensor.shape for tensor in left):
        return []
    pairs: Pairs = []
    for place, shape in wanted.items():
        tensor = next((one for one in left if one.shape[::-1] == shape), None)
        if tensor is None:
            return []
        left.remove(tensor)
        pairs.append((place, tensor))
    return [] if left else pairs


def _differences(layer: tuple[object, ...], tensor: tuple[object, ...]) -> float:
    """At most 2: a layer that is another in every way is changed, not dropped and added."""
    return min(2, sum(a != b for a, b in zip(layer, tensor, strict=True)))


def _key(layer: Layer) -> tuple[object, ...]:
    """What a weight's shape says of its layer by itself."""
    if isinstance(layer, Conv2d):
        return (layer.channels, layer.kernel_size, layer.batch_norm)
    assert isinstance(layer, Dense)
    return (layer.units,)


def _tensor_key(tensor: Tensor) -> tuple[object, ...]:
    shape = tensor.shape
    return (shape[0], shape[2:], tensor.batch_norm) if len(shape) == 4 else shape[:1]


def wanted_shapes(network: Network) -> dict[int, Shape]:
    """The weight's shape of each layer that has one, by its place; none if it does not fit."""
    wanted: dict[int, Shape] = {}
    try:
        placed = network.placed
    except ShapeError:
        return wanted
    for place, one in enumerate(placed):
        if isinstance(one.layer, Conv2d):
            wanted[place] = (one.layer.channels, one.input_shape[0], *one.layer.kernel_size)
        elif isinstance(one.layer, Dense):
            wanted[place] = (one.layer.units, elements(one.input_shape))
    return wanted


def _mismatches(network: Network, pairs: Pairs) -> Iterator[Mismatch]:
    wanted = wanted_shapes(network)
    for place, tensor in pairs:
        layer = None if place is None else network.names[place]
        shape = None if place is None else wanted.get(place)
        name, found = (tensor.name, tensor.shape) if tensor else (None, None)
        if shape is None or shape != found:
            yield Mismatch(layer, name, found, shape)
        if place is not None and tensor and normalised(network.layers[place]) != tensor.batch_norm:
            yield Mismatch(layer, name, found, shape, tensor.batch_norm)


def _notes(network: Network, pairs: Pairs, mismatches: Sequence[Mismatch]) -> Iterator[str]:
    wrong = [one for one in mismatches if one.found and one.wanted and one.normalised is None]
    dense = next((one for one in wrong if len(one.found or ()) == 2), None)
    if dense is None or dense.found is None or dense.wanted is None:
        return
    if dense.found == dense.wanted[::-1]:
        yield (
            f"{name_text(dense.tensor or '')} looks transposed: the file stores (inputs, units), "
            "as Keras does, and here it is (units, inputs); transpose the dense layers' weights."
        )
        return
    place = next(i for i, _ in pairs if i is not None and network.names[i] == dense.layer)
    maps = network.placed[place].input_shape
    if dense.found[1] == dense.wanted[1] or len(maps) != 3:
        return
    channels = [tensor.shape[0] for _, tensor in pairs if tensor and len(tensor.shape) == 4]
    yield _map_sentence(dense.found[1], channels[-1] if channels else maps[0], maps)


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


def _biases(norms: dict[str, FileNorm], tensors: Sequence[Tensor]) -> Iterator[str]:
    """A bias that normalisation takes off again; our own files have the shift in its place."""
    every = {tensor.name for tensor in tensors}
    for weight, norm in norms.items():
        prefix, dot, _ = weight.rpartition(".")
        bias = f"{prefix}{dot}bias"
        if bias in every and prefix != norm.prefix:
            yield (
                f"{name_text(bias)} does nothing before normalisation: take it off "
                f"{name_text(norm.names[0])}, and leave it out."
            )
            return


def _others(tensors: Sequence[Tensor], norms: dict[str, FileNorm]) -> Iterator[str]:
    """Tensors that belong to no layer of ours: counters, transformers."""
    known = {name for norm in norms.values() for name in norm.names}
    tensors = [tensor for tensor in tensors if tensor.name not in known]
    odd = [t.name for t in tensors if len(t.shape) not in (1, 2, 4)]
    odd += [t.name for t in tensors if len(t.shape) == 1 and not t.name.lower().endswith("bias")]
    if odd:
        names = ", ".join(map(name_text, odd[:4])) + (", ..." if len(odd) > 4 else "")
        yield f"The file also holds what no layer here has a place for: {names}."


def _fixes(network: Network, pairs: Pairs) -> tuple[int, tuple[Fix, ...]]:
    """What the weights say directly, and if that is not enough, one change of the sizes more."""
    shapes = [tensor.shape for _, tensor in pairs if tensor]
    norms = [tensor.batch_norm for _, tensor in pairs if tensor]

    def agrees(changed: Network) -> bool:
        wanted = wanted_shapes(changed)
        return list(wanted.values()) == shapes and norms == [
            normalised(changed.layers[place]) for place in wanted
        ]

    dense = next((shape[1] for shape in shapes if len(shape) == 2), None)
    try:
        bases = [adapt(network, pairs, pools_go) for pools_go in (False, True)]
    except UsageError:  # a shape in the file that no layer can have, or no layer is left
        return 0, ()
    for told, base in bases:
        if agrees(base):
            return len(told), (Fix(", ".join(told), "", base),)
    for told, base in bases:
        found = (Fix(", ".join([*told, what]), "", new) for what, new in geometries(base, dense))
        if fixes := tuple(islice((fix for fix in found if agrees(fix.network)), _MOST_FIXES)):
            return len(told) + 1, fixes
    return 0, ()
