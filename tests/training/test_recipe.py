"""Recipes: their values, bounds and schedules."""

import json

import pytest

import lenet
from lenet.engine.optimizer import Optimizer
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
        "net": "lenet",
    }


def test_modern_is_the_default():
    assert named_recipe() == named_recipe("modern") == Recipe()
    modern = Recipe()
    assert (modern.optimizer, modern.schedule, modern.init) == ("adamw", "one-cycle", "kaiming")
    assert modern.standardize
    assert (modern.epochs, modern.batch_size, modern.lr) == (20, 128, 0.01)


def test_changes_of_unknown_names():
    with pytest.raises(UsageError, match=r"no 'epoch' \(did you mean 'epochs'\?\); it has"):
        Recipe().but(epoch=3)


def test_changes_of_the_augmentation_leave_the_rest_of_it():
    recipe = Recipe(augment={"shift": 1}).but(augment={"rotate": 5})
    assert recipe.augment == lenet.Augmentation(shift=1, rotate=5)
    assert Recipe(augment=lenet.Augmentation(shift=1, rotate=5)) == recipe


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
        (
            "optimizer",
            "adam",
            r"the optimizer is 'adam'; it must be sgd, momentum, nesterov or adamw\.",
        ),
        (
            "schedule",
            "steps",
            r"the schedule is 'steps'; it must be constant, one-cycle, cosine or step",
        ),
        ("optimizer", 3, "the optimizer is 3; it must be"),
        *(
            (name, value, rf"{name} is .*; it must be a number of at least 0 and below 1\.")
            for name in ("momentum", "smoothing", "dropout", "validation")
            for value in (-0.1, 1, 1.5, float("nan"), float("inf"), True, "0.1", None)
        ),
        *(
            ("average", value, r"average is .*; it must be a number from 0 to 0\.9999\.")
            for value in (-1, 0.99999, 1, "0.9", float("nan"))
        ),
        *(("clip", value, "the clip is .*; it must be a number from 0") for value in (-1, "1")),
        *(("patience", value, "the patience is .*; it must be a whole") for value in (-1, 0.5)),
        *(("step_every", value, f"the step_every is .*; {WHOLE}") for value in (0, 0.5)),
        *(("step_factor", value, "the step_factor is .*; it must be") for value in (0, -1, "x")),
        ("keep", "first", r"the choice of weights \(keep\) is 'first'; it must be last or best\."),
        ("balance", "yes", r"balance is 'yes'; it must be True or False\."),
        ("augment", 3, r"augment is 3; it must be a table of its values, such as shift = 1\."),
        (
            "augment",
            {"shfit": 1},
            r"augment has no 'shfit' \(did you mean 'shift'\?\); it has shift",
        ),
        ("augment", {"shift": 0.5}, "shift is 0.5; it must be a whole number of pixels from 0 to"),
        ("net", 3, "net is 3; it must be a network's name or notation"),
        *(
            ("warm_up", value, r"warm_up is .*; it must be a number of epochs, from 0 to all 20\.")
            for value in (-1, 20.5, float("nan"), "1", True)
        ),
        ("warm_up", 1, "warm_up is 1 and the schedule one-cycle, which rises by itself; leave"),
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


def test_the_rates_are_the_schedules():
    recipe = Recipe(epochs=4, lr=2.0, schedule="step", step_every=2, step_factor=0.5, warm_up=1)
    assert recipe.rates(8).tolist() == [0.5, 1.5, 2, 2, 1, 1, 1, 1]


def test_the_optimizer_is_the_recipes():
    values = {"momentum": 0.5, "weight_decay": 0.25}
    recipe = Recipe(optimizer="nesterov", clip=2.0, average=0.75, **values)
    expected = Optimizer("nesterov", max_grad_norm=2.0, ema_decay=0.75, **values)
    assert recipe.make_optimizer() == expected
