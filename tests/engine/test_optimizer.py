"""The updates by hand; tests/parity holds them against PyTorch."""

import numpy as np
import pytest

from lenet.engine.optimizer import Optimizer
from lenet.errors import UsageError
from refusals import refused


def after(optimizer: Optimizer, gradients: list[float], rate: float = 0.5) -> float:
    """A parameter that starts at 1, after one step for each gradient."""
    parameters, state = np.ones(1), np.zeros((optimizer.state_rows, 1))
    for step, gradient in enumerate(gradients, start=1):
        optimizer.update(parameters, np.array([gradient]), state, rate, step)
    return float(parameters[0])


def test_sgd_goes_down_the_gradient() -> None:
    assert after(Optimizer("sgd"), [0.5, 0.25]) == 1 - 0.5 * (0.5 + 0.25)


def test_sgd_adds_the_decay_to_the_gradient() -> None:
    assert after(Optimizer("sgd", weight_decay=0.5), [0.25]) == 1 - 0.5 * (0.25 + 0.5)


def test_momentum_remembers_gradients() -> None:
    assert after(Optimizer("momentum", momentum=0.5), [1, 1]) == 1 - 0.5 * 1 - 0.5 * 1.5


def test_adamw_first_steps_by_the_rate_whatever_the_gradients_size() -> None:
    assert after(Optimizer("adamw"), [1e-3], rate=0.1) == pytest.approx(0.9, abs=1e-5)
    assert after(Optimizer("adamw"), [1e3], rate=0.1) == pytest.approx(0.9, abs=1e-5)


def test_adamw_decays_beside_the_moments() -> None:
    assert after(Optimizer("adamw", weight_decay=0.5), [0.0], rate=0.1) == 0.95


@pytest.mark.parametrize(("kind", "rows"), [("sgd", 0), ("momentum", 1), ("adamw", 2)])
def test_state_rows_and_precision(kind: str, rows: int) -> None:
    optimizer = Optimizer(kind, weight_decay=0.1)
    assert optimizer.state_rows == rows
    gradient = np.linspace(-1, 1, 5, dtype=np.float32)
    parameters, before = np.ones(5, np.float32), gradient.copy()
    state = np.zeros((rows, 5), np.float32)
    optimizer.update(parameters, gradient, state, np.float64(0.1), 1)
    assert parameters.dtype == np.float32
    np.testing.assert_array_equal(gradient, before)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "adam"}, ("'adam'", "sgd, momentum, nesterov, adamw or levenberg-marquardt")),
        ({"momentum": 1.0}, ("momentum is 1.0", "below 1")),
        ({"beta1": -0.1}, ("beta1 is -0.1",)),
        ({"beta2": float("nan")}, ("beta2 is nan",)),
        ({"epsilon": 0.0}, ("epsilon is 0.0", "above 0")),
        ({"epsilon": float("inf")}, ("epsilon is inf",)),
        ({"weight_decay": -1.0}, ("weight_decay is -1.0", "0 or more")),
        ({"weight_decay": float("nan")}, ("weight_decay is nan",)),
    ],
)
def test_settings_out_of_range_are_refused(
    settings: dict[str, object], words: tuple[str, ...]
) -> None:
    with refused(UsageError, *words):
        Optimizer(**({"kind": "sgd"} | settings))
