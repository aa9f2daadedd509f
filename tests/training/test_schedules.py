"""Learning rates: each schedule's shape, and the warm-up."""

import math

import numpy as np
import pytest
from lenet.training.schedules import SCHEDULES, Schedule

from lenet.training import Recipe


def test_constant_rates():
    assert Schedule("constant", 2.5, epochs=2).rates(4).tolist() == [2.5] * 4


def test_cosine_falls_to_nothing():
    rates = Schedule("cosine", 3.0, epochs=5).rates(1000)
    at = (np.arange(1000) + 0.5) / 1000
    np.testing.assert_allclose(rates, [1.5 * (1 + math.cos(math.pi * each)) for each in at])
    assert (np.diff(rates) < 0).all()
    assert 0 < rates[-1] < 1e-5


def test_steps():
    rates = Schedule("step", 1.0, epochs=5, step_every=2, step_factor=0.1).rates(15)
    np.testing.assert_allclose(rates, [1] * 6 + [0.1] * 6 + [0.01] * 3)


@pytest.mark.parametrize("kind", ["constant", "cosine", "step"])
def test_a_warm_up_rises_in_a_line_and_leaves_the_rest(kind):
    rates = Schedule(kind, 2.0, epochs=10, warm_up=2.5, step_every=4).rates(100)
    np.testing.assert_allclose(np.diff(rates[:25]), 2.0 / 25, rtol=0.02)
    assert rates[0] == pytest.approx(0.04)
    if kind == "cosine":  # it falls over what is left
        np.testing.assert_allclose(rates[25:], Schedule("cosine", 2.0, epochs=9).rates(75))
    else:
        plain = Schedule(kind, 2.0, epochs=10, step_every=4).rates(100)
        assert rates[25:].tolist() == plain[25:].tolist()


@pytest.mark.parametrize("warm_up", [3, 2.999])
def test_a_warm_up_over_all_epochs(warm_up):
    rates = Schedule("cosine", 2.0, epochs=3, warm_up=warm_up).rates(30)
    assert np.isfinite(rates).all()
    assert (rates >= 0).all()


@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize("warm_up", [0, 1.5])
def test_a_part_is_the_parts_of_all(kind, warm_up):
    schedule = Schedule(kind, 0.5, epochs=7, warm_up=warm_up, step_every=2)
    parts = [schedule.rates(77, begin, begin + 11) for begin in range(0, 77, 11)]
    np.testing.assert_allclose(np.concatenate(parts), schedule.rates(77), rtol=1e-12)


@pytest.mark.parametrize("steps", [2, 3, 7, 100, 4691])
def test_one_cycle_rises_a_quarter_and_falls(steps):
    rates = Recipe(lr=0.01, schedule="one-cycle").rates(steps)
    assert rates.shape == (steps,)
    assert (rates > 0).all()
    assert (rates <= 0.01).all()
    top = int(rates.argmax())
    assert abs(top + 0.5 - steps / 4) <= 1
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()


def test_one_cycle_ends():
    rates = Recipe(lr=1.0, schedule="one-cycle").rates(10_000)
    assert rates[0] == pytest.approx(1 / 25, rel=1e-3)
    assert rates[-1] == pytest.approx(1 / 1000, rel=1e-3)
    assert rates.max() == pytest.approx(1, rel=1e-6)
    assert rates[1250] == pytest.approx((1 + 1 / 25) / 2, rel=1e-3)  # half way up


def test_one_step_has_a_rate():
    assert 0 < Recipe(schedule="one-cycle").rates(1)[0] <= 0.01
