"""The reference engine equals PyTorch in float64: scores, loss, every gradient, and the running
statistics of batch normalisation.

PyTorch's side is built from the network's layers, not from the plan, so that a wrong plan shows.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from lenet.engine.engine import Samples
from lenet.engine.normalise import folded_plan, folded_table
from lenet.engine.operations import Inputs, backward
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats, Plan, make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.net.layers import ACTIVATIONS, AvgPool2d, Conv2d, Dense, Layer, MaxPool2d
from lenet.net.network import Network
from random_networks import OLD, clear_unlinked, draw_norms, random_network

torch = pytest.importorskip("torch")
from lenet.formats.torch_module import (  # noqa: E402
    torch_modules,
    torch_network,
    torch_table,
    torch_tensors,
)

functional = torch.nn.functional


class Case:
    """The same parameters and images for both sides."""

    def __init__(
        self, network: Network, seed: int = 0, samples: int = 5, dtype: type = np.float64
    ) -> None:
        self.network = network
        self.plan: Plan = make_plan(network)
        self.engine = ReferenceEngine(self.plan, dtype)
        random = np.random.default_rng(seed)
        self.parameters = np.zeros(self.plan.table_size, dtype)
        for tensor in self.plan.tensors:
            tensor.view(self.parameters)[...] = random.normal(0, 0.5, tensor.shape)
        draw_norms(self.plan, self.parameters, random)
        clear_unlinked(self.plan, self.parameters)
        self.images = random.integers(0, 256, (samples, *network.input_shape), np.uint8)
        self.labels = random.integers(0, self.plan.classes, samples)
        self.scale = random.uniform(0.005, 0.01, network.input_shape[0])
        self.shift = random.uniform(-1, 0, network.input_shape[0])
        x = self.images * self.scale[:, None, None] + self.shift[:, None, None]
        self.x = x.astype(dtype)

    def pytorch(self, training: bool = False) -> tuple[list[torch.Tensor], torch.nn.Sequential]:
        """Every layer's input and the scores at the end, and the network."""
        network = torch_network(self.network, self.plan, self.parameters).train(training)
        modules = iter(network)
        flow = [torch.tensor(self.x, requires_grad=True)]
        for place in self.network.placed:
            value = flow[-1]
            for module in islice(modules, len(torch_modules(place))):
                value = module(value)
            flow.append(value)
        return flow, network

    def trained(self) -> Floats:
        """The table after a step that moves nothing but running statistics."""
        table, order = self.parameters.copy(), np.arange(len(self.images))
        state = np.zeros((0, self.plan.table_size))
        rates, batch = np.zeros(1), len(order)
        self.engine.train(table, state, self.samples, order, batch, rates, 0, Optimizer("sgd"))
        return table

    @property
    def samples(self) -> Samples:
        return Samples(self.images, self.labels, self.scale, self.shift)


def assert_near(found: Floats, expected: torch.Tensor) -> None:
    expected = expected.detach().numpy().reshape(found.shape)
    rtol, atol = (1e-9, 1e-13) if found.dtype == np.float64 else (2e-4, 2e-5)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


def check(case: Case) -> None:
    flow, network = case.pytorch()
    outputs = case.engine.outputs(case.parameters, case.x)
    for found, expected in zip(outputs, flow[1:], strict=True):
        assert_near(found, expected)
    scores = flow[-1].flatten(1)
    assert_near(case.engine.scores(case.parameters, case.images, case.scale, case.shift), scores)
    if case.plan.normalised:  # in training by the batch: fewer than 64 images are one ghost batch
        flow, network = case.pytorch(training=True)
        scores = flow[-1].flatten(1)
        assert_near(case.trained(), torch.from_numpy(torch_table(network, case.plan)))
    loss = functional.cross_entropy(scores, torch.tensor(case.labels))
    loss.backward()
    found = case.engine.gradient(case.parameters, case.samples)
    assert_near(np.array([found.loss], case.parameters.dtype), loss)
    assert found.correct == (scores.argmax(1).numpy() == case.labels).sum()
    for tensor, expected in zip(case.plan.tensors, torch_tensors(network), strict=True):
        wanted = expected.grad if tensor.trained else torch.zeros(tensor.shape)
        assert_near(tensor.view(found.gradient), wanted)


@pytest.mark.parametrize("seed", range(100))
def test_random_networks(seed: int) -> None:
    check(Case(random_network(seed), seed))


@pytest.mark.parametrize("seed", range(60))
def test_random_networks_of_1998(seed: int) -> None:
    check(Case(random_network(seed, **OLD), seed))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pooling", [MaxPool2d, AvgPool2d])
def test_every_activation_with_every_pooling(
    activation: str, pooling: type[MaxPool2d | AvgPool2d]
) -> None:
    layers = [
        Conv2d(3, (4, 2), stride=(1, 2), padding=(2, 1, 0, 3), activation=activation),
        pooling((3, 2), stride=(2, 1), padding=(0, 2, 1, 0)),
        Conv2d(4, (1, 3), padding="same", activation=activation),
        pooling(2),
        Dense(6, activation),
        Dense(5),
    ]
    check(Case(Network((2, 9, 11), layers)))


