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
