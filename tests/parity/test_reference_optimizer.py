"""The reference optimizers equal PyTorch's over many steps in float64."""

from __future__ import annotations

import numpy as np
import pytest

from lenet.engine.optimizer import Optimizer

torch = pytest.importorskip("torch")


def theirs(optimizer: Optimizer, parameter: torch.Tensor) -> torch.optim.Optimizer:
    if optimizer.kind == "adamw":
        return torch.optim.AdamW(
            [parameter],
            betas=(optimizer.beta1, optimizer.beta2),
            eps=optimizer.epsilon,
            weight_decay=optimizer.weight_decay,
        )
    momentum = optimizer.momentum if optimizer.kind == "momentum" else 0.0
    return torch.optim.SGD(
        [parameter], lr=0.1, momentum=momentum, weight_decay=optimizer.weight_decay
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        Optimizer("sgd"),
        Optimizer("sgd", weight_decay=0.1),
        Optimizer("momentum"),
        Optimizer("momentum", momentum=0.5, weight_decay=0.1),
        Optimizer("adamw"),
        Optimizer("adamw", beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.1),
    ],
    ids=str,
)
def test_twenty_steps(optimizer: Optimizer) -> None:
    random = np.random.default_rng(0)
    mine = random.normal(size=50)
    parameter = torch.tensor(mine)
    pytorch = theirs(optimizer, parameter)
    state = np.zeros((optimizer.state_rows, 50))
    for step in range(1, 21):
        rate = float(random.uniform(0.001, 0.1))
        gradient = random.normal(size=50) * 10.0 ** random.integers(-6, 3)
        pytorch.param_groups[0]["lr"] = rate
        parameter.grad = torch.tensor(gradient)
        pytorch.step()
        optimizer.update(mine, gradient, state, rate, step)
        np.testing.assert_allclose(mine, parameter.numpy(), rtol=1e-12)
