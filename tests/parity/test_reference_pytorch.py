"""The reference engine equals PyTorch in float64: scores, loss, every gradient.

PyTorch's side is built from the network's layers, not from the plan, so that a wrong plan shows.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from lenet.engine.operations import backward
from lenet.engine.plan import Floats, Plan, make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.net.layers import ACTIVATIONS, AvgPool2d, Conv2d, Dense, Layer, MaxPool2d
from lenet.net.network import Network
from random_networks import random_network

torch = pytest.importorskip("torch")
from lenet.benchmarking.torch_network import torch_modules, torch_network  # noqa: E402

functional = torch.nn.functional


class Case:
    """The same parameters and images for both sides."""

    def __init__(self, network: Network, seed: int = 0, samples: int = 5) -> None:
        self.network = network
        self.plan: Plan = make_plan(network)
        self.engine = ReferenceEngine(self.plan)
        random = np.random.default_rng(seed)
        self.parameters = np.zeros(self.plan.table_size)
        for tensor in self.plan.tensors:
            tensor.view(self.parameters)[...] = random.normal(0, 0.5, tensor.shape)
        self.images = random.integers(0, 256, (samples, *network.input_shape), np.uint8)
        self.labels = random.integers(0, self.plan.classes, samples)
        self.scale = random.uniform(0.005, 0.01, network.input_shape[0])
        self.shift = random.uniform(-1, 0, network.input_shape[0])
        self.x = self.images * self.scale[:, None, None] + self.shift[:, None, None]

    def pytorch(self) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Every layer's input and the scores at the end; every parameter in table order."""
        network = torch_network(self.network, self.plan, self.parameters)
        modules = iter(network)
        flow = [torch.tensor(self.x, requires_grad=True)]
        for place in self.network.placed:
            value = flow[-1]
            for module in islice(modules, len(torch_modules(place))):
                value = module(value)
            flow.append(value)
        return flow, list(network.parameters())


def assert_near(found: Floats, expected: torch.Tensor) -> None:
    expected = expected.detach().numpy().reshape(found.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


def check(case: Case) -> None:
    flow, tensors = case.pytorch()
    outputs = case.engine.outputs(case.parameters, case.x)
    for found, expected in zip(outputs, flow[1:], strict=True):
        assert_near(found, expected)
    scores = flow[-1].flatten(1)
    assert_near(case.engine.scores(case.parameters, case.images, case.scale, case.shift), scores)
    loss = functional.cross_entropy(scores, torch.tensor(case.labels))
    loss.backward()
    found = case.engine.gradient(case.parameters, case.images, case.labels, case.scale, case.shift)
    assert found.loss == pytest.approx(loss.item(), rel=1e-9)
    assert found.correct == (scores.argmax(1).numpy() == case.labels).sum()
    for tensor, expected in zip(case.plan.tensors, tensors, strict=True):
        assert_near(tensor.view(found.gradient), expected.grad)


@pytest.mark.parametrize("seed", range(100))
def test_random_networks(seed: int) -> None:
    check(Case(random_network(seed), seed))


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
    dx, *_ = backward(case.plan.steps[0], case.x, *values, flow[1].detach().numpy(), dy)
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
