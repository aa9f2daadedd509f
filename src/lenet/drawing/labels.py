"""The words in the pictures of a network, and the sentences for those who cannot see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lenet.analysis.counts import LayerCounts, count_layer, count_layers, count_network
from lenet.net import Layer, Network, PlacedLayer
from lenet.net.layers import padding_text
from lenet.net.shapes import Shape, pair_text, shape_text, size_text
from lenet.writing.numbers import plural

#: What a layer does, by its keyword; a pooling over whole maps is called global.
OPERATIONS: Final = {
    "conv": "Convolutions",
    "maxpool": "Max pooling",
    "avgpool": "Average pooling",
    "dense": "Full connection",
}
#: How the value of each field of a layer is written; "" if it is not.
FACTS: Final[dict[str, Callable[[Any], str]]] = {
    "channels": lambda count: "",  # stands in the output's shape
    "units": lambda count: plural(count, "unit"),
    "kernel_size": pair_text,
    "stride": lambda stride: f"stride {size_text(stride)}",
    "padding": lambda padding: f"padding {padding_text(padding)}",
    "groups": lambda count: "" if count == 1 else plural(count, "group"),
    "batch_norm": lambda on: "batch norm" if on else "",
    "activation": lambda name: "" if name == "identity" else name,
}


def stage_label(name: str, shape: Shape, is_output: bool = False) -> tuple[str, ...]:
    """Return the lines above a body, as LeCun et al. 1998 have them: C1, feature maps, 6@28x28."""
    if len(shape) == 3:
        what = "feature map" if shape[0] == 1 else "feature maps"
        what = "image" if name == "input" else what
    else:
        what = "output" if is_output else "layer"
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
    return f"{name or 'Network'}: {flow} in {plural(count_layers(network), 'layer')}"


def description(network: Network) -> str:
    """Write the picture in words, layer by layer."""
    costs = cost_label(count_network(network))
    sentences = [layer_title(placed) for placed in network.placed]
    return " ".join([f"Input {shape_text(network.input_shape)}.", *sentences, f"In all {costs}."])


def _facts(layer: Layer) -> dict[str, str]:
    """Write the fields of a layer by their names, without those that say nothing."""
    texts = {name: FACTS[name](value) for name, value in layer.values.items()}
    return {name: text for name, text in texts.items() if text}