NORMALISED = [
    Conv2d(3, (4, 2), (1, 2), (2, 1, 0, 3), "silu", batch_norm=True),
    MaxPool2d((3, 2), (2, 1), (0, 1, 1, 0)),
    Conv2d(4, (1, 3), padding="same", activation="relu", batch_norm=True),
    Conv2d(4, 2, activation="tanh"),
    AvgPool2d(2),
    Conv2d(5, 1, activation="leaky-relu", batch_norm=True),
    Dense(5),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("samples", [2, 31, 63])
def test_a_normalised_network(samples: int, dtype: type) -> None:
    check(Case(Network((2, 9, 11), NORMALISED), samples, samples, dtype))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pooling", [MaxPool2d, AvgPool2d])
def test_every_activation_normalised(activation: str, pooling: type[MaxPool2d | AvgPool2d]) -> None:
    layers = [Conv2d(3, 3, 1, 1, activation, batch_norm=True), pooling(2), Dense(4)]
    check(Case(Network((2, 7, 6), layers), samples=9))


def test_a_normalised_network_that_ends_with_maps() -> None:
    layers = [Conv2d(3, 2, batch_norm=True), AvgPool2d(2, 1), Conv2d(2, 2, 2, batch_norm=True)]
    check(Case(Network((2, 7, 6), layers), samples=9))


def test_ghost_batches_are_pytorch_on_each_of_them() -> None:
    """150 images are four: the mean of what PyTorch finds on each, weighted by its size."""
    case = Case(Network((2, 9, 11), NORMALISED), samples=150)
    found = case.engine.gradient(case.parameters, case.samples)
    loss, gradient = 0.0, np.zeros_like(case.parameters)
    moved = np.zeros_like(case.parameters)
    sizes = (38, 38, 37, 37)
    for size, end in zip(sizes, np.cumsum(sizes), strict=True):
        network = torch_network(case.network, case.plan, case.parameters).train()
        part = slice(end - size, end)
        own = functional.cross_entropy(
            network(torch.tensor(case.x[part])), torch.tensor(case.labels[part])
        )
        own.backward()
        loss += size / 150 * own.item()
        for tensor, theirs in zip(case.plan.tensors, torch_tensors(network), strict=True):
            if tensor.trained:
                tensor.view(gradient)[...] += size / 150 * theirs.grad.numpy()
        moved += torch_table(network, case.plan) / len(sizes)
    assert found.loss == pytest.approx(loss, rel=1e-9)
    assert_near(found.gradient, torch.from_numpy(gradient))
    assert_near(case.trained(), torch.from_numpy(moved))


def test_folded_weights_give_the_same_scores() -> None:
    case = Case(Network((2, 9, 11), NORMALISED))
    flow, _ = case.pytorch()
    folded = ReferenceEngine(folded_plan(case.plan))
    table = folded_table(case.plan, case.parameters)
    assert_near(folded.scores(table, case.images, case.scale, case.shift), flow[-1])


STEPS = [
    Conv2d(3, (3, 2), (2, 1), (1, 2, 0, 1), "silu"),
    Conv2d(2, 2, 3, activation="tanh"),
    MaxPool2d((3, 2), (1, 2), (2, 0, 1, 1)),
    MaxPool2d(2, 3),
    AvgPool2d((2, 3), (1, 2), (1, 0, 2, 1)),
    AvgPool2d(2, 3),
    Dense(4, "leaky-relu"),
]


@pytest.mark.parametrize("layer", STEPS, ids=str)
def test_a_steps_gradient_by_its_input(layer: Layer) -> None:
    case = Case(Network((2, 7, 8), [layer]))
    flow, _ = case.pytorch()
    dy = np.random.default_rng(1).normal(size=flow[1].shape)
    flow[1].backward(torch.tensor(dy))
    values = [tensor.view(case.parameters) for tensor in case.plan.tensors] or [None, None]
    dx, *_ = backward(case.plan.steps[0], Inputs(case.x, *values), flow[1].detach().numpy(), dy)
    assert_near(dx, flow[0].grad)


def test_equal_maxima_and_kinks_are_shared_out_alike() -> None:
    """Images of few values: every window has ties, and relu often stands at exactly 0."""
    layers = [
        Conv2d(2, 1, activation="relu"),
        MaxPool2d(3, 1),
        Conv2d(2, 2),
        MaxPool2d(2),
        Dense(3),
    ]
    case = Case(Network((1, 8, 8), layers), samples=9)
    case.images //= 100
    case.scale[:], case.shift[:] = 1, -1
    case.x = case.images - 1.0
    case.plan.tensors[0].view(case.parameters)[...] = [[[[1]]], [[[-1]]]]
    case.plan.tensors[1].view(case.parameters)[...] = 0
    check(case)
