"""Counts: the printed numbers, the paper's connections, and PyTorch over random networks."""

import pytest
from hypothesis import given, settings

from lenet.analysis import LayerCounts, count_layer, count_layers, count_network
from lenet.net import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Network, parse_network, zoo
from random_networks import networks


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [
        ("lenet", 44_426, 281_640),
        ("lenet-60", 18_602, 255_960),
        ("lenet-d2l", 61_706, 416_520),
        ("lenet-relu", 44_426, 281_640),
    ],
)
def test_the_zoo(name: str, parameters: int, multiply_adds: int) -> None:
    network = zoo.get(name)
    counts = count_network(network)
    assert (counts.parameters, counts.multiply_adds) == (parameters, multiply_adds)
    doc = getattr(zoo, name.replace("-", "_")).__doc__
    assert f"{parameters:,} parameters" in doc


def test_lenet_layer_by_layer() -> None:
    counts = [count_layer(placed) for placed in zoo.lenet().placed]
    assert [c.parameters for c in counts] == [156, 0, 2_416, 0, 30_840, 10_164, 850]
    assert [c.weights for c in counts] == [150, 0, 2_400, 0, 30_720, 10_080, 840]
    assert [c.multiply_adds for c in counts] == [86_400, 0, 153_600, 0, 30_720, 10_080, 840]
    assert [c.activations for c in counts] == [3456, 864, 1024, 256, 120, 84, 10]


def test_connections_as_the_paper_counts_them() -> None:
    network = parse_network("1x32x32 | conv 6 k5, avgpool 2 | dense 84, dense 10")
    c1, s2, _, f6 = (count_layer(placed).connections for placed in network.placed)
    assert c1 == 122_304
    assert s2 == 4 * 6 * 14 * 14  # the paper's S2 has a trained bias as well: 5 * 6 * 14 * 14
    assert f6 == 85 * 10


def test_a_dense_layer_on_a_large_image_is_counted_exactly() -> None:
    dense = count_network(parse_network("3x1000x1000 | dense 256"))
    conv = count_network(parse_network("3x1000x1000 | conv 256 k5 same"))
    assert dense.weights == 768_000_000
    assert conv.parameters == 19_456
    huge = parse_network("1x10000000x10000000 | dense 10000000, dense 10000000")
    assert count_network(huge).weights == 10**21 + 10**14


def test_batch_normalisation_by_hand() -> None:
    """As PyTorch's BatchNorm2d after a Conv2d without a bias: 6 weights, 6 biases, 12 buffers."""
    plain, normalised = (
        count_network(parse_network(f"1x28x28 | conv 6 k5 {word}")) for word in ("", "batchnorm")
    )
    assert (normalised.weights, normalised.biases, normalised.scales) == (150, 6, 6)
    assert normalised.parameters == plain.parameters + 6 == 162
    assert (plain.statistics, normalised.statistics) == (0, 12)
    for same in ("multiply_adds", "activations", "connections"):
        assert getattr(normalised, same) == getattr(plain, same)


def test_pooling_is_not_counted_as_a_layer() -> None:
    assert count_layers(zoo.lenet()) == 5
    assert count_layers(parse_network("1x8x8 | maxpool 2")) == 0


def test_counts_add_up() -> None:
    ones = LayerCounts(1, 1, 1, 1, 1, 1, 1)
    assert LayerCounts(1, 2, 3, 4, 5, 6, 7) + ones == LayerCounts(2, 3, 4, 5, 6, 7, 8)


@settings(max_examples=60, deadline=None)
@given(networks(ends_dense=False))
def test_pytorch_counts_the_same(network: Network) -> None:
    torch = pytest.importorskip("torch")
    counter = pytest.importorskip("torch.utils.flop_counter")
    x = torch.zeros(1, *network.input_shape)
    for placed in network.placed:
        module = _module(torch, placed.layer, x).eval()
        counts = count_layer(placed)
        sizes = [parameter.numel() for parameter in module.parameters()]
        assert sizes == [n for n in (counts.weights, counts.scales, counts.biases) if n]
        buffers = sum(one.numel() for one in module.buffers() if one.ndim)
        assert buffers == counts.statistics
        x = _padded(torch, placed.layer, x)
        with counter.FlopCounterMode(display=False) as flops:
            x = module(x)
        assert tuple(x.shape[1:]) == placed.output_shape
        assert x.numel() == counts.activations
        assert flops.get_total_flops() == 2 * counts.multiply_adds


def _module(torch, layer: Layer, x):  # type: ignore[no-untyped-def]
    """The layer in PyTorch, on an input that is padded already."""
    match layer:
        case Conv2d():
            size = (x.shape[1], layer.channels, layer.kernel_size, layer.stride)
            if not layer.batch_norm:
                return torch.nn.Conv2d(*size, groups=layer.groups)
            conv = torch.nn.Conv2d(*size, groups=layer.groups, bias=False)
            return torch.nn.Sequential(conv, torch.nn.BatchNorm2d(layer.channels))
        case Dense():
            linear = torch.nn.Linear(x.numel(), layer.units)
            return torch.nn.Sequential(torch.nn.Flatten(), linear)
        case MaxPool2d():
            return torch.nn.MaxPool2d(layer.kernel_size, layer.stride)
        case AvgPool2d():
            return torch.nn.AvgPool2d(layer.kernel_size, layer.stride)


def _padded(torch, layer: Layer, x):  # type: ignore[no-untyped-def]
    if isinstance(layer, Dense):
        return x
    top, bottom, left, right = layer.padding
    return torch.nn.functional.pad(x, (left, right, top, bottom))
