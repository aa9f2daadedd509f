"""A network as PyTorch code that a person would write: readable, and it loads our weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lenet.engine.normalise import EPSILON, MOMENTUM
from lenet.formats.names import ACTIVATIONS
from lenet.model import Model
from lenet.net import PlacedLayer
from lenet.net.shapes import elements, shape_text


def torch_code(model: Model) -> str:
    """Return a Python file that defines the network as an ``nn.Sequential``.

    ``net.load_state_dict`` of its ``network()`` takes the state dict that :func:`lenet.export`
    writes to a ``.pt`` file.
    """
    network, seen = model.network, model.preprocessing
    modules = [line for place in network.placed for line in _lines(place)]
    if len(network.output_shape) > 1:
        modules.append(("flatten", "nn.Flatten()", ""))
    width = max(len(f'("{name}", {code}),') for name, code, _ in modules)
    rows = [
        f'        {f"""("{name}", {code}),""":<{width}}  {note}'.rstrip()
        for name, code, note in modules
    ]
    shape = ", ".join(map(str, network.input_shape))
    return "\n".join(
        [
            f'"""{network}"""',
            "",
            "from collections import OrderedDict",
            "",
            "import torch",
            "from torch import nn",
            "",
            f"CLASSES = {list(model.classes)!r}",
            "",
            "",
            "def network() -> nn.Sequential:",
            f'    """Images (N, {shape}) of prepare() to scores (N, {len(model.classes)})."""',
            "    return nn.Sequential(OrderedDict([",
            *rows,
            "    ]))",
            "",
            "",
            "def prepare(images: torch.Tensor) -> torch.Tensor:",
            f'    """Bytes (N, {shape}), 0 to 255, to what the network was trained on."""',
            f"    mean = torch.tensor({list(seen.mean)}).view(-1, 1, 1)",
            f"    std = torch.tensor({list(seen.std)}).view(-1, 1, 1)",
            "    return (images.float() / 255 - mean) / std",
            "",
            "",
            'if __name__ == "__main__":',
            "    net = network()",
            f"    print(net(torch.zeros(1, {shape})).shape)",
            "",
        ]
    )


def _lines(place: PlacedLayer) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the code and the note of each module that one layer is."""
    layer: Any = place.layer
    note = f"# {shape_text(place.output_shape)}"
    if layer.flattens:
        if len(place.input_shape) > 1:
            yield f"{place.name}_flatten", "nn.Flatten()", ""
        yield place.name, f"nn.Linear({elements(place.input_shape)}, {layer.units})", note
    else:
        yield from _windowed(place, note)
    names = ACTIVATIONS[getattr(layer, "activation", "identity")]
    if names is not None:
        slope = "" if names.slope is None else str(names.slope)
        yield f"{place.name}_{names.torch.lower()}", f"nn.{names.torch}({slope})", ""


def _windowed(place: PlacedLayer, note: str) -> Iterator[tuple[str, str, str]]:
    layer: Any = place.layer
    top, bottom, left, right = layer.padding
    kernel, stride = (_pair(value) for value in (layer.kernel_size, layer.stride))
    is_pooling = not layer.is_trained
    own = (top, left) == (bottom, right) and not (
        is_pooling and any(2 * p > k for p, k in zip((top, left), layer.kernel_size, strict=True))
    )
    if not own:
        value = 'float("-inf")' if layer.keyword == "maxpool" else "0.0"
        yield f"{place.name}_pad", f"nn.ConstantPad2d({(left, right, top, bottom)}, {value})", ""
    padding = f", padding={_pair((top, left))}" if own and any(layer.padding) else ""
    if is_pooling:
        kind = {"maxpool": "MaxPool2d", "avgpool": "AvgPool2d"}[layer.keyword]
        yield place.name, f"nn.{kind}({kernel}, {stride}{padding})", note
        return
    channels = place.input_shape[0]
    options = f", {stride}" if layer.stride != (1, 1) else ""
    options += padding
    options += f", groups={layer.groups}" if layer.groups > 1 else ""
    options += ", bias=False" if layer.batch_norm else ""
    yield place.name, f"nn.Conv2d({channels}, {layer.channels}, {kernel}{options})", note
    if layer.batch_norm:
        code = f"nn.BatchNorm2d({layer.channels}, {EPSILON}, {MOMENTUM})"
        yield f"{place.name}_norm", code, ""


def _pair(value: tuple[int, int]) -> str:
    return str(value[0]) if value[0] == value[1] else str(value)
