"""Networks of papers and tutorials, from their shapes alone: kernels, strides and parameters."""

import pytest

from lenet.analysis.deduction import deduce
from lenet.net import Conv2d, parse_network

LENET_5 = "conv 6 k5 relu, maxpool 2 | conv 16 k5 relu, maxpool 2"
DENSE = "dense 120 relu, dense 84 relu, dense 10"

#: What it is, its shapes, the network behind them, and the parameters that are published.
FIGURES = [
    (
        "Keras' simple MNIST convnet",
        "28x28x1 -> 26x26x32 -> 13x13x32 -> 11x11x64 -> 5x5x64 -> 1600 -> 10",
        "1x28x28 | conv 32 k3 relu, maxpool 2 | conv 64 k3 relu, maxpool 2 | dense 10",
        34_826,
    ),
    (
        "TensorFlow's CNN tutorial",
        "32x32x3 -> 30x30x32 -> 15x15x32 -> 13x13x64 -> 6x6x64 -> 4x4x64 -> 1024 -> 64 -> 10",
        "3x32x32 | conv 32 k3 relu, maxpool 2 | conv 64 k3 relu, maxpool 2 | conv 64 k3 relu "
        "| dense 64 relu, dense 10",
        122_570,
    ),
    (
        "PyTorch's tutorial of neural networks",
        "1x32x32 -> 6x28x28 -> 6x14x14 -> 16x10x10 -> 16x5x5 -> 400 -> 120 -> 84 -> 10",
        f"1x32x32 | {LENET_5} | {DENSE}",
        61_706,
    ),
    (
        "PyTorch's CIFAR-10 tutorial",
        "3x32x32 -> 6x28x28 -> 6x14x14 -> 16x10x10 -> 16x5x5 -> 120 -> 84 -> 10",
        f"3x32x32 | {LENET_5} | {DENSE}",
        62_006,
    ),
    (
        "PyTorch's examples/mnist",
        "1x28x28 -> 32x26x26 -> 64x24x24 -> 64x12x12 -> 9216 -> 128 -> 10",
        "1x28x28 | conv 32 k3 relu, conv 64 k3 relu, maxpool 2 | dense 128 relu, dense 10",
        1_199_882,
    ),
    (
        "LeNet-5, the figure of 1998",
        "INPUT 32x32, C1: feature maps 6@28x28, S2: f. maps 6@14x14, C3: f. maps 16@10x10, "
        "S4: f. maps 16@5x5, C5: layer 120, F6: layer 84, OUTPUT 10",
        f"1x32x32 | {LENET_5} | conv 120 k5 relu | dense 84 relu, dense 10",
        61_706,
    ),
    (
        "Mnih et al. 2013",
        "84x84x4 -> 20x20x16 -> 9x9x32 -> 256 -> 4",
        "4x84x84 | conv 16 k8 s4 relu, conv 32 k4 s2 relu | dense 256 relu, dense 4",
        677_172,
    ),
    (
        "Mnih et al. 2015, DQN in Nature",
        "84x84x4 -> 20x20x32 -> 9x9x64 -> 7x7x64 -> 3136 -> 512 -> 4",
        "4x84x84 | conv 32 k8 s4 relu, conv 64 k4 s2 relu, conv 64 k3 relu "
        "| dense 512 relu, dense 4",
        1_686_180,
    ),
    (
        "Bojarski et al. 2016, PilotNet",
        "3x66x200 -> 24x31x98 -> 36x14x47 -> 48x5x22 -> 64x3x20 -> 64x1x18 -> 1152 -> 100 -> 50 "
        "-> 10 -> 1",
        "3x66x200 | conv 24 k5 s2 relu, conv 36 k5 s2 relu, conv 48 k5 s2 relu, conv 64 k3 relu, "
        "conv 64 k3 relu | dense 100 relu, dense 50 relu, dense 10 relu, dense 1",
        252_219,
    ),
    (
        "AlexNet on one processor",
        "3x227x227 -> 96x55x55 -> 96x27x27 -> 256x27x27 -> 256x13x13 -> 384x13x13 -> 384x13x13 "
        "-> 256x13x13 -> 256x6x6 -> 9216 -> 4096 -> 4096 -> 1000",
        "3x227x227 | conv 96 k11 s4 relu, maxpool 3 s2 | conv 256 k5 p2 relu, maxpool 3 s2 "
        "| conv 384 k3 p1 relu, conv 384 k3 p1 relu, conv 256 k3 p1 relu, maxpool 3 s2 "
        "| dense 4096 relu, dense 4096 relu, dense 1000",
        62_378_344,
    ),
    (
        "VGG-16's first blocks",
        "224x224x3 -> 224x224x64 -> 224x224x64 -> 112x112x64 -> 112x112x128 -> 112x112x128 "
        "-> 56x56x128",
        "3x224x224 | conv 64 k3 p1 relu, conv 64 k3 p1 relu, maxpool 2 "
        "| conv 128 k3 p1 relu, conv 128 k3 p1 relu, maxpool 2",
        260_160,
    ),
]


@pytest.mark.parametrize(("what", "figure", "network", "parameters"), FIGURES)
def test_the_network_behind_its_shapes(
    what: str, figure: str, network: str, parameters: int
) -> None:
    given = "conv1 k5" if "AlexNet" in what else None  # 3x3 is the likelier one, as ever since
    found = deduce(figure, given=given)
    assert str(found.network) == str(parse_network(network)), what
    assert found.parameters == parameters, what


@pytest.mark.parametrize(("what", "figure", "network", "parameters"), FIGURES)
def test_its_parameters_alone_lead_to_it_as_well(
    what: str, figure: str, network: str, parameters: int
) -> None:
    found = deduce(figure, params=f"={parameters}")
    assert found.parameters == parameters, what
    assert found.combinations is None or found.combinations > 0
    if "AlexNet" not in what:
        assert found.network == parse_network(network), what


def test_alexnet_as_it_is_printed() -> None:
    shapes = "3x224x224 -> 96x55x55 -> 96x27x27 -> 256x27x27 -> 256x13x13"
    first, pool, *_ = deduce(shapes).steps
    assert first.fits(Conv2d(96, 11, 4, 2))
    assert pool.chosen.window[:2] == ("3x3", "2")
    assert deduce(shapes, given="conv0 k11").network.layers[0] == Conv2d(
        96, 11, 4, 2, activation="relu"
    )


def test_alexnet_as_it_was_trained_on_two_processors() -> None:
    figure = next(figure for what, figure, *_ in FIGURES if "AlexNet" in what)
    found = deduce(figure, given=["conv1 k5 g2", "conv3 g2", "conv4 g2"])
    assert found.parameters == 60_965_224
