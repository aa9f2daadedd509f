"""Recipes: their values, bounds and schedules."""

import json
import math

import numpy as np
import pytest

import lenet
from lenet.engine.optimizer import Optimizer
from lenet.errors import UsageError
from lenet.optimizers import DEFAULTS
from lenet.run_folder import FORMER_NAMES
from lenet.training import Recipe, named_recipe
from lenet.training.recipe import SCHEDULES, read_settings
from refusals import refused


def test_the_seed_is_the_articles():
    assert named_recipe("original").to_dict() == Recipe().to_dict() | {
        "epochs": 20,
        "batch_size": 256,
        "optimizer": "sgd",
        "lr": 2.5,
        "schedule": "constant",
        "init": "normal:0.2",
        "standardize": False,
        "weight_decay": 0.0,
        "network": "lenet",
    }


def test_modern_is_the_default():
    assert named_recipe() == named_recipe("modern") == Recipe()
    modern = Recipe()
    assert (modern.optimizer, modern.schedule, modern.init) == ("adamw", "one-cycle", "kaiming")
    assert modern.standardize
    assert (modern.epochs, modern.batch_size, modern.lr) == (20, 128, 0.01)


def test_changes_of_unknown_names():
    with refused(UsageError, "did you mean 'epochs'"):
        Recipe().replace(epoch=3)


def test_changes_of_the_augmentation_leave_the_rest_of_it():
    recipe = Recipe(augment={"shift": 1}).replace(augment={"rotate": 5})
    assert recipe.augment == lenet.Augmentation(shift=1, rotate=5)
    assert Recipe(augment=lenet.Augmentation(shift=1, rotate=5)) == recipe


def test_changes():
    recipe = named_recipe("original", epochs=3, lr=None)
    assert recipe == named_recipe("original").replace(epochs=3)
    assert (recipe.epochs, recipe.lr) == (3, 2.5)
    assert named_recipe("original").epochs == 20
    assert lenet.recipe is named_recipe


def test_to_dict_is_json_and_comes_back():
    recipe = named_recipe("original")
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "values", "allowed"),
    [
        ("epochs", (0, -1, 100_001, 10**30, 1.0, True, "3", NAN), "whole number from 1 to 100,000"),
        ("batch_size", (0, -1, 1_000_001, 2.5, True, "3"), "whole number from 1 to 1,000,000"),
        ("patience", (-1, 0.5), "whole number from 0"),
        ("step_size", (0, 0.5), "whole number from 1"),
        ("lr", (0, -1, NAN, INFINITY, 1e300, 10**400, True, "0.1"), "above 0 and at most 1e+30"),
        ("gamma", (0, -1, "x"), "above 0"),
        ("weight_decay", (-1e-9, NAN, INFINITY, 1e300, True, "0.1"), "from 0 to 1e+30"),
        ("max_grad_norm", (-1, "1"), "from 0 to 1e+30"),
        ("ema_decay", (-1, 0.99999, 1, "0.9", NAN), "from 0 to 0.9999"),
        ("warmup_epochs", (-1, NAN, "1", True), "from 0"),
        ("warmup_epochs", (20.5,), "20 epochs"),
        ("warmup_epochs", (1,), "one-cycle"),
        *(
            (name, (-0.1, 1, 1.5, NAN, INFINITY, True, "0.1", None), "at least 0 and below 1")
            for name in ("momentum", "label_smoothing", "dropout", "validation_fraction")
        ),
        ("init", ("", "normal", "normal:", "normal:x", "normal:0", "normal:-1", 5), "normal:S"),
        ("init", ("normal:nan", "xavier:2"), "normal:S"),
        ("optimizer", ("adam", 3), "sgd, momentum, nesterov, adamw or levenberg-marquardt"),
        ("schedule", ("steps", ["constant"]), "constant, one-cycle, cosine, step or listed"),
        ("standardize", ("no", 1), "True or False"),
        ("restore_best", ("first", 1), "True or False"),
        ("class_weight", ("yes", True), "balanced"),
        ("network", (3,), "notation"),
        ("augment", (3,), "shift = 1"),
        ("augment", ({"shfit": 1},), "did you mean 'shift'"),
        ("augment", ({"shift": 0.5},), "whole number of pixels"),
    ],
)
def test_bounds(name, values, allowed):
    for value in values:
        with pytest.raises(UsageError) as caught:
            Recipe(**{name: value})
        text = str(caught.value)
        assert allowed in text
        assert name in text or name in ("init", "augment")
        assert "\n" not in text
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
    for change in ({"rate": 1}, {"epoch": 3}):
        with refused(UsageError, "it has epochs, batch_size"):
            named_recipe("original", **change)


