"""Do the weights in a file belong to a network? If not, which change makes them agree?

Tensors are told apart by their axes, as PyTorch and our own files have them: four are a
convolution's weight (channels, input channels, height, width), two a dense layer's (units,
inputs), one a bias. Names only decide the order: ``conv0.weight``, ``0.weight``,
``features.0.weight`` and ``fc1.weight`` are all understood.

A batch normalisation is known by its running mean and variance, as PyTorch (``bn1.running_mean``,
``bn1.running_var``) or this package (``conv0.mean``, ``conv0.variance``) names them.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice, pairwise, product, takewhile
from math import isqrt
from typing import Final, Protocol

from lenet.analysis.diagnosis.fixes import Fix, first_dense
from lenet.analysis.differences import align
from lenet.errors import ShapeError, UsageError
from lenet.net import Conv2d, Dense, Layer, MaxPool2d, Network, Shape, rebuilt
from lenet.net.layers import MAX_SIZE, Rbf, Trained, Windowed, same_padding
from lenet.net.shapes import elements, pair_text, shape_text
from lenet.net.words import are_numbered, in_told_order, listed, name_text, natural, shown
from lenet.writing.numbers import plural


class HasShape(Protocol):
    """Such as an array."""

    @property
    def shape(self) -> tuple[int, ...]: ...


_Shaped = Sequence[int] | HasShape
#: Weights: a safetensors file, or every tensor's name and its shape or array.
Weights = str | os.PathLike[str] | Mapping[str, _Shaped] | Iterable[tuple[str, _Shaped]]

#: How many axes the weights of each kind of layer have; convolutions come first.
_CONV_AXES: Final = 4
_DENSE_AXES: Final = 2
#: The last words of the names: mean, variance, and what else belongs to a normalisation.
_SPELLINGS: Final = (
    ("running_mean", "running_var", ("weight", "bias", "num_batches_tracked")),
    ("mean", "variance", ("scale",)),
)

#: What a last word of a name is in PyTorch, whose words the rest of the house reads.
_WORDS: Final = {
    "weight": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
    "moving_mean": "running_mean",
    "moving_var": "running_var",
}
#: Of an int8 model: which tensors are told apart, and what is said of it.
_OF_INT8: Final = (".weight", ".bias")
_INT8: Final = "The file is int8: its weights are whole numbers, with a scale for each channel."

#: Of so many weights all orders are tried.
_MOST_TRIED: Final = 7
#: So many fixes are enough to choose from.
_MOST_FIXES: Final = 8
#: Less padding, and strides and windows of these, are tried in so many layers.
_PADDINGS: Final = 12
_STEPS: Final = range(1, 5)
_LAYERS: Final = 16

_Changes = dict[int, tuple[Layer, ...]]


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file."""

    name: str
    shape: Shape
    batch_norm: bool = False  # what this convolution gives is normalised over the batch

    @property
    def is_conv(self) -> bool:
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
    """A layer and the weight that should be its own."""

    layer: str | None  # None for a weight that no layer is there for
    tensor: str | None  # the weight's name; None where the file lacks it
    found: Shape | None  # the weight's shape
    wanted: Shape | None  # the network's; None too where the network does not fit so far
    normalised: bool | None = None  # where this differs and not the shape: is it so in the file?


def _is_tensor(tensor: Tensor) -> bool:
    are_sizes = all(type(size) is int and size >= 0 for size in tensor.shape)
    return isinstance(tensor.name, str) and are_sizes


