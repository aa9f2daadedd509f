"""The words in the pictures of a network, and the sentences for those who cannot see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from lenet.analysis.counts import LayerCounts, count_layer, count_layers, count_network
from lenet.errors import UsageError
from lenet.net import Layer, Network, PlacedLayer
from lenet.net.layers import Subsample, padding_text
from lenet.net.shapes import Shape, pair_text, shape_text, size_text
from lenet.net.words import listed, shown
from lenet.writing.numbers import plural

#: What a layer does, by its keyword; a pooling over whole maps is called global.
OPERATIONS: Final = {
    "conv": "Convolutions",
    "maxpool": "Max pooling",
    "avgpool": "Average pooling",
    "dense": "Full connection",
    "subsample": "Subsampling",
    "rbf": "RBF",
}
#: How the value of each field of a layer is written; "" if it is not.
FACTS: Final[dict[str, Callable[[Any], str]]] = {
    "channels": lambda count: "",  # stands in the output's shape
    "units": lambda count: plural(count, "unit"),
    "kernel_size": pair_text,
    "stride": lambda stride: f"stride {size_text(stride)}",
    "padding": lambda padding: f"padding {padding_text(padding)}",
    "groups": lambda count: "" if count == 1 else plural(count, "group"),
    "table": lambda name: f"table {name}" if name else "",
    "batch_norm": lambda on: "batch norm" if on else "",
    "activation": lambda name: "" if name == "identity" else name,
}

#: Names of one's own, in characters.
_LONGEST_NAME: Final = 40
OUTPUT: Final = "output"
#: What the paper calls layers, by their stem: convolution, subsampling, full connection.
_LETTERS: Final = {"conv": "C", "pool": "S", "dense": "F", "rbf": "R"}


def read_names(names: str | Iterable[str] | None, network: Network) -> tuple[str, ...]:
    """Return one name per layer, from a list or a text with commas between; of none, its own, or
    those of the paper.

    The last one may be left out: the output is called so, as in LeCun et al. 1998.

    Raises:
        UsageError: there are more or fewer names than layers, or one is empty or very long.
    """
    if isinstance(names, str):
        names = names.split(",") if names else None
    if names is None:
        return paper_names(network) or network.names
    if not isinstance(names, Iterable):
        wanted = "it must be a text with commas between the names, or a list of them"
        raise UsageError(f"names is {shown(names)}; {wanted}.", parameter="names")
    words = list(names)
    if not words:
        return paper_names(network) or network.names
    texts = [" ".join(word.split()) if isinstance(word, str) else word for word in words]
    for place, text in enumerate(texts, 1):
        if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_NAME:
            wanted = f"it must be a text of 1 to {_LONGEST_NAME} characters"
            raise UsageError(f"name {place} is {shown(text)}; {wanted}.", parameter="names")
    layers = len(network.layers)
    if len(texts) not in (layers, layers - 1):
        many = plural(len(texts), "name")
        own = (
            listed(network.names) if layers <= 12 else f"{network.names[0]} to {network.names[-1]}"
        )
        raise UsageError(
            f"{many} for {plural(layers, 'layer')} ({own}); give one for each layer, and only "
            "that of the last may be left out.",
            parameter="names",
        )
    return (*texts, OUTPUT)[:layers]


def paper_names(network: Network) -> tuple[str, ...]:
    """Return the names that LeCun et al. 1998 give to layers, C1, S2, ..., OUTPUT.

    They are for networks with subsampling, as in the paper; of others nothing is returned.
    """
    layers = network.layers
    if not any(isinstance(layer, Subsample) for layer in layers):
        return ()
    numbered = (f"{_LETTERS[layer.stem]}{place}" for place, layer in enumerate(layers[:-1], 1))
    return (*numbered, OUTPUT.upper())


def renamed(network: Network, names: Sequence[str] = ()) -> tuple[PlacedLayer, ...]:
    """Return the layers where they stand, under ``names`` if there are any."""
    if not names:
        return network.placed
    return tuple(map(_renamed, network.placed, names))


def _renamed(placed: PlacedLayer, name: str) -> PlacedLayer:
    return replace(placed, name=name)


def stage_label(name: str, shape: Shape, is_output: bool = False) -> tuple[str, ...]:
    """Return the lines above a body, as LeCun et al. 1998 have them: C1, feature maps, 6@28x28."""
    if len(shape) == 3:
        what = "feature map" if shape[0] == 1 else "feature maps"
        what = "image" if name == "input" else what
    else:
        what = OUTPUT if is_output and name.lower() != OUTPUT else "layer"
    return name, what, shape_label(shape)


def shape_label(shape: Shape) -> str:
    """Write what flows: ``6@24x24`` for maps, ``1,200`` for the units of a dense layer."""
    return shape_text(shape) if len(shape) == 3 else f"{shape[0]:,}"


def operation_label(placed: PlacedLayer) -> tuple[str, ...]:
    """Return the lines below a figure, between two bodies: what is done, with which window."""
    title = OPERATIONS[placed.layer.keyword]
    if placed.layer.is_global(placed.input_shape):
        title = f"Global {title.lower()}"
    facts = _facts(placed.layer)
    window = ", ".join(facts.pop(name) for name in ("kernel_size", "stride") if name in facts)
    facts.pop("units", None)  # stands in the output's shape
    others = (text for text in facts.values() if text != "padding 0")
    return tuple(filter(None, (title, window, *others)))


def box_label(layer: Layer) -> str:
    """Return the line in a box of the graph: everything that was chosen for the layer."""
    return ", ".join(_facts(layer).values())


def cost_label(counts: LayerCounts) -> str:
    """Write parameters and multiply-adds."""
    if not counts.parameters:
        return "nothing to train"
    costs = plural(counts.multiply_adds, "multiply-add")
    return f"{plural(counts.parameters, 'parameter')}, {costs}"


def layer_title(placed: PlacedLayer) -> str:
    """Write one layer as a sentence: what a pointer over it shows."""
    flow = f"{shape_text(placed.input_shape)} to {shape_text(placed.output_shape)}"
    costs = cost_label(count_layer(placed))
    what = f"{placed.layer.describe(placed.input_shape)}, {box_label(placed.layer)}"
    return f"{placed.name}: {what}; {flow}; {costs}."


def block_label(network: Network, index: int) -> tuple[str, ...]:
    """Return what a block is called: first in full, then ever shorter where room is less."""
    number, like = index + 1, network.first_like(index)
    if like is None:
        return f"block {number}", str(number)
    short = f"{number} = {like + 1}"
    return f"block {number} = block {like + 1} again", f"block {short}", short


def title(network: Network, name: str) -> str:
    """Return the picture's name."""
    flow = f"{shape_text(network.input_shape)} to {shape_text(network.output_shape)}"
    what = f"{flow} in {plural(count_layers(network), 'layer')}"
    line = " ".join(str(name).split())
    return f"{line}: {what}" if line else what


def description(network: Network, names: Sequence[str] = (), note: str = "") -> str:
    """Write the picture in words, layer by layer, and its note."""
    costs = cost_label(count_network(network))
    layers = map(layer_title, renamed(network, names))
    sentences = (f"Input {shape_text(network.input_shape)}.", *layers, f"In all {costs}.", note)
    return " ".join(filter(None, sentences))


def _facts(layer: Layer) -> dict[str, str]:
    """Write the fields of a layer by their names, without those that say nothing."""
    texts = {name: FACTS[name](value) for name, value in layer.values.items()}
    return {name: text for name, text in texts.items() if text}
