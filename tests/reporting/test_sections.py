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


def answers(right, confidence, truth=(0, 0, 1, 1)):
    """Probabilities of two classes for which some images are predicted correctly, so surely."""
    rows = []
    for label, is_right, sure in zip(truth, right, confidence, strict=True):
        row = [1 - sure, 1 - sure]
        row[label if is_right else 1 - label] = sure
        rows.append(row)
    return rows, truth


@pytest.mark.parametrize(
    ("right", "confidence", "shown"),
    [
        ([1, 0, 1, 1], [0.6, 0.7, 0.9, 0.8], [0, 1]),  # the same class as the mistake
        ([1, 0, 1, 0], [0.6, 0.7, 0.9, 0.8], [2, 3]),  # the worst of two mistakes
        ([1, 1, 1, 1], [0.6, 0.7, 0.9, 0.8], [2]),
        ([0, 0, 0, 0], [0.6, 0.7, 0.9, 0.8], [2]),
        ([0, 0, 1, 1], [0.6, 0.7, 0.8, 0.9], [3, 1]),  # of its class none is right
    ],
)
def test_a_right_and_a_wrong_answer_are_shown_layer_by_layer(
    predictions_of, right, confidence, shown
):
    predictions = predictions_of(*answers(right, confidence))
    model = lenet.Model("1x8x8 | conv 2 k3 relu, maxpool 2 | dense 2").initialize()
    title = run_page.draw_layers(model, predictions).title
    assert title.removeprefix("Inside the network: ") == ", ".join(
        f"test image {place}" for place in shown
    )


def test_images_of_another_size_are_shown_as_given(predictions_of):
    predictions = predictions_of(*answers([1, 0, 1, 1], [0.6, 0.7, 0.9, 0.8]), size=(20, 30))
    model = lenet.Model("1x8x8 | conv 2 k3 relu, maxpool 2 | dense 2").initialize()
    texts = [text.text for text in run_page.draw_layers(model, predictions).scene.texts]
    assert "as it is given" in texts
    assert run_page._inside(model, predictions).html.count("<svg") == 1


def test_a_deep_network_shows_fewer_maps(predictions_of):
    predictions = predictions_of(*answers([1, 0, 1, 1], [0.6, 0.7, 0.9, 0.8]))
    deep = lenet.Model("1x8x8 | " + "conv 16 k3 same relu, " * 30 + "maxpool 2 | dense 2")
    texts = [t.text for t in run_page.draw_layers(deep.initialize(), predictions).scene.texts]
    assert any("the 3 most" in text for text in texts)