def match_weights(
    network: Network, weights: Weights
) -> tuple[Pairs, tuple[Mismatch, ...], tuple[str, ...]]:
    """Return which weight belongs to which layer, where they differ, and notes in sentences."""
    about: list[str] = []
    if isinstance(weights, str | os.PathLike):
        from lenet.tensor_files import read_header

        header = read_header(weights)
        weights = header.shapes
        if header.is_int8:
            about.append(_INT8)
            weights = {name: weights[name] for name in weights if name.endswith(_OF_INT8)}
    try:
        shapes = weights.items() if isinstance(weights, Mapping) else weights
        tensors = [
            Tensor(name, tuple(shape if isinstance(shape, Sequence) else shape.shape))
            for name, shape in shapes
        ]
        if not all(map(_is_tensor, tensors)):
            raise TypeError("no name and shape")
    except (AttributeError, TypeError, ValueError):
        remedy = "give a .safetensors file, or every tensor's name and shape"
        raise UsageError(f"the weights are {shown(weights)}; {remedy}.") from None
    if not any("." in tensor.name for tensor in tensors):
        tensors = [replace(tensor, name=plain_name(tensor.name)) for tensor in tensors]
    convs, dense = ordered(tensors, _CONV_AXES), ordered(tensors, _DENSE_AXES)
    if not convs and not dense:
        raise UsageError(
            "the file holds no weights: a convolution's has four axes and a dense layer's two; "
            "give the file of a trained network."
        )
    norms = find_norms(convs, tensors)
    convs = [replace(conv, batch_norm=conv.name in norms) for conv in convs]
    pairs = _aligned(network, convs, _CONV_AXES)
    pairs += _transposed(network, dense) or _aligned(network, dense, _DENSE_AXES)
    mismatches = tuple(_mismatches(network, pairs))
    notes = [*_dense_notes(network, pairs, mismatches), *_bias_notes(norms, tensors)]
    return pairs, mismatches, (*about, *notes, *stray_notes(norms, tensors))


def plain_name(name: str) -> str:
    """Return a tensor's name as PyTorch has it, ``conv0.weight``.

    Others are ``conv0_weight`` or ``conv0/weight``; MXNet's have ``arg:`` or ``aux:`` before them,
    and ``0.gamma``.
    """
    plain = name.removeprefix("arg:").removeprefix("aux:")
    for theirs, ours in _WORDS.items():
        path = plain.removesuffix(theirs)
        if path != plain and path[-1:] in (".", "_", "/"):
            return f"{path[:-1]}.{ours}"
    return plain


def weight_shapes(network: Network) -> dict[int, Shape]:
    """Return the weight's shape of each layer that has one, by its place; none if it misfits."""
    try:
        placed = enumerate(network.placed)
    except ShapeError:
        return {}
    return {place: layer.tensors[0].shape for place, layer in placed if layer.tensors}


def find_norms(convs: Sequence[Tensor], tensors: Sequence[Tensor]) -> dict[str, Norm]:
    """Return the normalisation that follows each weight of a convolution, by the weight's name.

    Names tell it, or else the order and the channels; first of those without a bias, for it would
    be of no use.
    """
    norms = in_told_order(list(_norms(tensors)), lambda norm: norm.path)
    names = {tensor.name: place for place, tensor in enumerate(tensors)}
    biasless = [conv for conv in convs if f"{conv.path}bias" not in names]
    choices = (_followers(convs, norms, names), _in_order(biasless, norms), _in_order(convs, norms))
    return max(choices, key=len)


def _norms(tensors: Iterable[Tensor]) -> Iterator[Norm]:
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    for tensor, (mean, variance, others) in product(tensors, _SPELLINGS):
        path, partner = tensor.path, f"{tensor.path}{variance}"
        is_mean = tensor.name == f"{path}{mean}" and len(tensor.shape) == 1
        if is_mean and shapes.get(partner) == tensor.shape:
            more = [name for word in others if (name := f"{path}{word}") in shapes]
            yield Norm(path, tensor.shape[0], (tensor.name, partner, *more))


def _followers(
    convs: Sequence[Tensor], norms: Sequence[Norm], places: Mapping[str, int]
) -> dict[str, Norm]:
    """As in an ``nn.Sequential``: ``0.weight`` and ``1.running_mean``."""
    members: dict[int, Tensor | Norm] = {places[conv.name]: conv for conv in convs}
    members |= {places[norm.names[0]]: norm for norm in norms}
    given = [members[place] for place in sorted(members)]
    ordered_members = in_told_order(given, lambda member: member.path)
    return {
        conv.name: norm
        for conv, norm in pairwise(ordered_members)
        if isinstance(conv, Tensor) and isinstance(norm, Norm) and conv.shape[0] == norm.channels
    }


