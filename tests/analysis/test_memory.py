"""Memory: sums done by hand, and what PyTorch keeps for its backward pass."""

import pytest
from hypothesis import given, settings

from lenet.analysis import count_network, explain, measure_memory
from lenet.engine.optimizer import Optimizer
from lenet.errors import UsageError
from lenet.net import Conv2d, Dense, MaxPool2d, Network, parse_network, zoo
from lenet.optimizers import OPTIMIZERS
from random_networks import networks
from refusals import refused


def test_lenet_by_hand() -> None:
    memory = measure_memory(zoo.lenet(), batch=256, optimizer="adamw")
    assert memory.parameters == memory.gradients == 4 * 44_426
    assert memory.optimizer_state == 8 * 44_426
    assert memory.image == 4 * 784
    # Sigmoid's outputs and what the dense layers read are floats, places of maxima are bytes.
    kept = (4 * 3456, 4 * 864 + 864, 4 * 1024, 4 * 256 + 256, 4 * 120, 4 * 84, 4 * 10)
    assert memory.kept == kept
    assert memory.activations() == 3136 + sum(kept)
    assert memory.activations(256) == 256 * memory.activations()
    assert memory.training(256) == 16 * 44_426 + memory.activations(256)
    assert (memory.largest_layer, memory.largest_pair) == ("pool0", 4 * (3456 + 864))
    assert memory.inference(3) == 4 * 44_426 + 3 * 4 * 4320


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_an_optimizer_remembers_is_what_the_engine_keeps(optimizer: str) -> None:
    memory = measure_memory(zoo.lenet_60(), optimizer=optimizer)
    assert memory.optimizer_state == Optimizer(optimizer).state_rows * memory.parameters
    assert explain("lenet", optimizer=optimizer).memory.optimizer == optimizer


@pytest.mark.parametrize(
    ("text", "image", "kept"),
    [
        # Without an activation function the map before a pooling is not needed; places are.
        ("1x4x4 | conv 1 k1, maxpool 2, dense 1", 64, (0, 4 * 4 + 4, 4)),
        ("1x4x4 | conv 1 k1, avgpool 2, dense 1", 64, (0, 4 * 4, 4)),
        # silu's slope needs what went in, and the dense layer needs what came out.
        ("1x4x4 | conv 1 k1 silu, dense 1", 64, (2 * 4 * 16, 4)),
        ("1x4x4 | conv 1 k1 silu, maxpool 2, dense 1", 64, (4 * 16, 4 * 4 + 4, 4)),
        ("1x4x4 | dense 1 relu", 64, (4,)),
        # Maps before normalisation tell what every activation function gets and gives.
        ("1x4x4 | conv 1 k1 batchnorm silu, dense 1", 64, (2 * 4 * 16, 4)),
        ("1x4x4 | conv 1 k1 batchnorm silu, maxpool 2, dense 1", 64, (4 * 16, 4 * 4 + 4, 4)),
        ("1x4x4 | conv 1 k1 batchnorm, avgpool 2, dense 1", 64, (4 * 16, 4 * 4, 4)),
        # A pooling's backward pass needs no image; only the output is read, by the loss.
        ("1x4x4 | avgpool 2", 0, (16,)),
        # Places of windows of more than 256 pixels are two bytes.
        ("1x17x17 | maxpool 17", 0, (4 + 2,)),
        ("1x16x16 | maxpool 16", 0, (4 + 1,)),
    ],
)
def test_the_rule(text: str, image: int, kept: tuple[int, ...]) -> None:
    memory = measure_memory(parse_network(text))
    assert (memory.image, memory.kept) == (image, kept)


def test_running_statistics_are_held_and_not_trained() -> None:
    memory = measure_memory(parse_network("1x4x4 | conv 8 k1 batchnorm"), optimizer="adamw")
    assert (memory.parameters, memory.statistics) == (4 * 24, 4 * 16)
    assert memory.training() == 4 * 4 * 24 + 4 * 16 + memory.activations()
    assert memory.inference() == 4 * 24 + 4 * 16 + memory.largest_pair


@settings(max_examples=60, deadline=None)
@given(networks(ends_dense=False))
def test_between_the_inputs_and_everything(network: Network) -> None:
    """At least what weights read, at most every map twice and every place."""
    memory = measure_memory(network)
    read = sum(
        4 * _elements(placed.input_shape)
        for placed in network.placed
        if isinstance(placed.layer, Conv2d | Dense)
    )
    everything = count_network(network).activations
    places = sum(
        _elements(placed.output_shape)
        for placed in network.placed
        if isinstance(placed.layer, MaxPool2d)
    )
    assert read <= memory.activations() <= memory.image + 8 * everything + places
    numbers = memory.parameters + memory.statistics
    assert memory.inference() <= numbers + 4 * (everything + _elements(network.input_shape))


def test_pytorch_keeps_the_same_for_dense_layers() -> None:
    """Its saved tensors, each once, without the parameters."""
    torch = pytest.importorskip("torch")
    network = parse_network("1x4x4 | dense 7 sigmoid, dense 5 tanh, dense 3 relu, dense 2")
    saved = {}

    def pack(tensor):  # type: ignore[no-untyped-def]
        saved[tensor.data_ptr()] = tensor  # kept, so that no address is used twice
        return tensor

    x = torch.rand(1, 16)
    weights = []
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        for placed in network.placed:
            assert isinstance(placed.layer, Dense)
            weights.append(torch.rand(x.shape[1], placed.layer.units, requires_grad=True))
            x = x @ weights[-1]
            if placed.layer.activation != "identity":
                x = getattr(torch, placed.layer.activation)(x)
    for weight in weights:
        saved.pop(weight.data_ptr(), None)
    # PyTorch keeps the scores with the loss, which is not computed here.
    assert 4 * sum(t.numel() for t in saved.values()) == measure_memory(network).activations() - 8


def _elements(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


@pytest.mark.parametrize("batch", [0, -1, True, 1.5, 10**8])
def test_impossible_batches(batch: int) -> None:
    with refused(UsageError, "10,000,000"):
        measure_memory(zoo.lenet(), batch)


def test_an_unknown_optimizer() -> None:
    with refused(UsageError, "did you mean 'adamw'"):
        measure_memory(zoo.lenet(), optimizer="adam")


def test_the_largest_sizes_do_not_overflow() -> None:
    memory = measure_memory(parse_network("1x10000000x10000000 | dense 10000000"), 10**7)
    assert memory.parameters == 4 * (10**21 + 10**7)
    assert memory.training(10**7) > 8 * 10**21
