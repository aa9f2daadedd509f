"""The words in the pictures, and the sentences for those who cannot see them."""

from __future__ import annotations

from collections.abc import Iterator

from lenet.analysis.counts import LayerCounts, count_layer, count_layers, count_network
from lenet.net import Conv2d, Dense, Layer, Network, PlacedLayer
from lenet.net.layers import Trained, Windowed, padding_text
from lenet.net.shapes import Shape, pair_text, shape_text


def role(layer: Layer) -> str:
    """The family of colours: conv, pool or dense."""
    return layer.stem


def stage_label(name: str, shape: Shape, is_output: bool = False) -> tuple[str, ...]:
    """The lines above a body, in the manner of LeCun et al. 1998: C1, feature maps, 6@28x28."""
    if len(shape) == 3:
        what = "feature map" if shape[0] == 1 else "feature maps"
        what = "image" if name == "input" else what
    else:
        what = "output" if is_output else "layer"
    return name, what, shape_label(shape)


def shape_label(shape: Shape) -> str:
    """What flows: ``6@24x24`` for maps, ``1,200`` for the units of a dense layer."""
    return shape_text(shape) if len(shape) == 3 else f"{shape[0]:,}"


def operation_label(placed: PlacedLayer) -> tuple[str, ...]:
    """The lines below, between two stacks: what is done, with which window."""
    layer = placed.layer
    match layer:
        case Conv2d():
            title = "Convolutions"
        case Dense():
            title = "Full connection"
        case _:
            title = layer.describe(placed.input_shape).capitalize()
    return (title, *_window(layer), *_then(layer))


def box_label(layer: Layer) -> str:
    """The line in a box of the graph, with everything that was chosen for the layer."""
    if not isinstance(layer, Windowed):
        assert isinstance(layer, Trained)
        return ", ".join((_count(layer.width, layer.width_noun), *_then(layer)))
    padding = padding_text(layer.padding) if any(layer.padding) else "0"
    size, stride = pair_text(layer.kernel_size), _stride(layer.stride)
    return ", ".join((size, stride, f"padding {padding}", *_then(layer)))


def cost_label(counts: LayerCounts) -> str:
    """Parameters and multiply-adds."""
    if not counts.parameters:
        return "nothing to train"
    parameters = _count(counts.parameters, "parameter")
    return f"{parameters}, {_count(counts.multiply_adds, 'multiply-add')}"


def layer_title(placed: PlacedLayer) -> str:
    """One layer as a sentence: what a pointer over it shows."""
    flow = f"{shape_text(placed.input_shape)} to {shape_text(placed.output_shape)}"
    costs = cost_label(count_layer(placed))
    what = f"{placed.layer.describe(placed.input_shape)}, {box_label(placed.layer)}"
    return f"{placed.name}: {what}; {flow}; {costs}."


def block_label(network: Network, index: int) -> tuple[str, ...]:
    """What a block is called: first in full, then ever shorter for where there is less room."""
    like = network.first_like(index)
    if like is None:
        return f"block {index + 1}", str(index + 1)
    number, first = index + 1, like + 1
    return (
        f"block {number} = block {first} again",
        f"block {number} = {first}",
        f"{number} = {first}",
    )


def title(network: Network, name: str) -> str:
    """The picture's name."""
    flow = f"{shape_text(network.input_shape)} to {shape_text(network.output_shape)}"
    return f"{name or 'Network'}: {flow} in {_count(count_layers(network), 'layer')}"


def description(network: Network) -> str:
    """The picture in words, layer by layer."""
    costs = cost_label(count_network(network))
    sentences = [layer_title(placed) for placed in network.placed]
    return " ".join([f"Input {shape_text(network.input_shape)}.", *sentences, f"In all {costs}."])


def _window(layer: Layer) -> Iterator[str]:
    if not isinstance(layer, Windowed):
        return
    yield f"{pair_text(layer.kernel_size)}, {_stride(layer.stride)}"
    if any(layer.padding):
        yield f"padding {padding_text(layer.padding)}"


def _then(layer: Layer) -> Iterator[str]:
    """What is done to the sums of a convolution or a dense layer."""
    if isinstance(layer, Conv2d) and layer.batch_norm:
        yield "batch norm"
    if isinstance(layer, Conv2d | Dense) and layer.activation != "identity":
        yield layer.activation


def _stride(stride: tuple[int, int]) -> str:
    height, width = stride
    return f"stride {height}" if height == width else f"stride {pair_text(stride)}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + "s" * (number != 1)