def _in_order(convs: Iterable[Tensor], norms: Iterable[Norm]) -> dict[str, Norm]:
    """Each normalisation behind the next convolution that has its channels."""
    left = iter(convs)
    pairs = ((next((c for c in left if c.shape[0] == n.channels), None), n) for n in norms)
    return {conv.name: norm for conv, norm in pairs if conv}


def ordered(tensors: Iterable[Tensor], axes: int) -> list[Tensor]:
    """The weights of one kind as the file or their names order them, whichever is a chain."""
    given = [tensor for tensor in tensors if len(tensor.shape) == axes]
    by_name = sorted(given, key=lambda tensor: natural(tensor.name))
    choices = (in_told_order(given, lambda tensor: tensor.name), given, by_name)
    chosen = next((choice for choice in choices if _is_chain(choice)), None)
    return chosen or _only_chain(by_name) or by_name


def _only_chain(tensors: Sequence[Tensor]) -> list[Tensor] | None:
    """The one order in which these are a chain; None if there is none, or another."""
    if len(tensors) > _MOST_TRIED:
        return None
    found: list[list[Tensor]] = []

    def go_on(chain: list[Tensor], left: Sequence[Tensor]) -> None:
        if not left:
            found.append(chain)
        for place, tensor in enumerate(left):
            if len(found) < 2 and _is_chain([*chain[-1:], tensor]):
                go_on([*chain, tensor], [*left[:place], *left[place + 1 :]])

    go_on([], tensors)
    return found[0] if len(found) == 1 else None


def guessed(tensors: Iterable[Tensor], axes: int) -> list[Tensor]:
    """The weights of one kind, in a file that is sorted by names, whose order nothing tells."""
    alike: dict[Shape, list[Tensor]] = {}
    for tensor in ordered(tensors, axes):
        alike.setdefault(tensor.shape, []).append(tensor)
    unclear = (g for g in alike.values() if not are_numbered(tensor.name for tensor in g))
    return [tensor for group in unclear for tensor in group]


def _is_chain(tensors: list[Tensor]) -> bool:
    """Does every layer read what the one before it gives, or a group of it?"""
    pairs = pairwise(tensors)
    return all(
        _is_multiple(a.shape[0], b.shape[1]) if b.is_conv else a.shape[0] == b.shape[1]
        for a, b in pairs
    )


def _is_multiple(number: int, part: int) -> bool:
    return part != 0 and number % part == 0  # a file may hold tensors without numbers


def _aligned(network: Network, tensors: Sequence[Tensor], axes: int) -> Pairs:
    """Pair the layers and weights of one kind: as few differences as possible, order kept."""
    layers: dict[int, Tensor] = {}
    for place, layer in enumerate(network.layers):
        shapes = [tensor.shape for tensor in layer.tensors((1, 1, 1))]
        if shapes and len(shapes[0]) == axes:
            layers[place] = Tensor("", shapes[0], layer.is_normalised)
    places = list(layers)
    return [
        (None if a is None else places[a], None if b is None else tensors[b])
        for a, b in align(list(layers.values()), tensors, _differences)
    ]


def _differences(a: Tensor, b: Tensor) -> float:
    """At most 2: a layer that is another in every way is changed, not dropped and added."""
    is_another = a.shape[0] != b.shape[0], a.shape[2:] != b.shape[2:], a.batch_norm != b.batch_norm
    return min(2, sum(is_another))