FORMER = {
    "smoothing": 0.1,
    "clip": 1.0,
    "average": 0.9,
    "warm_up": 1,
    "step_every": 5,
    "step_factor": 0.5,
    "balance": True,
    "validation": 0.2,
    "keep": "best",
    "net": "lenet",
}
CURRENT = Recipe(
    schedule="step",
    label_smoothing=0.1,
    max_grad_norm=1.0,
    ema_decay=0.9,
    warmup_epochs=1,
    step_size=5,
    gamma=0.5,
    class_weight="balanced",
    validation_fraction=0.2,
    restore_best=True,
    network="lenet",
)


def test_former_names_are_read(tmp_path):
    """In files, mappings, keywords and settings; the values that changed with them too."""
    assert FORMER.keys() == FORMER_NAMES.keys()
    lines = [f"{name} = {str(value).lower()}" for name, value in FORMER.items()]
    text = "\n".join(lines).replace("best", "'best'").replace("= lenet", "= 'lenet'")
    (tmp_path / "r.toml").write_text(f"schedule = 'step'\n{text}")
    settings = read_settings([f"{name}={value}" for name, value in FORMER.items()])
    for recipe in (
        named_recipe(tmp_path / "r.toml"),
        Recipe.from_dict({"schedule": "step", **FORMER}),
        named_recipe(schedule="step", **FORMER),
        Recipe(schedule="step").replace(**FORMER),
        named_recipe(schedule="step", **settings),
        named_recipe(tmp_path / "r.toml", **settings),
    ):
        assert recipe == CURRENT
    plain = {"balance": False, "keep": "last"}
    assert named_recipe("modern", **plain) == Recipe()
    assert read_settings(["balance=false", "keep=last"]) == {
        "class_weight": "",
        "restore_best": False,
    }


def test_a_value_under_both_of_its_names():
    for values in ({"clip": 1, "max_grad_norm": 1}, {"max_grad_norm": 1, "clip": 1}):
        with refused(UsageError, "max_grad_norm is given twice"):
            named_recipe("modern", **values)


def test_the_former_name_of_the_original_recipe_says_what_it_is_called_now():
    with pytest.warns(DeprecationWarning, match="original"):
        former = named_recipe(" Seed ", epochs=3)
    assert former == named_recipe("original", epochs=3)


def test_the_rates_are_the_schedules():
    recipe = Recipe(epochs=4, lr=2.0, schedule="step", step_size=2, gamma=0.5, warmup_epochs=1)
    assert recipe.rates(8).tolist() == [0.5, 1.5, 2, 2, 1, 1, 1, 1]


def test_the_optimizer_is_the_recipes():
    values = {"momentum": 0.5, "weight_decay": 0.25, "max_grad_norm": 2.0, "ema_decay": 0.75}
    optimizer = Recipe(optimizer="nesterov", **values).make_optimizer()
    assert optimizer == Optimizer(
        "nesterov", momentum=0.5, weight_decay=0.25, max_grad_norm=2.0, ema_decay=0.75
    )


@pytest.mark.parametrize("optimizer", DEFAULTS)
@pytest.mark.parametrize(
    "recipe",
    [
        lambda name: Recipe(optimizer=name),
        lambda name: Recipe.from_dict({"optimizer": name}),
        lambda name: named_recipe({"optimizer": name}),
        lambda name: named_recipe("modern", optimizer=name),
        lambda name: Recipe(optimizer="nesterov").replace(optimizer=name),
        lambda name: named_recipe("original").replace(optimizer="adamw").replace(optimizer=name),
    ],
)
def test_an_optimizer_brings_its_own_rate_and_decay(recipe, optimizer):
    made = recipe(optimizer)
    assert {name: getattr(made, name) for name in DEFAULTS[optimizer]} == DEFAULTS[optimizer]


def test_values_that_are_given_are_kept_with_another_optimizer():
    best = named_recipe("best", optimizer="momentum", lr=0.02, weight_decay=1e-4)
    assert (best.lr, best.weight_decay) == (0.02, 1e-4)
    assert named_recipe("best", optimizer="momentum", weight_decay=1e-4).lr == 0.05
    same = Recipe(lr=0.3, weight_decay=0.2).replace(optimizer="adamw", epochs=3)
    assert (same.lr, same.weight_decay) == (0.3, 0.2)  # it is the same optimizer as before
    assert Recipe(optimizer="sgd", weight_decay=0.1).weight_decay == 0.1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"momentum": 0.8}, ("momentum is 0.8", "adamw", "momentum or nesterov")),
        ({"optimizer": "sgd", "momentum": 0.9}, ("momentum is 0.9", "optimizer is sgd")),
        ({"gamma": 0.5}, ("gamma is 0.5", "schedule is one-cycle", "schedule to step")),
        ({"step_size": 3, "schedule": "cosine"}, ("step_size is 3", "schedule is cosine")),
        ({"pixel_range": (0, 2)}, ("standardize is True", "set standardize to False.")),
    ],
)
def test_a_value_that_nothing_uses_is_refused(values, words):
    with refused(UsageError, *words):
        named_recipe("modern", **values)


