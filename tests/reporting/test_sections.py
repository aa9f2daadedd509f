"""The sections of a run's page."""

from types import SimpleNamespace

import pytest

import lenet
from lenet.optimizers import OPTIMIZERS
from lenet.reporting import run_page


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_memory_is_that_of_the_runs_own_recipe(optimizer):
    recipe = {"batch_size": 50, "optimizer": optimizer}
    text = run_page._network(SimpleNamespace(network=lenet.zoo.lenet(), recipe=recipe)).html
    state = OPTIMIZERS[optimizer]
    cells = {0: "0 B", 1: "178 kB", 2: "355 kB"}[state]
    assert f'optimizer state, {optimizer}</th><td class="right">{cells}</td>' in text
    assert '<th scope="col" class="right">50 images</th>' in text


def test_a_recipe_that_says_less():
    text = run_page._network(SimpleNamespace(network=lenet.zoo.lenet(), recipe={})).html
    assert "optimizer state, sgd" in text


def test_the_card_says_how_a_picture_is_prepared():
    plain = lenet.Preprocessing((1, 28, 28), (0.0,), (1.0,), None)
    boxed = lenet.Preprocessing((1, 28, 28), (0.1,), (0.3,), "dark", box=20)
    cards = [run_page._preprocessing(lenet.Model("lenet", None, seen)) for seen in (plain, boxed)]
    assert "mass" not in cards[0]
    assert "dark background" in cards[1]
    assert "20x20 in 28x28" in cards[1]
