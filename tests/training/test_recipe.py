"""Recipes: their values, bounds and schedules."""

import json

import numpy as np
import pytest

import lenet
from lenet.errors import UsageError
from lenet.training import Recipe, named_recipe


def test_the_seed_is_the_articles():
    assert named_recipe("seed").to_dict() == Recipe().to_dict() | {
        "epochs": 20,
        "batch_size": 256,
        "optimizer": "sgd",
        "lr": 2.5,
        "schedule": "constant",
        "init": "normal:0.2",
        "standardize": False,
        "weight_decay": 0.0,
    }


def test_modern_is_the_default():
    assert named_recipe() == named_recipe("modern") == Recipe()
    modern = Recipe()
    assert (modern.optimizer, modern.schedule, modern.init) == ("adamw", "one-cycle", "kaiming")
    assert modern.standardize
    assert (modern.epochs, modern.batch_size, modern.lr) == (20, 128, 0.01)


def test_changes():
    recipe = named_recipe("seed", epochs=3, lr=None)
    assert recipe == named_recipe("seed").but(epochs=3)
    assert (recipe.epochs, recipe.lr) == (3, 2.5)
    assert named_recipe("seed").epochs == 20
    assert lenet.recipe is named_recipe


def test_to_dict_is_json_and_comes_back():
    recipe = named_recipe("seed")
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


WHOLE = "it must be a whole number from 1 to"
LR = r"the learning rate \(lr\) is .*; it must be a number above 0 and at most 1e\+30\."
DECAY = r"the weight decay is .*; it must be a number from 0 to 1e\+30\."
INIT = "it must be normal:S with a standard deviation S above 0"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *(
            ("epochs", value, f"the number of epochs is .*; {WHOLE} 100,000")
            for value in (0, -1, 100_001, 10**30, 1.0, True, "3", float("nan"))
        ),
        *(
            ("batch_size", value, f"the batch size is .*; {WHOLE} 1,000,000")
            for value in (0, -1, 1_000_001, 2.5, True, "3")
        ),
        *(
            ("lr", value, LR)
            for value in (0, -1, float("nan"), float("inf"), 1e300, 10**400, True, "0.1")
        ),
        *(
            ("weight_decay", value, DECAY)
            for value in (-1e-9, float("nan"), float("inf"), 1e300, True, "0.1")
        ),
        *(
            ("init", value, INIT)
            for value in ("", "normal", "normal:", "normal:x", "normal:0", "normal:-1", 5)
        ),
        ("init", "normal:nan", INIT),
        ("init", "xavier:2", INIT),
        ("optimizer", "adam", r"the optimizer is 'adam'; it must be sgd, momentum or adamw\."),
        ("schedule", "step", r"the schedule is 'step'; it must be constant or one-cycle\."),
        ("optimizer", 3, "the optimizer is 3; it must be"),
        ("schedule", ["constant"], "the schedule is .*; it must be"),
    ],
)
def test_bounds(name, value, message):
    with pytest.raises(UsageError, match=message) as caught:
        Recipe(**{name: value})
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 1),
        ("epochs", 100_000),
        ("batch_size", 1),
        ("batch_size", 1_000_000),
        ("lr", 1),
        ("lr", 1e-30),
        ("lr", 1e30),
        ("weight_decay", 0),
        ("init", "normal:1e-3"),
        ("optimizer", "momentum"),
    ],
)
def test_within_bounds(name, value):
    assert getattr(Recipe(**{name: value}), name) == value


def test_unknown_change():
    with pytest.raises(UsageError, match=r"a recipe has no 'rate'; it has epochs, batch_size, opt"):
        named_recipe("seed", rate=1)


def test_standardize_is_yes_or_no():
    with pytest.raises(UsageError, match=r"standardize is 'no'; it must be True or False\."):
        Recipe(standardize="no")


def test_unknown_name():
    with pytest.raises(UsageError, match=r"the recipe is 'sead'; it must be modern or seed\."):
        named_recipe("sead")


def test_constant_rates():
    assert Recipe(lr=2.5, schedule="constant").rates(4).tolist() == [2.5] * 4


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


def test_the_optimizer_is_the_recipes():
    optimizer = Recipe(optimizer="momentum", weight_decay=0.25).make_optimizer()
    assert (optimizer.kind, optimizer.weight_decay) == ("momentum", 0.25)