def test_constant_rates():
    assert Recipe(schedule="constant", lr=2.5, epochs=2).rates(4).tolist() == [2.5] * 4


def test_cosine_falls_to_nothing():
    rates = Recipe(schedule="cosine", lr=3.0, epochs=5).rates(1000)
    at = (np.arange(1000) + 0.5) / 1000
    np.testing.assert_allclose(rates, [1.5 * (1 + math.cos(math.pi * each)) for each in at])
    assert (np.diff(rates) < 0).all()
    assert 0 < rates[-1] < 1e-5


def test_steps():
    rates = Recipe(schedule="step", lr=1.0, epochs=5, step_size=2, gamma=0.1).rates(15)
    np.testing.assert_allclose(rates, [1] * 6 + [0.1] * 6 + [0.01] * 3)


@pytest.mark.parametrize("kind", ["constant", "cosine", "step"])
def test_a_warm_up_rises_in_a_line_and_leaves_the_rest(kind):
    rates = Recipe(schedule=kind, lr=2.0, epochs=10, warmup_epochs=2.5, step_size=4).rates(100)
    np.testing.assert_allclose(np.diff(rates[:25]), 2.0 / 25, rtol=0.02)
    assert rates[0] == pytest.approx(0.04)
    if kind == "cosine":  # it falls over what is left
        np.testing.assert_allclose(
            rates[25:], Recipe(schedule="cosine", lr=2.0, epochs=9).rates(75)
        )
    else:
        plain = Recipe(schedule=kind, lr=2.0, epochs=10, step_size=4).rates(100)
        assert rates[25:].tolist() == plain[25:].tolist()


@pytest.mark.parametrize("warmup_epochs", [3, 2.999])
def test_a_warm_up_over_all_epochs(warmup_epochs):
    rates = Recipe(schedule="cosine", lr=2.0, epochs=3, warmup_epochs=warmup_epochs).rates(30)
    assert np.isfinite(rates).all()
    assert (rates >= 0).all()


@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize("warmup_epochs", [0, 1.5])
def test_a_part_is_the_parts_of_all(kind, warmup_epochs):
    warmup = 0 if kind == "one-cycle" else warmup_epochs
    more = {"epoch_rates": [0.5, 0.1, 0.02]} if kind == "listed" else {"lr": 0.5, "step_size": 2}
    schedule = Recipe(schedule=kind, epochs=7, warmup_epochs=warmup, **more)
    parts = [schedule.rates(77, begin, begin + 11) for begin in range(0, 77, 11)]
    np.testing.assert_allclose(np.concatenate(parts), schedule.rates(77), rtol=1e-12)


def test_listed_rates_are_those_of_the_epochs_and_the_last_one_stays():
    rates = Recipe(schedule="listed", epochs=4, epoch_rates=[0.5, 0.1, 0.02]).rates(8)
    np.testing.assert_array_equal(rates, [0.5, 0.5, 0.1, 0.1, 0.02, 0.02, 0.02, 0.02])
    with refused(UsageError, "epoch_rates names no rate"):
        Recipe(schedule="listed")


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


@pytest.mark.parametrize("name", ["dropout", "label_smoothing", "momentum"])
def test_a_share_that_is_one_in_the_engines_32_bits(few, small, name):
    """Refused before anything begins: a run with it could neither go on nor be resumed."""
    with refused(UsageError, name, "0.9999999999"):
        Recipe(**{name: 0.9999999999})
    recipe = Recipe(epochs=1, optimizer="momentum", **{name: 0.9999999})
    assert len(lenet.train(small, few, recipe).training["epochs"]) == 1


def test_a_huge_whole_number_is_read_again(tmp_path):
    """It stood in run.json with all its digits, which its reader took for damage."""
    recipe = Recipe(lr=10**25, weight_decay=7)
    assert (type(recipe.lr), type(recipe.weight_decay)) == (float, int)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_arrays_of_numpy_are_values():
    made = lenet.recipe("modern", standardize=False, pixel_range=np.array([0, 0.5]))
    assert made.pixel_range == (0, 0.5)