def _transposed(network: Network, dense: Sequence[Tensor]) -> Pairs:
    """The pairs where every dense weight is the network's own turned over; else none."""
    shapes = weight_shapes(network)
    places = [place for place, shape in shapes.items() if len(shape) == _DENSE_AXES]
    places.sort(key=lambda place: shapes[place])
    wanted = [shapes[place] for place in places]
    turned = sorted(dense, key=lambda tensor: tensor.shape[::-1])
    agrees = wanted == sorted(tensor.shape for tensor in dense)
    if agrees or wanted != [tensor.shape[::-1] for tensor in turned]:
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
        norm = place is not None and network.layers[place].is_normalised
        if layer and tensor and norm != tensor.batch_norm:
            yield Mismatch(layer, name, found, shape, tensor.batch_norm)


def _dense_notes(network: Network, pairs: Pairs, mismatches: Sequence[Mismatch]) -> Iterator[str]:
    """What the first dense weight of another shape tells: it is turned over, or read other maps."""
    for mismatch in mismatches:
        found, wanted = mismatch.found, mismatch.wanted
        if found and wanted and mismatch.normalised is None and len(found) == _DENSE_AXES:
            break
    else:
        return
    if found == wanted[::-1]:
        name = name_text(mismatch.tensor or "")
        yield (
            f"{name} looks transposed: the file stores (inputs, units), as Keras does, and here "
            "it is (units, inputs); transpose the dense layers' weights."
        )
        return
    maps = network.placed[network.names.index(mismatch.layer or "")].input_shape
    if found[1] != wanted[1] and len(maps) == 3:
        channels = [tensor.shape[0] for _, tensor in pairs if tensor and tensor.is_conv]
        yield _map_sentence(found[1], channels[-1] if channels else maps[0], maps)


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
    names = {tensor.name: tensor for tensor in tensors}
    for weight, norm in norms.items():
        path = names[weight].path
        if (bias := f"{path}bias") in names and path != norm.path:
            remedy = f"take it off {name_text(norm.names[0])}, and leave it out"
            yield f"{name_text(bias)} does nothing before normalisation: {remedy}."
            return


def stray_notes(norms: dict[str, Norm], tensors: Sequence[Tensor]) -> Iterator[str]:
    """Tensors that belong to no layer of ours: counters, transformers."""
    known = {name for norm in norms.values() for name in norm.names}
    left = [tensor for tensor in tensors if tensor.name not in known]
    odd = [tensor.name for tensor in left if len(tensor.shape) not in (1, _DENSE_AXES, _CONV_AXES)]
    odd += [t.name for t in left if len(t.shape) == 1 and not t.name.lower().endswith("bias")]
    if odd:
        names = ", ".join([*map(name_text, odd[:4]), *["..."] * (len(odd) > 4)])
        yield f"The file also holds what no layer here has a place for: {names}."


def find_adaptations(network: Network, pairs: Pairs) -> tuple[int, tuple[Fix, ...]]:
    """Return how many changes make every weight agree, and the fixes, the best first.

    A fix is what the weights say directly and, if that is not enough, one change of the sizes.
    """
    shapes = [tensor.shape for _, tensor in pairs if tensor]
    norms = [tensor.batch_norm for _, tensor in pairs if tensor]

    def agrees(changed: Network) -> bool:
        wanted = weight_shapes(changed)
        have = [changed.layers[place].is_normalised for place in wanted]
        return list(wanted.values()) == shapes and have == norms

    inputs = next((tensor.shape[1] for _, tensor in pairs if tensor and not tensor.is_conv), None)
    try:
        bases = [_adapted(network, pairs, pools_go) for pools_go in (False, True)]
    except UsageError:  # a shape in the file that no layer can have, or no layer is left
        return 0, ()
    for told, base in bases:
        if agrees(base):
            return len(told), (Fix(", ".join(told), "", base),)
    for told, base in bases:
        helping = (
            Fix(", ".join([*told, what]), "", changed)
            for what, changed in _size_changes(base, inputs)
            if agrees(changed)
        )
        if fixes := tuple(islice(helping, _MOST_FIXES)):
            return len(told) + 1, fixes
    return 0, ()


