"""Recipes by name and as TOML: found, read, written, refused."""

import os
import re
import tomllib
from pathlib import Path

import pytest

import lenet
from lenet.cli.train import train as train_verb
from lenet.errors import UsageError
from lenet.training import Recipe, named_recipe
from lenet.training import recipe as recipe_module
from lenet.training.recipe import names, read_recipe, read_settings, recipe_text, stem_of
from pages import read_page
from refusals import refused


def test_every_named_recipe_is_one():
    old = ("lenet-1", "lenet-4", "lenet-5", "lenet-5-distorted")
    assert names() == ("auto", "best", "best-lenet", "best-tiny", *old, "modern", "original")
    for path in recipe_module.FOLDER.glob("*.toml"):
        assert read_recipe(path).epochs >= 1


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of named recipes of which one has a file for a data set."""
    (tmp_path / "best.toml").write_text("epochs = 1")
    (tmp_path / "best.mnist.toml").write_text("epochs = 2\nnetwork = 'lenet-60'")
    (tmp_path / "only.mnist.toml").write_text("epochs = 3")
    monkeypatch.setattr(recipe_module, "FOLDER", tmp_path)
    return tmp_path


def test_a_recipe_may_differ_by_the_data(folder):
    assert names() == ("auto", "best", "only")
    assert named_recipe("best").epochs == 1
    assert named_recipe("best", data="digits").epochs == 1
    assert named_recipe(" BEST ", data="MNIST").epochs == 2
    assert named_recipe("best", data="mnist").network == "lenet-60"
    assert named_recipe("best", data="../best.mnist").epochs == 1
    assert named_recipe("best", data="mnist", epochs=7).epochs == 7
    with refused(UsageError, "for mnist alone"):
        named_recipe("only")
    with refused(UsageError, "the recipe is 'best"):
        named_recipe("best.mnist")


def test_a_recipe_from_a_recipe_or_its_values():
    own = Recipe(epochs=3, augment={"shift": 2, "rotate": 10})
    assert named_recipe(own) == named_recipe(own.to_dict()) == own
    for source in (own, own.to_dict()):
        changed = named_recipe(source, epochs=4, lr=None, augment={"shift": 1})
        assert changed == own.replace(epochs=4, augment={"shift": 1})
    assert named_recipe({}) == Recipe()
    assert named_recipe({"warmup_epochs": 2}, schedule="cosine").warmup_epochs == 2
    with refused(UsageError, "no 'epoch'"):
        named_recipe({"epoch": 1})
    for wrong in (None, 5, ["best"], b"best"):
        with refused(UsageError, "modern or original"):
            named_recipe(wrong)


@pytest.mark.parametrize("text", ["true", "True", " TRUE"])
def test_true_as_anybody_writes_it(text):
    assert read_settings([f"restore-best={text}"]) == {"restore_best": True}


def test_what_a_recipe_is_called():
    for name, stem in ((" Best ", "best"), ("a/b c.toml", "b c"), (Path("A.x.TOML"), "A.x")):
        assert stem_of(name) == stem


def test_a_recipe_may_begin_with_another(tmp_path, folder):
    (tmp_path / "own").mkdir()
    path = tmp_path / "own" / "mine.toml"
    path.write_text("base = 'best.mnist'\nlr = 0.5\n[augment]\nshift = 2\n")
    recipe = read_recipe(path, batch_size=7)
    assert (recipe.epochs, recipe.network) == (2, "lenet-60")
    assert (recipe.lr, recipe.augment.shift, recipe.batch_size) == (0.5, 2, 7)
    for wrong in ("'bset'", "7", "'../mine'", "['best']"):
        path.write_text(f"base = {wrong}")
        with refused(UsageError, "mine.toml", "base", "best.mnist"):
            read_recipe(path)


@pytest.mark.parametrize("name", ["sead", "", "Modern toml", "../seed", "a" * 5000, "a\0b"])
def test_unknown_name(name):
    with pytest.raises(UsageError, match="modern or original, or a") as caught:
        named_recipe(name)
    assert len(str(caught.value)) < 250


STRANGE = 'a "net" \\ with \t tabs,\nlines, \x7f, \x01 and 図'


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe(lr=1e-30, weight_decay=1e30, standardize=False, network=STRANGE),
        Recipe(augment={"shift": 1, "elastic": 0.5, "flip": True}),
        Recipe(
            lr=1,
            schedule="cosine",
            warmup_epochs=0.1 + 0.2,
            validation_fraction=0.1,
            restore_best=True,
            patience=3,
        ),
    ],
)
def test_written_and_read_again(tmp_path, recipe):
    path = tmp_path / "r.toml"
    path.write_text(recipe_text(recipe, "one\ntwo"), encoding="utf-8")
    assert path.read_text(encoding="utf-8").startswith("# one\n# two\nepochs = 20\n")
    assert read_recipe(path) == recipe
    assert named_recipe(path) == recipe
    assert list(tomllib.loads(path.read_text(encoding="utf-8"))) == list(recipe.to_dict())
    assert recipe_text(read_recipe(path), "one\ntwo") == path.read_text(encoding="utf-8")


def test_changes_come_on_top(tmp_path):
    (tmp_path / "r.toml").write_text('schedule = "one-cycle"\nepochs = 3\n')
    recipe = read_recipe(tmp_path / "r.toml", schedule="cosine", warmup_epochs=1, lr=None)
    assert recipe == Recipe(schedule="cosine", epochs=3, warmup_epochs=1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"lr = ", "it is no TOML: Invalid value (at end of document)"),
        (b"lr = 1\nlr = 2", "it is no TOML: Cannot overwrite a value"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"x = " + b"[" * 50_000, "it is no TOML: "),
        (b"#" * 100_001, "has more than 100,000 bytes"),
        (b"epochs = " + b"9" * 5000, "cannot read the recipe"),
        (b"speed = 1", "r.toml: a recipe has no 'speed'; it has epochs, "),
        (b"epoch = 1", "r.toml: a recipe has no 'epoch' (did you mean 'epochs'?); it has epochs"),
        (b"[lr]\nx = 1", "r.toml: lr is {'x': 1}; it must be a number"),
        (b"lr = nan", "r.toml: lr is nan; it must be a number above 0"),
        (b"epochs = 1.0", "r.toml: epochs is 1.0; it must be a whole number"),
        (b"epochs = 2020-01-01", "epochs is datetime.date(2020, 1, 1); it must be"),
        (b"optimizer = ['sgd']", "r.toml: optimizer is ['sgd']; it must be sgd, "),
    ],
)
def test_files_that_are_no_recipe(tmp_path, content, words):
    (tmp_path / "r.toml").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_recipe(tmp_path / "r.toml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_file_is_the_default(tmp_path):
    (tmp_path / "r.toml").write_bytes(b"\xef\xbb\xbf")
    assert read_recipe(tmp_path / "r.toml") == Recipe()


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    for name in (
        "nowhere.toml",
        "pipe.toml",
        "folder.toml",
        "zero\0byte.toml",
        "a" * 300 + ".toml",
    ):
        with refused(UsageError, "cannot read the recipe"):
            named_recipe(tmp_path / name)


def test_settings():
    texts = ["lr=0.02", "epochs=3", "restore_best=true", "network=lenet-60", "init=normal:0.2"]
    texts += ["class-weight=balanced", "step-size=5", "net-work=x=y", "max-grad-norm=nonsense"]
    texts += ["patience=", "ema_decay=1\nx=2"]
    assert read_settings(texts) == {
        **{"lr": 0.02, "epochs": 3, "restore_best": True, "network": "lenet-60"},
        **{"init": "normal:0.2", "class_weight": "balanced", "step_size": 5, "net_work": "x=y"},
        **{"max_grad_norm": "nonsense", "patience": "", "ema_decay": "1\nx=2"},
    }


@pytest.mark.parametrize("text", ["", "lr", "=3", " = 3"])
def test_settings_that_are_none(text):
    with refused(UsageError, "give a name and a value"):
        read_settings([text])


def test_settings_of_the_augmentation(tmp_path):
    found = read_settings(["augment.shift=2", "lr=1", "augment.flip=true"])
    assert found == {"augment": {"shift": 2, "flip": True}, "lr": 1}
    (tmp_path / "r.toml").write_text("[augment]\nshift = 1\nrotate = 5\n")
    recipe = named_recipe(tmp_path / "r.toml", **found)
    assert recipe.augment.to_dict() | {"shift": 2, "rotate": 5, "flip": True} == (
        recipe.augment.to_dict()
    )
    for twice in (["augment.shift=1"] * 2, ["augment=1", "augment.shift=1"]):
        with refused(UsageError, "more than once"):
            read_settings(twice)


def test_a_setting_twice():
    for twice in (["lr=1", "lr=2"], ["clip=1", "max_grad_norm=2"]):
        with refused(UsageError, "more than once"):
            read_settings(twice)


def test_the_page_on_training_holds(tmp_path, monkeypatch):
    """Its TOML is a recipe, its table has every value, its commands are some."""
    monkeypatch.chdir(tmp_path)
    page = read_page("training.md")
    (toml,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "mine.toml").write_text(toml, encoding="utf-8")
    assert lenet.parse(read_recipe("mine.toml").network).output_shape
    rows = re.findall(r"^\| `(\w+)` \| ([][\w., -]*?) *\|", page, flags=re.MULTILINE)
    values = Recipe().to_dict()
    assert [name for name, _ in rows] == list(values)
    for name, text in rows[:-2]:
        assert read_settings([f"{name}={text}"])[name] == values[name]
    lines = re.findall(r"^lenet train (.*)$", page, flags=re.MULTILINE)
    assert len(lines) == 5
    for line in lines:
        assert train_verb.make_context("lenet train", line.split())