def _adapted(network: Network, pairs: Pairs, pools_go: bool) -> tuple[list[str], Network]:
    """The network with all that the weights' shapes say directly, and the changes in words.

    With ``pools_go`` a layer that is dropped takes the poolings right behind it with it.
    """
    told: list[str] = []
    changes: _Changes = {}
    added: dict[int, list[Tensor]] = {}
    groups = _groups(network, pairs)
    for number, (place, tensor) in enumerate(pairs):
        if place is None:
            assert tensor is not None
            added.setdefault(_place_for(network, pairs[number + 1 :], tensor), []).append(tensor)
        elif tensor is None:
            pools = takewhile(lambda layer: not layer.is_trained, network.layers[place + 1 :])
            gone = range(place, place + 1 + len(list(pools)) * pools_go)
            changes |= dict.fromkeys(gone, ())
            told.append(f"drop {listed([network.names[i] for i in gone])}")
        else:
            name = network.names[place]
            layer, words = _changed(network.layers[place], tensor, name, groups[number])
            changes[place] = (layer,)
            told += words
    told += _norm_words(network, pairs)
    for place, tensors in added.items():
        told += _add(network, changes, place, tensors)
    channels, height, width = network.input_shape
    firsts = (t.shape[1] * groups[number] for number, (_, t) in enumerate(pairs) if t and t.is_conv)
    wanted = next(firsts, channels)
    if wanted != channels:
        told.insert(0, f"start from {plural(wanted, 'channel')}")
    return told, rebuilt(network.on((wanted, height, width)), changes)


def _groups(network: Network, pairs: Pairs) -> list[int]:
    """Return how many groups each weight says; of the first convolution only where it has some."""
    groups: list[int] = []
    first = next((p for p, tensor in pairs if p is not None and tensor and tensor.is_conv), None)
    has_groups = first is not None and network.layers[first].values.get("groups", 1) > 1
    incoming = network.input_shape[0] if has_groups else 0
    for _, tensor in pairs:
        count = 1
        if tensor and tensor.is_conv:
            width, seen = tensor.shape[:2]
            if incoming and _is_multiple(incoming, seen):
                count = incoming // seen
            count = count if width % count == 0 else 1
            incoming = width
        groups.append(count)
    return groups


def _norm_words(network: Network, pairs: Pairs) -> Iterator[str]:
    """Which convolutions are to be normalised, and which no longer."""
    both = [(place, tensor.batch_norm) for place, tensor in pairs if place is not None and tensor]
    differ = [(p, norm) for p, norm in both if network.layers[p].is_normalised != norm]
    for wanted, what in ((True, "normalise"), (False, "do not normalise")):
        if names := [network.names[place] for place, norm in differ if norm == wanted]:
            yield f"{what} {listed(names)}"


def _changed(layer: Layer, tensor: Tensor, name: str, groups: int) -> tuple[Layer, list[str]]:
    """The layer as its weight says it is, and the changes of its sizes in words."""
    width, _, *kernel = tensor.shape
    if isinstance(layer, Rbf):
        change = f"give {name} {plural(width, layer.width_noun)}"
        words = [change] if layer.units != width else []
        return layer.with_width(width), words
    assert isinstance(layer, Trained)
    told = []
    if layer.width != width:
        told.append(f"give {name} {plural(width, layer.width_noun)}")
    if not isinstance(layer, Conv2d):
        layer = layer.with_width(width)
    else:
        if layer.groups != groups:
            told.append(f"give {name} {plural(groups, 'group')}")
        size, padding = (kernel[0], kernel[1]), layer.padding
        if layer.kernel_size != size:
            told.append(f"use a {pair_text(size)} {layer.window_noun} in {name}")
        if any(padding) and padding == same_padding(layer.kernel_size):
            padding = same_padding(size)  # what kept the size shall keep it
        norm = tensor.batch_norm
        layer = layer.replace(
            channels=width, kernel_size=size, padding=padding, batch_norm=norm, groups=groups
        )
    return layer, told


def _add(
    network: Network, changes: _Changes, place: int, tensors: Sequence[Tensor]
) -> Iterator[str]:
    """Put new layers before the one at ``place``, or at the end; tells each change."""
    end = place == len(network.layers)
    used = [layer.values["activation"] for layer in network.layers if layer.is_trained]
    activation = next((word for word in used if word != "identity"), "relu")
    where = "at the end" if end else f"before {network.names[place]}"
    added: list[Layer] = []
    for tensor in tensors:
        width, _, *kernel = tensor.shape
        if tensor.is_conv:
            size, norm = (kernel[0], kernel[1]), tensor.batch_norm
            added.append(Conv2d(width, size, activation=activation, batch_norm=norm))
        else:
            is_output = end and tensor is tensors[-1]
            added.append(Dense(width, "identity" if is_output else activation))
        yield f"add {added[-1].notation()} {where}"
    place -= end
    kept = changes.get(place, (network.layers[place],))
    changes[place] = (*kept, *added) if end else (*added, *kept)


def _place_for(network: Network, later: Pairs, tensor: Tensor) -> int:
    """Where a layer for a weight without one goes: before the next of its kind."""
    for place, _ in later:
        if place is not None and network.layers[place].flattens != tensor.is_conv:
            return place
    return first_dense(network.layers) if tensor.is_conv else len(network.layers)


def _size_changes(network: Network, inputs: int | None) -> Iterator[tuple[str, Network]]:
    """Changes of sizes alone, likely ones first; none without a dense layer."""
    if inputs is None:
        return
    yield from _inputs(network, inputs)
    for what, changes in _window_changes(network):
        try:
            yield what, rebuilt(network, changes)
        except UsageError:  # no layer is left
            continue


def _inputs(network: Network, wanted: int) -> Iterator[tuple[str, Network]]:
    """The smallest input whose maps are large enough; by bisection, for maps only grow with it."""
    channels, height, width = network.input_shape

    def enlarged(shape: Callable[[int], tuple[int, int, int]]) -> Network:
        def inputs(size: int) -> int:
            return _first_inputs(network.on(shape(size)))

        size = 1 + bisect_left(range(1, MAX_SIZE), wanted, key=inputs)
        return network.on(shape(size))

    larger = [enlarged(lambda n: (channels, n, n))]
    if height != width or _first_inputs(larger[0]) != wanted:
        tall = enlarged(lambda n: (channels, n, width))
        larger = [tall, enlarged(lambda n: (channels, height, n))]
    for changed in larger:
        yield f"start from {pair_text(changed.input_shape[1:])}", changed


def _first_inputs(network: Network) -> int:
    """How many numbers the first dense layer reads; 0 if the network does not fit."""
    try:
        return elements(network.placed[first_dense(network.layers)].input_shape)
    except ShapeError:
        return 0


def _window_changes(network: Network) -> Iterator[tuple[str, _Changes]]:
    """Padding; a pooling dropped, added behind a convolution, or of another window; strides."""
    named = zip(count(), network.names, network.layers)
    windows = [(p, name, layer) for p, name, layer in named if isinstance(layer, Windowed)]
    convs = [window for window in windows if window[2].is_trained][:_LAYERS]
    pools = [window for window in windows if not window[2].is_trained][:_LAYERS]
    for place, name, conv in convs:
        for side in range(min(_PADDINGS, max(conv.kernel_size))):
            yield f"give {name} padding {side}", {place: (conv.replace(padding=side),)}
    for place, name, _ in pools:
        yield f"drop {name}", {place: ()}
    some_pool = pools[0][2] if pools else MaxPool2d(2)
    added = some_pool.replace(kernel_size=2, stride=2, padding=0)
    for place, name, conv in convs:
        yield f"add {added.notation()} after {name}", {place: (conv, added)}
    for place, name, pool in pools:
        for size in _STEPS[1:]:
            other = pool.replace(kernel_size=size, stride=size, padding=0)
            yield f"use a {size}x{size} window in {name}", {place: (other,)}
    for place, name, layer in windows[:_LAYERS]:
        for stride in _STEPS:
            yield f"give {name} stride {stride}", {place: (layer.replace(stride=stride),)}
